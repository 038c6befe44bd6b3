"""Single calls, timed by Google Benchmark: one row per benchmark of benchmarks/operations."""

import json
import re
import subprocess

from benchmarks.harness import catalogue, paths, process
from benchmarks.harness.allocators import Allocator
from benchmarks.harness.catalogue import Measured, Row

_MANUAL = "/manual_time"  # Google Benchmark's suffix, of no interest to a reader.


def _google_benchmark(binary: str, only: str, seconds: float) -> list[str]:
    return [
        binary,
        f"--benchmark_filter=^{re.escape(only)}$",
        f"--benchmark_min_time={seconds}",
        "--benchmark_format=json",
    ]


def _measure(argv: list[str], allocator: Allocator) -> Measured:
    done = process.run(argv, allocator.library, catalogue.TIMEOUT, allocator.settings)
    if done.failure:
        return catalogue.failed(done)
    (found,) = json.loads(done.stdout)["benchmarks"]
    return Measured(figures={"seconds": 1 / found["items_per_second"]})


def _row(binary: str, name: str, seconds: float, quick: bool) -> Row:
    argv = _google_benchmark(binary, name, seconds)
    return Row(
        name.removesuffix(_MANUAL),
        catalogue.OPERATIONS,
        "one call, in a loop",
        lambda allocator: _measure(argv, allocator),
        weight=0.02 + 4 * seconds,
        rounds=1 if quick else 0,
    )


def rows(binary: str | None, quick: bool) -> list[Row]:
    found = binary or paths.artifact("benchmarks/operations/operations")
    if found is None:
        return []
    listed = subprocess.run(
        [str(found), "--benchmark_list_tests"], capture_output=True, text=True, check=True
    )
    seconds = 0.002 if quick else 0.02
    return [_row(str(found), name, seconds, quick) for name in listed.stdout.split()]
