"""The tree beside other ordered structures: how finding a range grows with their number.

It has no allocator under test, so it is run once, and by Google Benchmark alone.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.harness import paths, process

_OPERATION = "Stab hit"


def measure(binary: str | None) -> dict[str, list[list[float]]]:
    """Per structure, [number of ranges, median nanoseconds]; nothing when it is not built."""
    program = binary or paths.artifact("benchmarks/tree/tree_benchmark")
    if program is None:
        return {}
    print("the tree beside other structures, without an allocator", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        subprocess.run(
            [str(program), f"--benchmark_filter=^{_OPERATION}/", f"--benchmark_out={out}",
             "--benchmark_out_format=json"],
            env=process.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            check=True,
        )  # fmt: skip
        reported = json.loads(out.read_text())["benchmarks"]
    points: dict[str, list[list[float]]] = {}
    for entry in reported:
        if entry.get("aggregate_name") == "median":
            _, structure, count = entry["run_name"].split("/")[:3]
            points.setdefault(structure, []).append([float(count), entry["real_time"]])
    return {structure: sorted(found) for structure, found in points.items()}
