"""Two runs of ours side by side: what became faster or slower, smaller or larger.

Machines are noisy from one hour to the next, so what is compared is mymalloc's ratio to glibc of
the same round, where there is one; and a verdict is given only where the spreads allow it. The rule is
the rank test of Mann and Whitney: of pure noise it speaks in less than one row in a hundred. With five
rounds in each run it wants every one of the one run ahead of every one of the other.
"""

import math
import statistics
from dataclasses import dataclass

from rich.console import RenderableType

from benchmarks.harness import catalogue, stats, table, terminal, tree
from benchmarks.harness.allocators import BASELINE, OURS
from benchmarks.harness.results import Results, RowResult

LEAST_CHANGE = 0.02  # Less than this is no change, however narrow the spread.
LEAST_ROUNDS = 5  # With fewer, noise looks like a change in more than one row in a hundred.
SURE = 2.58  # Standard deviations of the rank test: 1% on both sides together.

TIME = ("faster", "slower")
SIZE = ("smaller", "larger")
_WORDS = {"seconds": TIME, "peak_rss": SIZE, "idle_rss": SIZE, "minor_faults": ("fewer", "more")}
_TITLES = {"idle_rss": "RSS when idle", **table.FIGURES}
_LATENCY = "latency"
_HEADS = ("old", "new", "factor")
_WHOLE = ("seconds", "peak_rss")  # Of the other figures, only what has a verdict is shown.

# What two machines may differ in without being others.
_PASSING = ("date", "commit", "load at start")


@dataclass(frozen=True)
class Change:
    name: str
    figure: str
    old: float
    new: float
    verdict: str  # "", one of the words above, or why there is none.
    decided: bool
    ratios: bool  # To glibc; else both are absolute.

    @property
    def factor(self) -> float:
        return self.new / self.old

    def shown(self, value: float) -> str:
        return table.short(value) if self.ratios else table.absolute(value, self.figure)


def _values(row: RowResult | None, figure: str, subject: str) -> list[float]:
    cell = row.cells.get(subject) if row else None
    return cell.figures.get(figure, []) if cell and not cell.failure else []


def _ratios(row: RowResult | None, figure: str, subject: str) -> list[float]:
    """The subject's figure by glibc's, round by round; nothing if glibc has none."""
    pairs = zip(_values(row, figure, subject), _values(row, figure, BASELINE))
    return [one / other for one, other in pairs if one and other]


def _change(
    old: RowResult | None, new: RowResult, figure: str, words: tuple[str, str], subject: str
) -> Change | None:
    """Of ratios, or, where neither run has glibc, of what was measured: the same of both."""
    based = any(_values(row, figure, BASELINE) for row in (old, new)) and subject != BASELINE
    take = _ratios if based else _values
    was, now = take(old, figure, subject), take(new, figure, subject)
    if not was or not now:
        return None
    medians = statistics.median(was), statistics.median(now)
    if not all(medians):
        return None
    return Change(new.name, figure, *medians, *_verdict(words, was, now), based)


def _is_below(ours: list[float], theirs: list[float]) -> bool:
    """Whether ours are surely the smaller: the rank test, as a normal distribution has it."""
    few, many = len(ours), len(theirs)
    deviation = math.sqrt((few + many + 1) / (12 * few * many))
    return stats.part_below(ours, theirs) - 0.5 > SURE * deviation


def _verdict(words: tuple[str, str], old: list[float], new: list[float]) -> tuple[str, bool]:
    rounds = min(len(old), len(new))
    if rounds < LEAST_ROUNDS:
        return f"too few rounds: {rounds}, a verdict needs {LEAST_ROUNDS}", False
    if abs(statistics.median(new) / statistics.median(old) - 1) < LEAST_CHANGE:
        return "", False
    better, worse = words
    if _is_below(new, old):
        return better, True
    if _is_below(old, new):
        return worse, True
    return "within the spread", False


def _figures(row: RowResult) -> dict[str, tuple[str, str]]:
    """All that is compared of a row, with the words for its verdicts."""
    if row.group != catalogue.LATENCY:
        return _WORDS
    points = [
        f"{call} {point} ns" for call in ("malloc", "free") for point in catalogue.PERCENTILES
    ]
    return {**_WORDS, **dict.fromkeys(points, TIME)}


