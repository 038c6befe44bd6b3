"""README's figures: the means, an allocator a line, and the verdict's sentence; between two marks, the rest is kept."""

import math
import textwrap
from pathlib import Path

from benchmarks.harness import table, verdict
from benchmarks.harness.allocators import BASELINE
from benchmarks.harness.results import Results

BEGIN = "<!-- figures: bazel run -c opt //benchmarks -- --load=docs/benchmarks.json --readme=README.md -->"
END = "<!-- end of the figures -->"

_COLUMNS = 118
_FIGURES = {"seconds": "time", "peak_rss": "peak memory"}


def _columns(results: Results) -> list[tuple[str, str]]:
    groups = [group for group in table.SIZED if results.in_groups(group)]
    return [(figure, group) for figure in _FIGURES for group in groups]


def _means(results: Results, figure: str, group: str) -> dict[str, float]:
    """Of those that ran the group at all."""
    rows = results.in_groups(group)
    names = [name for name in table.competitors(results) if name != BASELINE]
    found = {name: table.mean_ratio(rows, name, figure) for name in names}
    return {name: mean for name, mean in found.items() if not math.isnan(mean)}


def figures(results: Results) -> str:
    columns = _columns(results)
    means = [_means(results, *column) for column in columns]
    best = [min(of_all.values(), default=0.0) for of_all in means]
    heads = [f"{_FIGURES[figure]}, {group}" for figure, group in columns]
    lines = [f"| of glibc's | {' | '.join(heads)} |", f"|---|{'---:|' * len(columns)}"]
    for name in (name for name in table.competitors(results) if name != BASELINE):
        cells = [_cell(of_all.get(name), least) for of_all, least in zip(means, best)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", textwrap.fill(verdict.sentence(results), _COLUMNS)])


def _cell(mean: float | None, least: float) -> str:
    if mean is None:
        return "-"
    text = table.short(mean)
    return f"**{text}**" if text == table.short(least) else text


def has_place(path: Path) -> bool:
    return path.is_file() and BEGIN in (text := path.read_text()) and END in text


def updated(text: str, results: Results) -> str:
    """The README with the figures of these results."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{figures(results)}\n\n{END}{after}"
