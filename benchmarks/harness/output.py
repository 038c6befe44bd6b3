"""Writes the files that were asked for. One that cannot be written costs neither another nor the table."""

import os
import sys

from benchmarks.harness import paths
from benchmarks.harness.results import Results


def write(flag: str, path: str, text: str) -> bool:
    target = paths.user_path(path)
    if not text:
        print(
            f"benchmarks: --{flag}: nothing to draw: fewer than two allocators have time and memory",
            file=sys.stderr,
        )
        return False
    try:
        target.write_text(text)
    except OSError as error:
        print(f"benchmarks: --{flag}: cannot write {target}: {error.strerror}", file=sys.stderr)
        return False
    return True


def save_so_far(results: Results, path: str) -> None:
    """So that what was measured outlives even a harness that is killed. At the end it is written again,
    and what fails is said there. A pipe or a device gets it once."""
    target = paths.user_path(path).resolve()
    if target.is_file() or not target.exists():
        beside = target.with_name(f".{target.name}.part")
        try:
            beside.write_text(results.text())
            os.replace(beside, target)
        except OSError:
            pass
