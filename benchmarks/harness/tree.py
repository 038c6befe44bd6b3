"""The tree beside other ordered structures: how its operations' cost grows with the ranges' number.

It has no allocator under test, so it is run once, and by Google Benchmark alone.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import paths, process

LOOKUP = "Stab hit"
OPERATIONS = {  # The benchmark's name of each, and what it is.
    LOOKUP: "to find the range that holds an address",
    "Insert": "to insert a range",
    "Erase": "to erase a range",
}
OURS = "IntervalTree"
RIVAL = "absl::btree"
_REPETITIONS = 5

Points = list[list[float]]  # [number of ranges, median nanoseconds]


def measure(binary: str | None) -> dict[str, dict[str, Points]]:
    """Per operation and structure; nothing when it is not built."""
    program = binary or paths.artifact("benchmarks/tree/tree_benchmark")
    if program is None:
        return {}
    print("the tree beside other structures, without an allocator", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        subprocess.run(
            [str(program), f"--benchmark_filter=^({'|'.join(OPERATIONS)})/",
             f"--benchmark_repetitions={_REPETITIONS}", f"--benchmark_out={out}",
             "--benchmark_out_format=json"],
            env=process.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=True,
        )  # fmt: skip
        reported = json.loads(out.read_text())["benchmarks"]
    found: dict[str, dict[str, Points]] = {operation: {} for operation in OPERATIONS}
    for entry in reported:
        if entry.get("aggregate_name") == "median":
            operation, structure, count = entry["run_name"].split("/")[:3]
            points = found[operation].setdefault(structure, [])
            # Processor time, which others on the machine disturb the least; edits time it themselves.
            own = entry["run_name"].endswith("/manual_time")
            points.append([float(count), entry["real_time" if own else "cpu_time"]])
    return {
        operation: {structure: sorted(points) for structure, points in structures.items()}
        for operation, structures in found.items()
    }
