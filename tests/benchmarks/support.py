"""What the tests of the harness share."""

from pathlib import Path

from benchmarks.harness import paths

RUN = paths.ROOT / "benchmarks" / "run.py"

STEADY = [1.00, 1.01, 0.99, 1.005, 0.995]  # Five rounds of a quiet machine.


def artifact(relative: str) -> Path:
    """What Bazel has built for the test."""
    found = paths.artifact(relative)
    assert found is not None, f"{relative} is not built"
    return found


def shim(flaw: str) -> Path:
    """An allocator with that flaw."""
    return artifact(f"tests/benchmarks/lib{flaw}.so")
