"""The verdict: one sentence and one picture, both of nothing but the figures."""

import math
from dataclasses import dataclass

from benchmarks.harness import bars, stats, style, svg, table
from benchmarks.harness.allocators import BASELINE, HARDENED, OURS
from benchmarks.harness.results import Results, RowResult

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_WORST = 3  # So many of the rows that are lost are named.
_FIGURES = {"seconds": "mean time", "peak_rss": "mean peak memory"}  # Both as ratios to glibc's.


@dataclass(frozen=True)
class Standing:
    """Of mymalloc, in one figure of one group."""

    place: int
    ratios: dict[str, float]  # Its mean by that of each other.

    def __str__(self) -> str:
        """By glibc's mean, and by that of the best where that is another."""
        best = max(self.ratios, key=lambda name: self.ratios[name])
        found = [table.short(self.ratios[BASELINE])] if BASELINE in self.ratios else []
        if self.place > 1 and best != BASELINE:
            found.append(f"{table.short(self.ratios[best])} of {best}'s")
        return f"({', '.join(found)})" if found else ""


def _ordinal(place: int) -> str:
    return _ORDINALS[place - 1] if place <= len(_ORDINALS) else f"{place}th"


def _rivals(results: Results) -> list[str]:
    return [name for name in table.competitors(results) if name not in (OURS, HARDENED)]


def _mean_by(rows: list[RowResult], rival: str, figure: str) -> float:
    """Over the rows that both have: what one did not run must not count for either. Else NaN."""
    found = [row.ratio(OURS, figure, rival) for row in rows]
    return stats.geometric_mean([ratio for ratio in found if ratio is not None])


def standing(results: Results, group: str, figure: str) -> Standing | None:
    rows = results.in_groups(group)
    found = {rival: _mean_by(rows, rival, figure) for rival in _rivals(results)}
    ratios = {rival: ratio for rival, ratio in found.items() if not math.isnan(ratio)}
    if not ratios:
        return None
    return Standing(1 + sum(ratio > 1 for ratio in ratios.values()), ratios)


def _in_groups(results: Results, figure: str) -> str:
    found = {group: standing(results, group, figure) for group in table.SIZED}
    texts = [
        f"{_ordinal(one.place)} in {group} {one}".rstrip() for group, one in found.items() if one
    ]
    return f"in {_FIGURES[figure]} {_listed(texts)}" if texts else ""


def _listed(texts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))


def _losses(results: Results) -> str:
    rows = results.in_groups(*table.SIZED)
    failed = [row.name for row in rows if OURS in row.cells and row.cells[OURS].failure]
    behind: dict[str, tuple[float, str]] = {}
    for row in rows:
        best = table.best_of(row, "seconds", _rivals(results))
        ratio = row.ratio(OURS, "seconds", best) if best else None
        if best and ratio and ratio > table.NEAR_BEST:
            behind[row.name] = (ratio, best)
    worst = sorted(behind, key=lambda name: behind[name], reverse=True)[:_WORST]
    texts = [f"{name} ({table.short(behind[name][0])} of {behind[name][1]}'s)" for name in worst]
    found = [f"it fails in {_listed(failed)}"] if failed else []
    if behind:
        more = "the most in " if len(behind) > len(worst) else ""
        count = f"{len(behind)} of {len(rows)} rows"
        found.append(
            f"it takes more than {table.NEAR_BEST:.2f} of the best's time in {count}, {more}{_listed(texts)}"
        )
    return (
        "; ".join(found)
        or f"in no row does it take more than {table.NEAR_BEST:.2f} of the best's time"
    )


def sentence(results: Results) -> str:
    """Nothing, when mymalloc is not among the allocators, or alone."""
    parts = [part for part in (_in_groups(results, figure) for figure in _FIGURES) if part]
    if OURS not in results.allocators or not parts:
        return ""
    count = 1 + len(_rivals(results))
    caveat = bars.caveat(results)
    after = f" ({caveat})" if caveat else ""
    return (
        f"Of {count} allocators, mymalloc is, by ratios to glibc, {'; '.join(parts)}; "
        f"{_losses(results)}{after}."
    )


def _point(rows: list[RowResult], name: str) -> svg.Point | None:
    time, memory = (table.mean_ratio(rows, name, figure) for figure in _FIGURES)
    if math.isnan(time) or math.isnan(memory):
        return None
    partial = any(table.lacking(rows, name, figure) for figure in _FIGURES)
    return svg.Point(name, time, memory, f" {table.PARTIAL}" if partial else "")


def picture(results: Results, palette: dict[str, str]) -> str:
    """Each allocator a point: mean time across, mean peak memory up. Nothing where there are none."""
    rows = results.in_groups(*table.SIZED)
    found = [_point(rows, name) for name in table.competitors(results)]
    points = [point for point in found if point]
    if len(points) < 2:
        return ""
    axes = svg.Axes("mean time, of glibc's", "mean peak memory, of glibc's")
    return svg.scatter(points, palette, "mean time and mean peak memory", axes)


def drawing(results: Results) -> str:
    """The picture as a file of its own."""
    chart = picture(results, svg.colours(list(results.allocators)))
    return svg.alone(chart, style.CHART) if chart else ""


def explanation(results: Results) -> str:
    """What the picture shows."""
    rows = results.in_groups(*table.SIZED)
    names = table.competitors(results)
    partial = any(table.lacking(rows, name, figure) for name in names for figure in _FIGURES)
    text = (
        f"Means of all {len(rows)} rows of {_listed(list(table.SIZED))}: the nearer to the lower "
        "left, the faster and the smaller. The dashed lines are glibc's."
    )
    return f"{text} {table.PARTIAL} without rows that it did not run." if partial else text
