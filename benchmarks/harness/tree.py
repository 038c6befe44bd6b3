"""The tree beside other ordered structures: how its operations' cost grows with the ranges' number.

It has no allocator under test, so it is run once, and by Google Benchmark alone.
"""

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.harness import paths, process
from benchmarks.harness.progress import Progress

PROGRAM = "benchmarks/tree/tree_benchmark"
LOOKUP = "Stab hit"
OPERATIONS = {  # The benchmark's name of each, and what it is.
    LOOKUP: "to find the range that holds an address",
    "Insert": "to insert a range",
    "Erase": "to erase a range",
}
OURS = "IntervalTree"
RIVAL = "absl::btree"
_REPETITIONS = 5
_WEIGHT = 1.5  # About how many seconds one benchmark takes,
_TIMEOUT = 300.0  # and how many it may take.

Points = list[list[float]]  # [number of ranges, median nanoseconds]


class Failed(Exception):
    """Says which benchmark failed, and how."""


def program(binary: str | None) -> str:
    """Empty when it is not built."""
    return binary or str(paths.artifact(PROGRAM) or "")


def names(binary: str) -> list[str]:
    command = [binary, "--benchmark_list_tests", f"--benchmark_filter=^({'|'.join(OPERATIONS)})/"]
    listed = subprocess.run(
        command, capture_output=True, text=True, check=False, env=process.environment()
    )
    found = [line for line in listed.stdout.splitlines() if line.partition("/")[0] in OPERATIONS]
    if listed.returncode or not found:
        raise Failed(f"it does not name its benchmarks (exit code {listed.returncode})")
    return found


def weight(binary: str) -> float:
    """About how many seconds all of it takes: three structures, six sizes."""
    return _WEIGHT * 18 * len(OPERATIONS) if binary else 0.0


def _median(binary: str, name: str) -> dict[str, Any]:
    """What Google Benchmark reports as the median of one benchmark."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [binary, f"--benchmark_filter=^{name}$",
                   f"--benchmark_repetitions={_REPETITIONS}", f"--benchmark_out={out}",
                   "--benchmark_out_format=json"]  # fmt: skip
        done = process.run(command, "", _TIMEOUT)
        if done.failure:
            raise Failed(f"{name} {done.failure} {done.detail}")
        reported: list[dict[str, Any]] = json.loads(out.read_text())["benchmarks"]
    (median,) = (entry for entry in reported if entry.get("aggregate_name") == "median")
    return median


def measure(binary: str, progress: Progress) -> dict[str, dict[str, Points]]:
    """Per operation and structure. Without an allocator under test."""
    found: dict[str, dict[str, Points]] = {operation: {} for operation in OPERATIONS}
    wanted = names(binary)
    for name in wanted:
        progress.step(f"the tree: {name}", weight(binary) / len(wanted))
        median = _median(binary, name)
        operation, structure, count = name.split("/")[:3]
        # Processor time, which others on the machine disturb the least; edits time it themselves.
        nanoseconds = median["real_time" if name.endswith("/manual_time") else "cpu_time"]
        found[operation].setdefault(structure, []).append([float(count), nanoseconds])
    return {
        operation: {structure: sorted(points) for structure, points in structures.items()}
        for operation, structures in found.items()
    }
