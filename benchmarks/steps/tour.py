"""The seven steps beside glibc and mymalloc: measured in turn, printed, and written into docs/tour.md."""

import argparse
import dataclasses
import sys
from pathlib import Path

from benchmarks.harness import allocators, catalogue, machine, paths, programs, runner
from benchmarks.harness.allocators import Allocator
from benchmarks.harness.catalogue import Measured, Row
from benchmarks.harness.options import REFUSED, refuse
from benchmarks.harness.progress import Progress
from benchmarks.harness.results import Results, load
from benchmarks.steps import tour_page, tour_picture

TIMEOUT = 10.0
ROUNDS = 5
QUICK_ROUNDS = 1
QUICK_PART = 0.1  # Of the work.

STEPS = (
    "first_fit",
    "boundary_tags",
    "size_classes",
    "bitmap_pages",
    "tree_and_tags",
    "magazines",
    "owners",
)

# Workload, flags, how much of its work: as much as the first step does in seconds, where it ends at all.
_WORKLOADS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("random_small_heap", (), 0.05),
    ("scale_threads", ("--threads=2",), 0.05),
    ("prodcons_1_1", (), 0.1),
    ("phases", (), 0.1),
    ("fragmentation", ("--idle",), 0.1),
)
_PROGRAM = "python_pure"
_PROGRAM_PART = 0.04

_JSON, _PAGE, _PICTURE = "tour.json", "tour.md", "tour.svg"


def _built(relative: str) -> str:
    found = paths.artifact(relative)
    if found is None:
        refuse(f"{relative} is not built; use `bazel run -c opt //benchmarks/steps`")
    return str(found)


def _subjects() -> list[Allocator]:
    """glibc, the steps, mymalloc."""
    found = {one.name: one for one in allocators.discover()}
    if allocators.OURS not in found:
        refuse("libmymalloc.so is not built; use `bazel run -c opt //benchmarks/steps`")
    steps = [
        Allocator(
            f"{number} {step.replace('_', ' ')}",
            _built(f"benchmarks/steps/libstep{number}_{step}.so"),
            f"commit {allocators.commit()}",
        )
        for number, step in enumerate(STEPS, 1)
    ]
    return [found[allocators.BASELINE], *steps, found[allocators.OURS]]


def _workload_row(binary: str, name: str, flags: tuple[str, ...], scale: float) -> Row:
    argv = [binary, name, f"--scale={scale}", *flags]

    def run(allocator: Allocator) -> Measured:
        return catalogue.measure_workload(argv, allocator, TIMEOUT)

    return Row(name, catalogue.WORKLOADS, " ".join(argv[1:]), run, weight=2.5)


def _program_row(part: float) -> Row:
    row = next(one for one in programs.rows(part) if one.name == _PROGRAM)
    return dataclasses.replace(row, rounds=0)


def _misuse_row() -> Row:
    argv = [_built("benchmarks/steps/bad_frees")]
    return Row(
        "bad_frees",
        "misuse",
        "which bad frees are found",
        lambda allocator: catalogue.measure_workload(argv, allocator),
        rounds=1,  # It finds it or it does not.
    )


def rows(quick: bool) -> list[Row]:
    part = QUICK_PART if quick else 1.0
    binary = catalogue.workload_binary()
    found = []
    for name, flags, scale in _WORKLOADS:
        kept = () if quick and "--idle" in flags else flags  # It would sleep for most of the time.
        found.append(_workload_row(binary, name, kept, scale * part))
    return [*found, _program_row(_PROGRAM_PART * part), _misuse_row()]


def measure(quick: bool) -> Results:
    found = _subjects()
    wanted = rows(quick)
    rounds = QUICK_ROUNDS if quick else ROUNDS
    busy = machine.busy()
    kept = Results(
        machine=machine.describe(),
        options={
            "rounds": rounds,
            "scale": QUICK_PART if quick else 1.0,
            "asked": ["--quick"] if quick else [],
        },
        allocators={one.name: one.version for one in found},
        notes=[busy] if busy else [],
    )
    with Progress(runner.weight(wanted, found, rounds)) as progress:
        kept.rows.extend(runner.run(wanted, found, rounds, progress))
    return kept


def write(found: Results, folder: Path) -> None:
    """The page must be there: its words are nobody's but the author's."""
    page = folder / _PAGE
    text = tour_page.renewed(page.read_text(), found)
    (folder / _JSON).write_text(found.text())
    (folder / _PICTURE).write_text(tour_picture.draw(found))
    page.write_text(text)


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bazel run -c opt //benchmarks/steps --", description=__doc__
    )
    parser.add_argument("--quick", action="store_true", help="one round of less: does it all work?")
    parser.add_argument("--load", action="store_true", help="measure nothing: tour.json again")
    parser.add_argument(
        "--folder",
        metavar="DIR",
        help="where tour.md is, and tour.json and tour.svg go (default: docs/; with --quick: nowhere)",
    )
    return parser.parse_args(argv)


def _folder(options: argparse.Namespace) -> Path | None:
    if options.folder:
        return paths.user_path(options.folder)
    return None if options.quick else paths.checkout() / "docs"


def main(argv: list[str]) -> int:
    options = _parse(argv)
    folder = _folder(options)
    if folder and not (folder / _PAGE).is_file():
        print(f"steps: there is no {folder / _PAGE}", file=sys.stderr)
        return REFUSED
    if options.load:
        found = load((folder or paths.checkout() / "docs") / _JSON)
    else:
        found = measure(options.quick)
    if folder:
        write(found, folder)
    print(tour_page.table(found))
    print(tour_page.misuses(found))
    for caveat in found.caveats():
        print(caveat)
    return 0
