"""The table at the end, on the terminal."""

import math

from benchmarks.harness import catalogue, stats
from benchmarks.harness.allocators import BASELINE, LIMIT, OURS
from benchmarks.harness.results import Results, RowResult

# A row is lost when the best is more than this factor ahead, or glibc surely.
NEAR_BEST = 1.10

# What is known of every run. The terminal's table has the first two.
FIGURES = {
    "seconds": "time",
    "peak_rss": "peak RSS",
    "minor_faults": "page faults",
    "mappings": "mappings",
}

_NAME_WIDTH = 26
_CELL_WIDTH = 11
_SHORT = {"out of memory": "no memory", "not preloaded": "no preload", "wrong result": "WRONG"}

# The groups whose memory is of interest.
SIZED = (catalogue.WORKLOADS, catalogue.PROGRAMS, catalogue.TRACES)

LEGEND = (
    "ratios to glibc, below 1 is better; * best of the row (the limit aside); "
    "! mymalloc is behind glibc by more than the spread, or more than 1.10 of the best"
)


class Style:
    """Colours, when the output is a terminal."""

    def __init__(self, colour: bool) -> None:
        self._colour = colour

    def _wrap(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self._colour else text

    def best(self, text: str) -> str:
        return self._wrap("1;32", text)

    def lost(self, text: str) -> str:
        return self._wrap("1;31", text)

    def head(self, text: str) -> str:
        return self._wrap("1", text)


def competitors(results: Results) -> list[str]:
    return [name for name in results.allocators if name != LIMIT]


def best_of(row: RowResult, figure: str, names: list[str]) -> str | None:
    medians = {name: row.median(name, figure) for name in names}
    known = {name: median for name, median in medians.items() if median}
    return min(known, key=lambda name: known[name]) if known else None


def is_lost(row: RowResult, figure: str, names: list[str]) -> bool:
    """Whether mymalloc is behind in this row."""
    if row.group == catalogue.LIMIT:
        return False  # No allocator has a part in it.
    ours = row.spread(OURS, figure)
    best = best_of(row, figure, names)
    best_median = row.median(best, figure) if best else None
    if ours is None or best_median is None:
        return False
    if ours.median > NEAR_BEST * best_median:
        return True
    base = row.spread(BASELINE, figure)
    return base is not None and ours.low > base.high


def _duration(seconds: float) -> str:
    if seconds >= 0.1:
        return f"{seconds:.3f} s"
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-4 else f"{seconds * 1e9:.1f} ns"


def absolute(value: float | None, figure: str) -> str:
    if value is None:
        return "-"
    if figure.endswith("_rss"):
        return f"{value / 2**20:.1f} MiB"
    if figure.endswith("seconds"):
        return _duration(value)
    return f"{value:.0f}"


def cell_text(row: RowResult, name: str, figure: str) -> str:
    cell = row.cells.get(name)
    if cell is None:
        return "-"
    if cell.failure:
        return _SHORT.get(cell.failure, cell.failure.upper())
    if name == BASELINE:
        return absolute(cell.median(figure), figure)
    ratio = row.ratio(name, figure, BASELINE)
    return f"{ratio:.2f}" if ratio is not None else absolute(cell.median(figure), figure)


def mark(row: RowResult, name: str, figure: str, names: list[str]) -> str:
    """ "*" for the best of the row, "!" for mymalloc where it is behind, or a blank."""
    if name == OURS and is_lost(row, figure, names):
        return "!"
    alone = len(row.cells) == 1
    return "*" if name == best_of(row, figure, names) and not alone else " "


def _line(row: RowResult, results: Results, figure: str, style: Style) -> str:
    names = competitors(results)
    line = f"{row.name:{_NAME_WIDTH}}"
    for name in results.allocators:
        sign = mark(row, name, figure, names)
        padded = f"{cell_text(row, name, figure) + sign:>{_CELL_WIDTH}}"
        paint = {"*": style.best, "!": style.lost}.get(sign, str)
        line += paint(padded)
    return line


def mean_ratio(results: Results, rows: list[RowResult], name: str, figure: str) -> float:
    ratios = [row.ratio(name, figure, BASELINE) for row in rows]
    return stats.geometric_mean([ratio for ratio in ratios if ratio is not None])


def _means(results: Results, rows: list[RowResult], figure: str) -> str:
    line = f"{'geometric mean':{_NAME_WIDTH}}"
    for name in results.allocators:
        mean = mean_ratio(results, rows, name, figure)
        line += f"{'-' if math.isnan(mean) else f'{mean:.2f}':>{_CELL_WIDTH - 1}} "
    return line


def _section(results: Results, figure: str, groups: list[str], style: Style) -> list[str]:
    lines = []
    for group in groups:
        rows = [row for row in results.in_groups(group) if has_figure(row, figure)]
        if not rows:
            continue
        heads = "".join(f"{name:>{_CELL_WIDTH - 1}} " for name in results.allocators)
        lines += ["", style.head(f"{f'{FIGURES[figure]}, {group}':{_NAME_WIDTH}}{heads}")]
        lines += [_line(row, results, figure, style) for row in rows]
        if len(rows) > 1:
            lines.append(style.head(_means(results, rows, figure)))
    return lines


def has_figure(row: RowResult, figure: str) -> bool:
    """Whether any allocator has this figure, or failed where it would have had."""
    return any(cell.failure or figure in cell.figures for cell in row.cells.values())


def idle_parts(results: Results) -> dict[str, list[str]]:
    """Per row, what is still resident after everything was freed, as a part of the peak."""
    found = {}
    for row in results.rows:
        if not any("idle_rss" in cell.figures for cell in row.cells.values()):
            continue
        parts = []
        for name in results.allocators:
            left, peak = row.median(name, "idle_rss"), row.median(name, "peak_rss")
            parts.append(f"{100 * left / peak:.0f}%" if left and peak else "-")
        found[row.name] = parts
    return found


def latencies(results: Results) -> dict[str, list[str]]:
    """Per call and percentile, the nanoseconds."""
    found = {}
    for row in results.in_groups(catalogue.LATENCY):
        for call in ("malloc", "free"):
            for point in catalogue.PERCENTILES:
                figure = f"{call} {point} ns"
                medians = [row.median(name, figure) for name in results.allocators]
                found[f"{call} {point}"] = [absolute(median, figure) for median in medians]
    return found


def _plain(results: Results, title: str, rows: dict[str, list[str]], style: Style) -> list[str]:
    """A table of texts, without ratios and marks."""
    if not rows:
        return []

    def line(name: str, cells: list[str]) -> str:
        return f"{name:{_NAME_WIDTH}}" + "".join(f"{cell:>{_CELL_WIDTH - 1}} " for cell in cells)

    head = style.head(line(title, list(results.allocators)))
    return ["", head, *(line(name, cells) for name, cells in rows.items())]


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
    style = Style(colour)
    lines = [style.lost(caveat) for caveat in results.caveats()]
    lines += [f"{key}: {value}" for key, value in results.about().items()]
    groups = list(dict.fromkeys(row.group for row in results.rows))
    timed = [group for group in groups if group != catalogue.LATENCY]
    lines += ["", LEGEND]
    lines += _section(results, "seconds", timed, style)
    lines += _section(results, "peak_rss", list(SIZED), style)
    lines += _plain(results, "left of the peak, idle", idle_parts(results), style)
    lines += _plain(results, "latency in ns", latencies(results), style)
    skipped = [f"{row.name}: {row.skipped}" for row in results.rows if row.skipped]
    if skipped:
        lines += ["", style.head("skipped"), *skipped]
    lines += ["", _widest_spread(results)]
    return "\n".join(lines)
