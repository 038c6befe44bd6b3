"""What the tables say: ratios and their spread, marks, means. And those that are printed."""

import math
from dataclasses import dataclass, field

from rich.console import RenderableType
from rich.text import Text

from benchmarks.harness import catalogue, stats, terminal
from benchmarks.harness.allocators import BASELINE, LIMIT, OURS
from benchmarks.harness.results import Results, RowResult
from benchmarks.harness.stats import Spread

# A row is lost when the best is more than this factor ahead, or glibc surely.
NEAR_BEST = 1.10

# What is known of every run. The terminal's table has the first two.
FIGURES = {
    "seconds": "time",
    "peak_rss": "peak RSS",
    "minor_faults": "page faults",
    "mappings": "mappings",
}

_SHORT = {"out of memory": "no memory", "not preloaded": "no preload", "wrong result": "WRONG"}
_LOOKS = {"*": "bold green", "!": "bold red"}  # Of what has such a mark.
_LEAST_SPREAD = 0.005  # Less than this either way would be shown as 0%.

# The groups whose memory is of interest.
SIZED = (catalogue.WORKLOADS, catalogue.PROGRAMS, catalogue.TRACES, catalogue.SCALING)

IDLE = "left of the peak when all is freed and two seconds have passed"
LATENCY = "latency in the server workload in ns, the clock included"
MEAN = "geometric mean"
PARTIAL = "†"  # At a mean that lacks rows.

LEGEND = (
    "ratios to glibc, below 1 is better; * best of the row (the limit aside); "
    "! mymalloc is behind glibc by more than the spread, or more than 1.10 of the best; "
    "in parentheses, mymalloc's quartiles and glibc's ±"
)


@dataclass(frozen=True)
class Line:
    """One row of a table, as it is shown everywhere: a text and a mark for each allocator."""

    name: str
    cells: list[str]
    marks: list[str]
    spread: dict[str, str] = field(default_factory=dict)  # Of mymalloc and of glibc, if any.


@dataclass(frozen=True)
class Section:
    """A table. `figure` is empty where it has no ratios."""

    title: str
    figure: str
    lines: list[Line]
    notes: list[str] = field(default_factory=list)


def short(value: float) -> str:
    """With at least two digits that say something, and no more than are of use."""
    if value >= 100:
        return f"{value:.0f}"
    if value >= 10:
        return f"{value:.1f}"
    if value >= 0.1 or value <= 0:
        return f"{value:.2f}"
    return f"{value:.{1 - math.floor(math.log10(value))}f}"


def _duration(seconds: float) -> str:
    if seconds >= 0.1:
        return f"{seconds:.3f} s"
    if seconds >= 1e-4:
        return f"{seconds * 1e3:.2f} ms"
    nanos = seconds * 1e9
    return f"{nanos:.1f} ns" if nanos >= 1 else f"{short(nanos)} ns"


def absolute(value: float | None, figure: str) -> str:
    if value is None:
        return "-"
    if figure.endswith("_rss"):
        return f"{value / 2**20:.1f} MiB"
    if figure.endswith("seconds"):
        return _duration(value)
    return f"{value:.0f}"


def competitors(results: Results) -> list[str]:
    return [name for name in results.allocators if name != LIMIT]


def best_of(row: RowResult, figure: str, names: list[str]) -> str | None:
    medians = {name: row.median(name, figure) for name in names}
    known = {name: median for name, median in medians.items() if median}
    return min(known, key=lambda name: known[name]) if known else None


def _mark(spreads: dict[str, Spread], name: str) -> str:
    """Of one among the spreads of all who compete."""
    if len(spreads) < 2:
        return " "  # Who is alone is not the best.
    best = min(spread.median for spread in spreads.values())
    if name == OURS and name in spreads:
        ours, base = spreads[OURS], spreads.get(BASELINE)
        behind_best = ours.median > NEAR_BEST * best
        if behind_best or (base is not None and ours.low > base.high):
            return "!"
    return "*" if name in spreads and spreads[name].median == best else " "


def mark(row: RowResult, name: str, figure: str, names: list[str]) -> str:
    """ "*" for the best of the row, "!" for mymalloc where it is behind, or a blank."""
    if row.group == catalogue.LIMIT or figure.startswith("clock"):
        return " "  # No allocator has a part in it.
    spreads = {one: row.spread(one, figure) for one in names}
    return _mark({one: found for one, found in spreads.items() if found and found.median}, name)


def cell_text(row: RowResult, name: str, figure: str) -> str:
    cell = row.cells.get(name)
    if cell is None:
        return "-"
    if cell.failure:
        return _SHORT.get(cell.failure, cell.failure.upper())
    if name == BASELINE:
        return absolute(cell.median(figure), figure)
    ratio = row.ratio(name, figure, BASELINE)
    return short(ratio) if ratio is not None else absolute(cell.median(figure), figure)


def _range(low: str, middle: str, high: str) -> str:
    """Nothing, where both ends would be read as the same as the middle."""
    return "" if low == middle == high else f"{low}-{high}"


def _row_spread(row: RowResult, figure: str) -> dict[str, str]:
    """mymalloc's quartiles, by glibc's median if it has one, and what glibc's own are apart."""
    found = {}
    ours, base = row.spread(OURS, figure), row.spread(BASELINE, figure)
    if ours is not None:
        values = (ours.low, ours.median, ours.high)
        if base is not None and base.median:
            found[OURS] = _range(*(short(value / base.median) for value in values))
        else:
            found[OURS] = _range(*(absolute(value, figure) for value in values))
    if base is not None and base.relative() >= _LEAST_SPREAD:
        found[BASELINE] = f"±{100 * base.relative():.0f}%"
    return {name: text for name, text in found.items() if text}


