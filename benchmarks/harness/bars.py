"""The bars that the project has set itself: each passed or missed, with the figure."""

from dataclasses import dataclass

from benchmarks.harness import catalogue, stats, table, tree
from benchmarks.harness.allocators import BASELINE, HARDENED, OURS
from benchmarks.harness.results import Results, RowResult
from benchmarks.harness.stats import Spread

# "The four" of the bars.
FOUR = (BASELINE, "jemalloc", "mimalloc", "tcmalloc")

# Their bars are about the geometric mean of all of them: none may stand for the others.
REMOTE_FREES = ["remote_free", "remote_free_shuffled", "remote_cycle"]
PRODUCERS = ["prodcons_1_1", "prodcons_1_n", "prodcons_n_1"]

REMOTE_FACTOR = 1.5
IDLE_PART = 0.10
LARGE_GROWTH = 1.2
STARTUP_SECONDS = 0.0003
TREE_GROWTH = 3.0


@dataclass(frozen=True)
class Bar:
    name: str
    passed: bool
    figure: str

    def __str__(self) -> str:
        return f"{'PASS' if self.passed else 'MISS'}  {self.name}: {self.figure}"


def _best_spread(row: RowResult, rivals: list[str], figure: str) -> Spread | None:
    """mymalloc and its quartiles, by the median of the best of the rivals."""
    best = table.best_of(row, figure, rivals)
    ours, base = row.spread(OURS, figure), row.median(best, figure) if best else None
    return ours.over(base) if ours and base else None


def _ends(spread: Spread) -> str:
    return f"{table.short(spread.low)} to {table.short(spread.high)}"


def _with_ends(spread: Spread) -> str:
    return f"{table.short(spread.median)} ({_ends(spread)})"


def _mean_spread(rows: list[RowResult], name: str, base: str, figure: str) -> Spread | None:
    """Over the rounds, each round's mean of the ratios of those rows that both have."""
    pairs = []
    for row in rows:
        one, other = row.cells.get(name), row.cells.get(base)
        if one and other and not one.failure and not other.failure:
            pairs.append(list(zip(one.figures.get(figure, []), other.figures.get(figure, []))))
    pairs = [rounds for rounds in pairs if rounds and all(min(pair) > 0 for pair in rounds)]
    means = [
        stats.geometric_mean([one / other for one, other in pairs_of_round])
        for pairs_of_round in zip(*pairs)
    ]
    return stats.spread(means) if means else None


def _mean_text(spread: Spread) -> str:
    return f"{spread.median:.3f} ({spread.low:.3f} to {spread.high:.3f})"


def _failed(rows: list[RowResult]) -> list[str]:
    """What mymalloc could not do is worse than slow."""
    cells = [(row.name, row.cells[OURS].failure) for row in rows if OURS in row.cells]
    return [f"{name} {failure}" for name, failure in cells if failure]


def _mean_time(rows: list[RowResult], rivals: list[str]) -> Bar | None:
    found = {rival: _mean_spread(rows, OURS, rival, "seconds") for rival in rivals}
    means = {rival: spread for rival, spread in found.items() if spread}
    if BASELINE not in means:
        return None
    best = max(means, key=lambda name: means[name].median)
    return Bar(
        "mean time ahead of every one of the four",
        means[best].median < 1.0,
        f"{_mean_text(means[best])} of {best}'s, {means[BASELINE].median:.3f} of glibc's",
    )


def _never_slower(rows: list[RowResult]) -> Bar:
    slower: list[str] = []
    beyond = _failed(rows)
    for row in rows:
        ours, base = row.spread(OURS, "seconds"), row.spread(BASELINE, "seconds")
        if ours is None or base is None or ours.median <= base.median:
            continue
        text = f"{row.name} {ours.median / base.median:.2f}"
        if ours.overlaps(base):
            slower.append(
                f"{text} ({_ends(ours.over(base.median))}, glibc {_ends(base.over(base.median))})"
            )
        else:
            beyond.append(text)
    figure = ", ".join(beyond) if beyond else "none is, beyond the spread"
    if slower:
        figure += f"; within the spread: {', '.join(slower)}"
    return Bar("never slower than glibc", not beyond, figure)