def changes(old: Results, new: Results, subject: str = OURS) -> list[Change]:
    found = [
        _change(old.row(row.name), row, figure, words, subject)
        for row in new.rows
        for figure, words in _figures(row).items()
    ]
    return [change for change in found if change is not None]


def _one_sided(old: Results, new: Results) -> list[str]:
    """The rows that cannot be compared, as only one of the runs has glibc's figure."""
    return [
        row.name
        for row in new.rows
        if (was := old.row(row.name))
        and _values(row, "seconds", OURS)
        and _values(was, "seconds", OURS)
        and bool(_values(row, "seconds", BASELINE)) != bool(_values(was, "seconds", BASELINE))
    ]


def _tree_changes(old: Results, new: Results) -> list[RenderableType]:
    """Nanoseconds: of the tree, medians alone are kept."""
    shown = terminal.columns("the tree, ns (no spread is kept)", *_HEADS)
    for operation, structures in new.tree.items():
        was = {count: nanos for count, nanos in old.tree.get(operation, {}).get(tree.OURS, [])}
        for count, nanos in structures.get(tree.OURS, []):
            if was.get(count):
                ends = table.short(was[count]), table.short(nanos)
                factor = nanos / was[count]
                shown.add_row(f"{operation} at {count:.0f}", *ends, f"{factor:.3f}")
    return [shown] if shown.row_count else []


def _differences(old: Results, new: Results) -> list[str]:
    """What makes the two runs hard to compare, apart from mymalloc."""
    was = {**old.machine, BASELINE: old.allocators.get(BASELINE, "none")}
    now = {**new.machine, BASELINE: new.allocators.get(BASELINE, "none")}
    keys = [key for key in dict.fromkeys([*was, *now]) if key not in _PASSING]
    return [
        f"the runs differ in {key}: {was.get(key, 'unknown')} -> {now.get(key, 'unknown')}"
        for key in keys
        if was.get(key) != now.get(key)
    ]


def _section(title: str, own: list[Change], whole: bool) -> list[RenderableType]:
    if not own:
        return []
    shown = terminal.columns(title, *_HEADS)
    for change in own:
        if whole or change.decided:
            name = change.name if change.figure in _WORDS else change.figure
            ends = change.shown(change.old), change.shown(change.new)
            shown.add_row(name, *ends, f"{change.factor:.3f}", change.verdict)
    if len(own) > 1:
        mean = stats.geometric_mean([change.factor for change in own])
        shown.add_row("geometric mean", "", "", f"{mean:.3f}")
    left_out = 0 if whole else sum(not change.decided for change in own)
    return [shown, f"{left_out} without a verdict: {_reasons(own)}"] if left_out else [shown]


def _reasons(own: list[Change]) -> str:
    reasons = [change.verdict or "no change" for change in own if not change.decided]
    return ", ".join(dict.fromkeys(reasons))


def obstacle(old: Results, new: Results) -> str:
    """Why nothing can be compared; empty if something can."""
    if old.options["scale"] != new.options["scale"]:
        return "the runs did different amounts of work (one of them --quick?)"
    compared = changes(old, new) or _tree_changes(old, new)
    return "" if compared else "no row has mymalloc's figures in both runs"


def render(old: Results, new: Results) -> str:
    found = changes(old, new)
    versions = f"{old.allocators.get(OURS)} -> {new.allocators.get(OURS)}"
    parts: list[RenderableType] = ["", *_differences(old, new)]
    parts.append(f"mymalloc's ratios to glibc: {versions}")
    for figure in _WORDS:
        own = [change for change in found if change.figure == figure]
        parts += _section(_TITLES[figure], own, figure in _WHOLE)
    latencies = [change for change in found if change.figure not in _WORDS]
    parts += _section(_LATENCY, latencies, whole=False)
    parts += _tree_changes(old, new)
    for name in _one_sided(old, new):
        parts.append(f"{name}: not compared, only one of the runs has glibc's figure")
    return terminal.text(parts)
