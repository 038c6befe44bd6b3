"""Two runs of ours side by side: what became faster or slower, smaller or larger.

Machines are noisy from one hour to the next, so what is compared is mymalloc's ratio to glibc of
the same round, where there is one; and a verdict is given only where the spreads allow it: when
nearly every round of the one run is ahead of nearly every round of the other.
"""

import statistics
from dataclasses import dataclass

from benchmarks.harness import stats
from benchmarks.harness.allocators import BASELINE, OURS
from benchmarks.harness.results import Results, RowResult

LEAST_CHANGE = 0.02  # Less than this is no change, however narrow the spread.
LEAST_ROUNDS = 3  # Fewer have no spread to speak of.
SURE = 0.95  # The part of all pairs of rounds that must agree. By chance, 5 rounds do in 1 of 60.

_WORDS = {"seconds": ("faster", "slower"), "peak_rss": ("smaller", "larger")}


@dataclass(frozen=True)
class Change:
    name: str
    figure: str
    old: float
    new: float
    verdict: str  # "", "faster", "slower", "smaller", "larger", or why there is none.

    @property
    def factor(self) -> float:
        return self.new / self.old


def _ratios(row: RowResult | None, figure: str, subject: str) -> list[float]:
    """The subject's figure by glibc's, round by round."""
    cell = row.cells.get(subject) if row else None
    if row is None or cell is None or cell.failure:
        return []
    ours = cell.figures.get(figure, [])
    base = row.cells.get(BASELINE)
    if base is None or base.failure or subject == BASELINE:
        return ours
    return [one / other for one, other in zip(ours, base.figures.get(figure, []))]


def _verdict(figure: str, old: list[float], new: list[float]) -> str:
    if min(len(old), len(new)) < LEAST_ROUNDS:
        return "too few rounds"
    if abs(statistics.median(new) / statistics.median(old) - 1) < LEAST_CHANGE:
        return ""
    better, worse = _WORDS[figure]
    if stats.part_below(new, old) >= SURE:
        return better
    if stats.part_below(old, new) >= SURE:
        return worse
    return "within the spread"


def changes(old: Results, new: Results, subject: str = OURS) -> list[Change]:
    found = []
    for row in new.rows:
        for figure in _WORDS:
            was = _ratios(old.row(row.name), figure, subject)
            now = _ratios(row, figure, subject)
            if was and now:
                medians = statistics.median(was), statistics.median(now)
                found.append(Change(row.name, figure, *medians, _verdict(figure, was, now)))
    return found


def render(old: Results, new: Results) -> str:
    if old.options.get("scale") != new.options.get("scale"):
        return "compare: the runs did different amounts of work (one of them --quick?)"
    found = changes(old, new)
    lines = [
        "",
        f"mymalloc's ratios to glibc: {old.allocators.get(OURS)} -> {new.allocators.get(OURS)}",
    ]
    for figure in _WORDS:
        own = [change for change in found if change.figure == figure]
        if not own:
            continue
        lines.append(f"{figure:26}{'old':>8}{'new':>8}{'factor':>8}")
        for change in own:
            medians = f"{change.old:8.3f}{change.new:8.3f}{change.factor:8.3f}"
            lines.append(f"{change.name:26}{medians}  {change.verdict}")
        mean = stats.geometric_mean([change.factor for change in own])
        lines.append(f"{'geometric mean':42}{mean:8.3f}")
    return "\n".join(lines)
