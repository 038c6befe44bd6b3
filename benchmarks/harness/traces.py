"""Recorded traces of real programs, replayed: one row for each file of benchmarks/traces."""

import atexit
import lzma
import shutil
import tempfile
from pathlib import Path

from benchmarks.harness import catalogue, paths
from benchmarks.harness.allocators import Allocator
from benchmarks.harness.catalogue import Measured, Row

FOLDER = paths.ROOT / "benchmarks" / "traces"
_SUFFIX = ".trace.xz"


class _Unpacked:
    """Unpacks each trace when it is first replayed, into a folder that ends with this process."""

    def __init__(self) -> None:
        self._folder: Path | None = None

    def path(self, packed: Path) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="traces"))
            atexit.register(shutil.rmtree, self._folder, ignore_errors=True)
        found = self._folder / packed.name.removesuffix(_SUFFIX)
        if not found.exists():
            found.write_bytes(lzma.decompress(packed.read_bytes()))
        return found


_UNPACKED = _Unpacked()


def _about() -> dict[str, str]:
    """What README.md says of each trace: its version, and how much of it there is."""
    found = {}
    for line in (FOLDER / "README.md").read_text().splitlines():
        if not line.startswith("| ") or line.startswith("| trace "):
            continue
        _, program, version, events, threads, *_ = (cell.strip() for cell in line.split("|"))
        found[program] = f"recorded calls of {version}: {events} events, {threads} threads"
    return found


def _row(binary: str, packed: Path, about: dict[str, str], scale: float) -> Row:
    def measure(allocator: Allocator) -> Measured:
        argv = [binary, "replay", f"--scale={scale}", f"--trace={_UNPACKED.path(packed)}"]
        return catalogue.measure_workload(argv, allocator)

    program = packed.name.removesuffix(_SUFFIX)
    what = about.get(program, f"the calls that {program} once made")
    return Row(f"trace_{program}", catalogue.TRACES, what, measure, 0.6)


def rows(binary: str, scale: float) -> list[Row]:
    about = _about()
    return [_row(binary, packed, about, scale) for packed in sorted(FOLDER.glob(f"*{_SUFFIX}"))]
