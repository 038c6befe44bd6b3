"""What the locks of the library that counts them say of a run of one of the workloads."""

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.harness import catalogue, paths
from benchmarks.harness.allocators import Allocator

HEAP = "heap"  # The name of every heap's own lock; all others are those of one lock each.
BUDGET = "budget"  # No lock: the sums that heaps change for all to read.
_LIBRARY = "tests/scaling/libcounted.so"
_LOCKS_OWN = ("Lock", "EditHolder", "operator")  # The last: of a lambda.

# How far the producers are ahead, and hence how much the run needs at most, is another each time: runs cannot
# be subtracted. They are so long that their start does not show.
_AT_ODDS = "prodcons_"

Settings = tuple[tuple[str, str], ...]


def is_shared(name: str) -> bool:
    """Whether it is a lock of all threads."""
    return name not in (HEAP, BUDGET)


@dataclass
class Counted:
    """Of a run, or of what one did that another did not."""

    operations: float
    cpu_seconds: float
    acquisitions: dict[str, float] = field(default_factory=dict)  # By the lock's name.
    waits: dict[str, float] = field(default_factory=dict)
    held_ns: dict[str, float] = field(default_factory=dict)
    longest_ns: dict[str, float] = field(default_factory=dict)
    paths: list[tuple[float, str, list[int]]] = field(default_factory=list)

    def minus(self, other: "Counted") -> "Counted":
        def less(ours: dict[str, float], theirs: dict[str, float]) -> dict[str, float]:
            return {name: ours[name] - theirs[name] for name in ours}

        acquisitions = less(self.acquisitions, other.acquisitions)
        # By the mean of all: a single interruption of a holder is more than what two runs differ by.
        held = {name: times * self.mean_hold(name) for name, times in acquisitions.items()}
        return Counted(
            self.operations - other.operations,
            self.cpu_seconds - other.cpu_seconds,
            acquisitions,
            less(self.waits, other.waits),
            held,
            self.longest_ns,
        )

    def mean_hold(self, lock: str) -> float:
        times = self.acquisitions[lock]
        return self.held_ns[lock] / times if times else 0.0

    def per_1000(self, lock: str) -> float:
        return 1000 * self.acquisitions[lock] / self.operations

    def shared_per_1000(self) -> float:
        """Acquisitions of the locks that all threads share."""
        return sum(self.per_1000(lock) for lock in self.acquisitions if is_shared(lock))


def library() -> str:
    found = paths.artifact(_LIBRARY)
    assert found is not None, f"{_LIBRARY} is not built"
    return str(found)


def _read(report: Path, figures: dict[str, float]) -> Counted:
    counted = Counted(figures["operations"], figures["cpu_seconds"])
    for line in map(json.loads, report.read_text().splitlines()):
        name = line["lock"]
        if "path" in line:
            counted.paths.append((line["acquisitions"], name, line["path"]))
            continue
        counted.acquisitions[name] = line["acquisitions"]
        counted.waits[name] = line["waits"]
        counted.held_ns[name] = line["held_ns"]
        counted.longest_ns[name] = line["max_hold_ns"]
    return counted


def row(name: str, scale: float) -> catalogue.Row:
    """As many threads at most as two cores have, so that every machine runs the same."""
    rows = catalogue.workload_rows(catalogue.workload_binary(), scale, quick=True, cores=2)
    (found,) = (one for one in rows if one.name == name)
    return found


def names() -> list[str]:
    rows = catalogue.workload_rows(catalogue.workload_binary(), 1.0, quick=True, cores=2)
    return [one.name for one in rows]


def count(name: str, scale: float, settings: Settings = ()) -> Counted:
    """One run of the row of that name. `settings`: of the environment."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "counts"
        told = (("LOCK_COUNTS", str(report)), *settings)
        done = row(name, scale).measure(Allocator("counted", library(), "", told))
        if done.failure:
            raise RuntimeError(f"{name}: {done.failure} {done.detail}")
        return _read(report, done.figures)


def steady(name: str, scale: float, settings: Settings = ()) -> Counted:
    """What the second half of a run does: the first one starts the process and fills the heap."""
    whole = count(name, scale, settings)
    if name.startswith(_AT_ODDS):
        return whole
    return whole.minus(count(name, scale / 2, settings))


def _plain(function: str) -> str:
    """Without namespaces, arguments and the like."""
    name = function.replace("(anonymous namespace)::", "").replace("mymalloc::", "")
    return re.split(r"[(<]", name)[0]


def where(addresses: list[int]) -> list[str]:
    """The functions, the innermost first, without the locks' own."""
    # A return address is that of the instruction behind the call.
    asked = [hex(address - 1) for address in addresses]
    command = ["addr2line", "--functions", "--inlines", "--demangle", "-e", library(), *asked]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    functions = [_plain(line) for line in lines[::2]]
    return [name for name in functions if not name.startswith(_LOCKS_OWN)]


def paths_to_locks(name: str, scale: float, most: int = 6) -> list[str]:
    """The ways on which a run takes shared locks, the most frequent first."""
    counted = count(name, scale, (("LOCK_PATHS", "1"),))
    shared = sorted((one for one in counted.paths if is_shared(one[1])), reverse=True)
    return [
        f"{1000 * times / counted.operations:8.2f}  {lock}: {' < '.join(where(path))}"
        for times, lock, path in shared[:most]
    ]
