"""Runs every row under every allocator, in alternation."""

from collections.abc import Iterator

from benchmarks.harness.allocators import LIMIT, Allocator
from benchmarks.harness.catalogue import Measured, Row
from benchmarks.harness.progress import Progress
from benchmarks.harness.results import Cell, Results, RowResult


def _note(cell: Cell, measured: Measured, expected: str) -> None:
    if not measured.failure and measured.checksum != expected:
        measured = Measured(
            "wrong result", f"checksum {measured.checksum} where others have {expected}"
        )
    if measured.failure:
        cell.failure, cell.detail = measured.failure, measured.detail
        return
    cell.add(measured.figures)
    cell.samples = measured.samples


def _measure(row: Row, allocator: Allocator) -> Measured:
    """Whatever goes wrong is the cell's: it must not cost the others."""
    # pylint: disable=broad-exception-caught
    if allocator.failure:
        return Measured(allocator.failure, allocator.detail)
    try:
        return row.measure(allocator)
    except Exception as error:
        return Measured("failed", f"{type(error).__name__}: {error}")


def _run_row(row: Row, allocators: list[Allocator], rounds: int, progress: Progress) -> RowResult:
    result = RowResult(row.name, row.group, row.what, {one.name: Cell() for one in allocators})
    expected = ""  # The first checksum; glibc runs first, and so sets it.
    for number in range(rounds):
        for allocator in allocators:
            cell = result.cells[allocator.name]
            progress.step(f"{row.name} round {number + 1} {allocator.name}", row.weight)
            # What has failed once is not given a second chance, and the limit, which is slow to
            # fill its memory, is measured once.
            if cell.failure or (allocator.name == LIMIT and number > 0):
                continue
            measured = _measure(row, allocator)
            expected = expected or measured.checksum
            _note(cell, measured, expected)
    return result


def _runs(row: Row, rounds: int) -> int:
    return 0 if row.skipped else (row.rounds or rounds)


def _subjects(row: Row, allocators: list[Allocator]) -> list[Allocator]:
    return [one for one in allocators if row.only in ("", one.name)]


def weight(rows: list[Row], allocators: list[Allocator], rounds: int) -> float:
    """About how many seconds `run` takes."""
    return sum(row.weight * _runs(row, rounds) * len(_subjects(row, allocators)) for row in rows)


def run(
    rows: list[Row], allocators: list[Allocator], rounds: int, progress: Progress
) -> Iterator[RowResult]:
    """Each row when it is done, so that what is done is kept if the rest is interrupted."""
    for row in rows:
        if row.skipped:
            yield RowResult(row.name, row.group, row.what, skipped=row.skipped)
        else:
            yield _run_row(row, _subjects(row, allocators), _runs(row, rounds), progress)


def failures(found: Results, of: set[str] | None = None) -> list[str]:
    """Every cell that has no figures, but for the limit's, which is meant to run out of memory, and
    those of an allocator that cannot run at all. `of`: only those allocators'."""
    return [
        f"{row.name} under {name}: {cell.failure} {cell.detail}".rstrip()
        for row in found.rows
        for name, cell in row.cells.items()
        if cell.failure and name != LIMIT and name not in found.broken
        if of is None or name in of
    ]