def _row_line(results: Results, row: RowResult, figure: str) -> Line:
    names = competitors(results)
    return Line(
        row.name,
        [cell_text(row, name, figure) for name in results.allocators],
        [mark(row, name, figure, names) for name in results.allocators],
        _row_spread(row, figure),
    )


def mean_ratio(rows: list[RowResult], name: str, figure: str) -> float:
    found = [row.ratio(name, figure, BASELINE) for row in rows]
    return stats.geometric_mean([ratio for ratio in found if ratio is not None])


def lacking(rows: list[RowResult], name: str, figure: str) -> int:
    """How many of the rows that glibc has are not in a mean."""
    return sum(
        1 for row in rows if row.median(BASELINE, figure) and not row.ratio(name, figure, BASELINE)
    )


def means(results: Results, rows: list[RowResult], figure: str) -> Line:
    cells = []
    for name in results.allocators:
        mean = mean_ratio(rows, name, figure)
        partial = f" {PARTIAL}" if lacking(rows, name, figure) else ""
        cells.append("-" if math.isnan(mean) else short(mean) + partial)
    return Line(MEAN, cells, [" "] * len(cells))


def _notes(results: Results, rows: list[RowResult], figure: str) -> list[str]:
    without = {name: lacking(rows, name, figure) for name in results.allocators}
    named = [f"{name} {count}" for name, count in without.items() if count]
    if not named:
        return []
    return [f"{PARTIAL} the mean is without rows that it did not run: {', '.join(named)}"]


def has_figure(row: RowResult, figure: str) -> bool:
    """Whether any allocator has this figure, or failed where it would have had."""
    return any(cell.failure or figure in cell.figures for cell in row.cells.values())


def ratios(results: Results, figure: str, group: str) -> Section | None:
    rows = [row for row in results.in_groups(group) if has_figure(row, figure)]
    if not rows:
        return None
    lines = [_row_line(results, row, figure) for row in rows]
    title = f"{FIGURES[figure]}, {group}"
    if len(rows) == 1:
        return Section(title, figure, lines)
    lines.append(means(results, rows, figure))
    return Section(title, figure, lines, _notes(results, rows, figure))


def idle(results: Results) -> Section | None:
    """What is still resident after everything was freed, as a part of the peak."""
    lines = []
    for row in results.rows:
        spreads = {}
        for name, cell in row.cells.items():
            left, peaks = cell.figures.get("idle_rss", []), cell.figures.get("peak_rss", [])
            parts = [100 * one / peak for one, peak in zip(left, peaks) if peak]
            if parts and not cell.failure:
                spreads[name] = stats.spread(parts)
        if not spreads:
            continue
        competing = {name: found for name, found in spreads.items() if name != LIMIT}
        texts = [
            f"{short(spreads[name].median)}%" if name in spreads else "-"
            for name in results.allocators
        ]
        marks = [_mark(competing, name) for name in results.allocators]
        lines.append(Line(row.name, texts, marks))
    return Section(IDLE, "", lines) if lines else None


def latencies(results: Results) -> Section | None:
    """Per call and percentile, the nanoseconds."""
    lines = []
    names = competitors(results)
    for row in results.in_groups(catalogue.LATENCY):
        for call in ("malloc", "free", "clock"):
            for point in catalogue.PERCENTILES:
                figure = f"{call} {point} ns"
                medians = [row.median(name, figure) for name in results.allocators]
                if not any(medians):
                    continue
                cells = [absolute(median, figure) for median in medians]
                marks = [mark(row, name, figure, names) for name in results.allocators]
                ours = row.spread(OURS, figure)
                ends = (ours.low, ours.median, ours.high) if ours else (0.0, 0.0, 0.0)
                text = _range(*(absolute(end, figure) for end in ends))
                spread = {OURS: text} if text else {}
                lines.append(Line(f"{call} {point}", cells, marks, spread))
    return Section(LATENCY, "", lines) if lines else None


def _printed(results: Results, section: Section | None) -> list[RenderableType]:
    if section is None:
        return []
    shown = terminal.columns("", *results.allocators)
    for line in section.lines:
        cells = [
            Text(mark.strip() + cell, _LOOKS.get(mark, ""))
            for cell, mark in zip(line.cells, line.marks)
        ]
        spread = f"({' '.join(line.spread.values())})" if line.spread else ""
        shown.add_row(line.name, *cells, spread, style="bold" if line.name == MEAN else "")
    return ["", Text(section.title, "bold"), shown, *section.notes]


def _widest_spread(results: Results) -> str:
    worst = max(
        (
            (spread.relative(), row.name, name)
            for row in results.rows
            for name, cell in row.cells.items()
            if (spread := cell.spread("seconds"))
        ),
        default=None,
    )
    if worst is None:
        return ""
    return f"widest spread of a time: {100 * worst[0]:.0f}% either way ({worst[1]}, {worst[2]})"


def render(results: Results, colour: bool) -> str:
    parts: list[RenderableType] = [Text(caveat, _LOOKS["!"]) for caveat in results.caveats()]
    parts += [f"{key}: {value}" for key, value in results.about().items()]
    groups = list(dict.fromkeys(row.group for row in results.rows))
    parts += ["", LEGEND]
    for group in groups:
        if group != catalogue.LATENCY:
            parts += _printed(results, ratios(results, "seconds", group))
    for group in SIZED:
        parts += _printed(results, ratios(results, "peak_rss", group))
    parts += _printed(results, idle(results))
    parts += _printed(results, latencies(results))
    skipped = [f"{row.name}: {row.skipped}" for row in results.rows if row.skipped]
    if skipped:
        parts += ["", Text("skipped", "bold"), *skipped]
    parts += ["", _widest_spread(results)]
    return terminal.text(parts, colour)