def _near_best(rows: list[RowResult], rivals: list[str]) -> Bar | None:
    found = {row.name: _best_spread(row, rivals, "seconds") for row in rows}
    known = {name: spread for name, spread in found.items() if spread is not None}
    missed = {name: one for name, one in known.items() if one.median > table.NEAR_BEST}
    worst = max(known, key=lambda name: known[name].median, default="")
    behind = [f"{name} {_with_ends(spread)}" for name, spread in missed.items()] + _failed(rows)
    figure = ", ".join(behind)
    if not behind:
        if not worst:
            return None
        figure = f"worst is {worst} {_with_ends(known[worst])}"
    return Bar("within 1.10 of the best of the four on each", not behind, figure)


def _remote(results: Results, rivals: list[str], name: str, row_names: list[str]) -> Bar | None:
    """Throughput of mymalloc by that of the best rival: the inverse of the ratio of times."""
    rows = [row for row in map(results.row, row_names) if row]
    if len(rows) < len(row_names):
        return None
    if _failed(rows):
        return Bar(name, False, ", ".join(_failed(rows)))
    found = {}
    for row in rows:
        times = _best_spread(row, rivals, "seconds")
        if times is None:
            return None
        found[row.name] = Spread(1 / times.high, 1 / times.median, 1 / times.low)
    factor = stats.geometric_mean([spread.median for spread in found.values()])
    each = ", ".join(f"{row_name} {_with_ends(spread)}" for row_name, spread in found.items())
    figure = f"{table.short(factor)} times the best of the four on each; {each}"
    return Bar(name, factor >= REMOTE_FACTOR, figure)


def _memory(rows: list[RowResult]) -> Bar | None:
    mean = _mean_spread(rows, OURS, BASELINE, "peak_rss")
    if mean is None:
        return None
    return Bar("mean peak RSS at or below glibc's", mean.median <= 1.0, _mean_text(mean))


def _idle(results: Results) -> Bar | None:
    if results.options["scale"] < 1:
        return None  # A tenth of a small peak is less than what any process has.
    parts = {}
    for row in results.rows:
        left, peak = row.median(OURS, "idle_rss"), row.median(OURS, "peak_rss")
        if left and peak:
            parts[row.name] = left / peak
    if not parts:
        return None
    worst = max(parts, key=lambda name: parts[name])
    figure = ", ".join(f"{name} {table.short(100 * part)}%" for name, part in parts.items())
    return Bar("after freeing all and 2 s idle, 10% of the peak", parts[worst] <= IDLE_PART, figure)


def nanoseconds(row: RowResult, name: str) -> float | None:
    """Of one operation; of one and thread, where each thread does as much as one alone."""
    kind, _, grown = row.name.partition("/")
    seconds, count = row.median(name, "seconds"), row.median(name, "operations")
    if not seconds or not count:
        return None
    return seconds / count * 1e9 * (int(grown) if kind in catalogue.SCALE_LARGE else 1)


def _large(results: Results) -> Bar | None:
    """With fewer cores, two threads have to wait for each other."""
    if int(results.machine.get("cores", 0)) < 2:
        return None
    growths, texts = [], []
    for kind in catalogue.SCALE_LARGE:
        rows = [results.row(f"{kind}/{threads}") for threads in (1, 2)]
        costs = [nanoseconds(row, OURS) for row in rows if row]
        if len(costs) < 2 or costs[0] is None or costs[1] is None:
            return None
        growths.append(costs[1] / costs[0])
        texts.append(f"{kind} {growths[-1]:.2f} ({costs[0]:.0f} and {costs[1]:.0f} ns)")
    name = "large blocks: an operation of two threads within 1.2 of one's"
    return Bar(name, max(growths) <= LARGE_GROWTH, ", ".join(texts))


