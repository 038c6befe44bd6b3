"""What docs/tour.md says in figures: tables between marks, which the command writes anew."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.harness import table as figures
from benchmarks.harness.results import Results, RowResult

TIMED_OUT = "timed out"
_MISUSES = "bad_frees"
_COUNTS = ("found", "misuses")


def _nanoseconds(row: RowResult, name: str) -> float | None:
    seconds, count = row.median(name, "seconds"), row.median(name, "operations")
    return seconds / count * 1e9 if seconds and count else None


def _milliseconds(row: RowResult, name: str) -> float | None:
    seconds = row.median(name, "seconds")
    return seconds * 1e3 if seconds else None


def _mebibytes(figure: str) -> Callable[[RowResult, str], float | None]:
    def value(row: RowResult, name: str) -> float | None:
        bytes_ = row.median(name, figure)
        return bytes_ / 2**20 if bytes_ else None

    return value


def _found(row: RowResult, name: str) -> float | None:
    return row.median(name, "found")


@dataclass(frozen=True)
class Column:
    title: str
    unit: str
    row: str  # Of the run.
    value: Callable[[RowResult, str], float | None]
    more_is_better: bool = False


COLUMNS = (
    Column("one thread", "ns", "random_small_heap", _nanoseconds),
    Column("two threads", "ns", "scale_threads", _nanoseconds),
    Column("handed over", "ns", "prodcons_1_1", _nanoseconds),
    Column("python3", "ms", "python_pure", _milliseconds),
    Column("peak memory", "MiB", "phases", _mebibytes("peak_rss")),
    Column("left at the end", "MiB", "fragmentation", _mebibytes("idle_rss")),
    Column("bad frees found", "of 11", _MISUSES, _found, more_is_better=True),
)


def text(found: Results, column: Column, name: str) -> str:
    """A figure as it is shown, or why there is none."""
    row = found.row(column.row)
    cell = row.cells.get(name) if row else None
    if row is None or cell is None:
        return "-"
    if cell.failure:
        return "too long" if cell.failure == TIMED_OUT else cell.failure
    value = column.value(row, name)
    if value is None:
        return "-"
    return f"{value:.0f}" if column.more_is_better else figures.short(value)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _heads() -> list[str]:
    return [f"{one.title}, {one.unit}" if one.unit else one.title for one in COLUMNS]


def table(found: Results) -> str:
    lines = [_line(["", *_heads()]), "|---|" + "---:|" * len(COLUMNS)]
    for name in found.allocators:
        lines.append(_line([name, *(text(found, column, name) for column in COLUMNS)]))
    return "\n".join(lines)


def misuses(found: Results) -> str:
    """Which bad frees each finds."""
    row = found.row(_MISUSES)
    if row is None:
        return ""
    names = [name for name in found.allocators if not row.cells[name].failure]
    kinds = [kind for kind in row.cells[names[0]].figures if kind not in _COUNTS]
    lines = [_line(["", *(name.split(" ", maxsplit=1)[0] for name in names)])]
    lines.append("|---|" + ":---:|" * len(names))
    for kind in kinds:
        marks = ["yes" if row.median(name, kind) else "" for name in names]
        lines.append(_line([kind, *marks]))
    return "\n".join(lines)


def _about(found: Results) -> str:
    keys = ("cpu", "cores", "memory", "system", "commit", "rounds")
    about = found.about()
    parts = [
        f"{key} {about[key]}" if key in ("commit", "rounds", "cores") else about[key]
        for key in keys
    ]
    caveats = "".join(f" **{caveat}**" for caveat in found.caveats())
    return f"Measured on: {', '.join(parts)}.{caveats}"


def _parts(found: Results) -> dict[str, str]:
    return {"figures": table(found), "misuses": misuses(found), "machine": _about(found)}


def renewed(page: str, found: Results) -> str:
    """The page with what stands between its marks made of these figures."""
    for name, made in _parts(found).items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        if page.count(begin) != 1 or page.count(end) != 1 or page.index(end) < page.index(begin):
            raise ValueError(f"the page has not one place for its {name}")
        before, rest = page.split(begin)
        page = f"{before}{begin}{made}\n{end}{rest.split(end)[1]}"
    return page
