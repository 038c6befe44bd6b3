"""Single calls, timed by Google Benchmark: one row per benchmark of benchmarks/operations.

And mymalloc's own parts, the tag and the bitmap: they call no malloc, so they are timed once a
round, and stand in mymalloc's column.
"""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.harness import catalogue, paths, process
from benchmarks.harness.allocators import OURS, Allocator
from benchmarks.harness.catalogue import Measured, Row
from benchmarks.harness.options import refuse

_CLOCKS = re.compile("/(manual|real)_time")  # In Google Benchmark's names; no reader asks for them.

# Label and executable.
PROGRAMS = (
    ("", "benchmarks/operations/operations"),
    ("tag/", "benchmarks/tag/tag_benchmark"),
    ("bitmap/", "benchmarks/bitmap/bitmap_benchmark"),
)


def _google_benchmark(binary: str, only: str, seconds: float) -> list[str]:
    return [
        binary,
        f"--benchmark_filter=^{re.escape(only)}$",
        f"--benchmark_min_time={seconds}",
        "--benchmark_format=json",
    ]


def _seconds(found: dict[str, Any]) -> float:
    """Of one item, where the benchmark counts items; else of one iteration."""
    if "items_per_second" in found:
        return 1 / float(found["items_per_second"])
    return float(found["cpu_time"]) * 1e-9


def _measure(argv: list[str], preload: str, settings: process.Settings, timeout: float) -> Measured:
    done = process.run(argv, preload, timeout, settings)
    if done.failure:
        return catalogue.failed(done)
    try:
        (found,) = json.loads(done.stdout)["benchmarks"]
    except ValueError:
        return Measured("failed", "it ended without its report")
    return Measured(figures={"seconds": _seconds(found)})


def _names(binary: Path) -> list[str]:
    command = [str(binary), "--benchmark_list_tests"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode:
        refuse(f"{binary} does not name its benchmarks (exit code {listed.returncode})")
    return listed.stdout.split()


def _row(label: str, argv: list[str], own: bool, seconds: float, quick: bool) -> Row:
    def measure(allocator: Allocator) -> Measured:
        library, settings = ("", ()) if own else (allocator.library, allocator.settings)
        # One takes well below a second: a hundred that hang must not take a minute each.
        return _measure(argv, library, settings, timeout=4 + 500 * seconds)

    return Row(
        label,
        catalogue.OPERATIONS,
        "one operation of mymalloc's, in a loop" if own else "one call, in a loop",
        measure,
        weight=0.02 + 4 * seconds,
        rounds=1 if quick else 0,
        only=OURS if own else "",
    )


def rows(quick: bool) -> list[Row]:
    seconds = 0.002 if quick else 0.02
    found = []
    for label, program in PROGRAMS:
        path = paths.artifact(program)
        if path is None:
            continue
        for name in _names(path):
            argv = _google_benchmark(str(path), name, seconds)
            shown = label + _CLOCKS.sub("", name).removeprefix("BM_")
            found.append(_row(shown, argv, label != "", seconds, quick))
    return found