def _hardened(rows: list[RowResult], results: Results) -> Bar | None:
    if HARDENED not in results.allocators or "scudo" not in results.allocators:
        return None
    mean = _mean_spread(rows, HARDENED, "scudo", "seconds")
    if mean is None:
        return None
    return Bar(
        "hardened no slower than Scudo", mean.median <= 1.0, f"{_mean_text(mean)} of its time"
    )


def _startup(results: Results) -> Bar | None:
    row = results.row("start-up")
    ours = row.spread(OURS, "seconds") if row else None
    base = row.median(BASELINE, "seconds") if row else None
    if ours is None or base is None:
        return None
    low, middle, high = (f"{(end - base) * 1e3:+.3f}" for end in (ours.low, ours.median, ours.high))
    return Bar(
        "start-up at most 0.3 ms over none",
        ours.median - base <= STARTUP_SECONDS,
        f"{middle} ms ({low} to {high})",
    )


def _tree_growth(results: Results) -> Bar | None:
    points = results.tree.get(tree.LOOKUP, {}).get(tree.OURS, [])
    lookups = {count: nanos for count, nanos in points}
    some, many = lookups.get(1e3), lookups.get(1e6)
    if some is None or many is None:
        return None
    growth = many / some
    return Bar(
        "tree: stab at 10^6 ranges within 3 times 10^3",
        growth <= TREE_GROWTH,
        f"{growth:.1f} times ({some:.1f} and {many:.1f} ns)",
    )


def _tree_rival(results: Results) -> Bar | None:
    """Of every operation of the tree that was measured."""
    ratios = {}
    for operation, structures in results.tree.items():
        rival = {count: nanos for count, nanos in structures.get(tree.RIVAL, [])}
        for count, nanos in structures.get(tree.OURS, []):
            if count in rival:
                ratios[f"{operation} at {count:.0f}"] = nanos / rival[count]
    if not ratios:
        return None
    slower = [f"{name} {ratio:.3f}" for name, ratio in ratios.items() if ratio > 1]
    worst = max(ratios, key=lambda name: ratios[name])
    figure = ", ".join(slower) or f"worst is {worst}: {ratios[worst]:.2f} of its time"
    return Bar("tree: no slower than absl::btree_map at every size", not slower, figure)


def caveat(results: Results) -> str:
    """Why the bars say less than they should; empty if they do not."""
    less = results.interrupted or results.options.get("asked")
    part = "the work" if results.options["scale"] < 1 else "the rows" if less else ""
    return f"on a fraction of {part}: an impression, no verdict" if part else ""


def judge(results: Results) -> list[Bar]:
    """Nothing, when mymalloc or glibc is not among the allocators."""
    if OURS not in results.allocators or BASELINE not in results.allocators:
        return []
    rivals = [name for name in FOUR if name in results.allocators]
    rows = results.in_groups(catalogue.WORKLOADS, catalogue.PROGRAMS)
    every = results.in_groups(
        catalogue.WORKLOADS, catalogue.PROGRAMS, catalogue.SCALING, catalogue.TRACES
    )
    bars: list[Bar | None] = []
    if rows:
        bars += [
            _mean_time(rows, rivals),
            _never_slower(every),
            _near_best(every, rivals),
            _memory(rows),
        ]
    bars.append(_hardened(rows, results))
    bars += [
        _remote(results, rivals, "remote frees, 1.5 times", REMOTE_FREES),
        _remote(results, rivals, "producer/consumer, 1.5 times", PRODUCERS),
        _large(results),
        _idle(results),
        _startup(results),
        _tree_growth(results),
        _tree_rival(results),
    ]
    return [bar for bar in bars if bar is not None]
