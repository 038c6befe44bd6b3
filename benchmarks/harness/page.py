"""The page: one file, no script, nothing from the network."""

import html

from benchmarks.harness import bars, catalogue, svg, table, tree
from benchmarks.harness.allocators import BASELINE, LIMIT
from benchmarks.harness.results import Results, RowResult
from benchmarks.harness.stats import Spread
from benchmarks.harness.table import Line, Section

_MOST = 2.5  # Ratios beyond this end in an arrow.

_STYLE = """
:root { color-scheme: light dark; --faint: #8884; --text: #222; --paper: #fff; }
@media (prefers-color-scheme: dark) { :root { --text: #ddd; --paper: #181818; } }
body { font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; color: var(--text);
  background: var(--paper); max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1, h2 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
.wide { overflow-x: auto; }
.chart { max-width: 860px; } .chart > svg { display: block; }
svg text { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: var(--text); }
svg .number { font-size: 9px; } svg .failed { font-size: 9px; fill: #d00; }
svg .grid { stroke: var(--faint); } svg .one { stroke: var(--text); stroke-dasharray: 2 2; }
svg .spread { stroke: var(--text); stroke-width: 1.2; }
.legend span { display: inline-block; margin-right: 1rem; white-space: nowrap; }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .3em; }
table { border-collapse: collapse; font-size: 13px; }
td, th { padding: .15rem .6rem; text-align: right; border-bottom: 1px solid var(--faint); }
td:first-child, th:first-child { text-align: left; position: sticky; left: 0;
  background: var(--paper); }
td small { display: block; font-size: 11px; font-weight: normal; white-space: nowrap; }
.best { color: #080; font-weight: bold; } .lost, .miss { color: #c00; font-weight: bold; }
.pass { color: #080; font-weight: bold; }
@media (prefers-color-scheme: dark) { .best, .pass { color: #6d6; } .lost, .miss { color: #f77; }
  polyline[stroke="#000000"] { stroke: #fff; } }
"""


class _Page:
    def __init__(self, results: Results) -> None:
        self._results = results
        self._names = list(results.allocators)
        self._palette = svg.colours(self._names)
        self._parts: list[str] = []

    def render(self) -> str:
        self._head()
        self._verdicts()
        for group in table.SIZED:
            self._bars(f"Time, {group}", "seconds", group)
            self._bars(f"Peak memory, {group}", "peak_rss", group)
        self._memory_over_time()
        self._scaling()
        self._latency()
        self._tree()
        self._tables()
        return "".join(self._parts)

    def _add(self, part: str) -> None:
        self._parts.append(part + "\n")

    def _head(self) -> None:
        self._add('<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">')
        self._add('<meta name="viewport" content="width=device-width, initial-scale=1">')
        self._add(f"<title>mymalloc: benchmarks</title><style>{_STYLE}</style></head><body>")
        self._add("<h1>mymalloc beside other allocators</h1>")
        for caveat in self._results.caveats():
            self._add(f'<p class="miss">{html.escape(caveat)}</p>')
        rows = "".join(
            f"<tr><td>{html.escape(key)}</td><td>{html.escape(value)}</td></tr>"
            for key, value in self._results.about().items()
        )
        self._add(f'<div class="wide"><table>{rows}</table></div>')

    def _verdicts(self) -> None:
        verdicts = bars.judge(self._results)
        if not verdicts:
            return
        self._add("<h2>The bars we set ourselves</h2>")
        if bars.caveat(self._results):
            self._add(f"<p>Judged {html.escape(bars.caveat(self._results))}.</p>")
        self._add("<ul>")
        for bar in verdicts:
            word, kind = ("PASS", "pass") if bar.passed else ("MISS", "miss")
            text = html.escape(f"{bar.name}: {bar.figure}")
            self._add(f'<li><span class="{kind}">{word}</span> {text}</li>')
        self._add("</ul>")

    def _section(self, title: str, what: str, names: list[str]) -> None:
        self._add(f"<h2>{html.escape(title)}</h2><p>{html.escape(what)}</p>")
        self._add(svg.legend(names, self._palette))

    def _bars(self, title: str, figure: str, group: str) -> None:
        rows = self._results.in_groups(group)
        if not rows:
            return
        names = [name for name in self._names if name != LIMIT or figure == "seconds"]
        self._section(
            title,
            "Ratios to glibc's median (the dashed line): shorter is better. The thin line over a "
            "bar's end is the spread, quartile to quartile.",
            names,
        )
        groups = {row.name: [self._bar(row, name, figure) for name in names] for row in rows}
        self._add(svg.bars(groups, self._palette, title, _MOST))

    def _bar(self, row: RowResult, name: str, figure: str) -> svg.Bar:
        cell = row.cells.get(name)
        found = row.spread(name, figure)
        base = row.median(BASELINE, figure)
        if found is None or not base:
            return svg.Bar(name, None, (cell.failure if cell else "") or "no figure")
        ratio = Spread(found.low / base, found.median / base, found.high / base)
        return svg.Bar(name, ratio, "")

    def _memory_over_time(self) -> None:
        names = [name for name in self._names if name != LIMIT]
        rows = [row for row in self._results.rows if any(c.samples for c in row.cells.values())]
        if not rows:
            return
        self._section(
            "Memory over time",
            "Resident MiB; dashed: what the program has asked for and not yet freed (under glibc). "
            "Where everything is freed, two seconds of idling follow, and one malloc.",
            [*names, "live bytes"],
        )
        for row in rows:
            lines = [
                svg.Curve(name, [(seconds, rss / 2**20) for seconds, _, rss in cell.samples])
                for name, cell in row.cells.items()
                if name in names
            ]
            base = row.cells.get(BASELINE)
            live = [(seconds, live / 2**20) for seconds, live, _ in base.samples] if base else []
            lines.append(svg.Curve("live bytes", live))
            self._add(f"<h3>{html.escape(row.name)}</h3>")
            self._add(svg.curves(lines, self._palette, row.name, svg.Axes("seconds", "MiB")))

    def _scaling(self) -> None:
        rows = self._results.in_groups(catalogue.SCALING)
        for kind, label, log in (
            ("scale_threads", "threads", False),
            ("scale_live", "live blocks", True),
        ):
            own = [row for row in rows if row.name.startswith(f"{kind}/")]
            if not own:
                continue
            names = [name for name in self._names if name != LIMIT]
            self._section(
                f"Cost as {label} grow",
                "Nanoseconds per replacement (a free and a malloc); lower is better.",
                names,
            )
            lines = [svg.Curve(name, self._costs(own, name)) for name in names]
            axes = svg.Axes(label, "ns", log_x=log, log_y=log)
            self._add(svg.curves(lines, self._palette, label, axes))

    @staticmethod
    def _costs(rows: list[RowResult], name: str) -> list[tuple[float, float]]:
        points = []
        for row in rows:
            seconds, count = row.median(name, "seconds"), row.median(name, "operations")
            if seconds and count:
                points.append((float(row.name.partition("/")[2]), seconds / count * 1e9))
        return points

    def _latency(self) -> None:
        names = [name for name in self._names if name != LIMIT]
        for row in self._results.in_groups(catalogue.LATENCY):
            what = "Nanoseconds of one call in the server workload, the clock included."
            self._section("Latency", what, names)
            for call in ("malloc", "free"):
                lines = []
                for name in names:
                    found = [
                        row.median(name, f"{call} {point} ns") for point in catalogue.PERCENTILES
                    ]
                    lines.append(
                        svg.Curve(name, [(i, value) for i, value in enumerate(found) if value])
                    )
                axes = svg.Axes(
                    "part of all calls", "ns", log_y=True, x_names=list(catalogue.PERCENTILES)
                )
                self._add(f"<h3>{call}</h3>")
                self._add(svg.curves(lines, self._palette, f"latency of {call}", axes))

    def _tree(self) -> None:
        for operation, found in self._results.tree.items():
            palette = svg.colours(list(found))
            what = f"Nanoseconds {tree.OPERATIONS[operation]}, by the number of ranges."
            self._add(f"<h2>The tree: {html.escape(operation)}</h2><p>{html.escape(what)}</p>")
            self._add(svg.legend(list(found), palette))
            lines = [
                svg.Curve(name, [(count, nanos) for count, nanos in points])
                for name, points in found.items()
            ]
            axes = svg.Axes("ranges", "ns", log_x=True)
            self._add(svg.curves(lines, palette, f"the tree: {operation}", axes))

    def _tables(self) -> None:
        self._add(f"<h2>All figures</h2><p>{html.escape(table.LEGEND)}</p>")
        groups = list(dict.fromkeys(row.group for row in self._results.rows))
        for figure in table.FIGURES:
            for group in groups if figure == "seconds" else table.SIZED:
                self._table(table.ratios(self._results, figure, group))
        for row in self._results.rows:
            if row.skipped:
                self._add(f"<p>skipped: {html.escape(f'{row.name}: {row.skipped}')}</p>")

    def _table(self, section: Section | None) -> None:
        if section is None:
            return
        self._plain_table(
            section.title,
            self._names,
            {line.name: self._cells(line) for line in section.lines},
        )
        for note in section.notes:
            self._add(f"<p>{html.escape(note)}</p>")

    def _cells(self, line: Line) -> str:
        cells = ""
        for name, text, mark in zip(self._names, line.cells, line.marks):
            kind = {"*": "best", "!": "lost"}.get(mark, "")
            spread = line.spread.get(name, "")
            more = f"<small>{html.escape(spread)}</small>" if spread else ""
            cells += f'<td class="{kind}">{html.escape(text)}{mark.strip()}{more}</td>'
        return cells

    def _plain_table(self, title: str, columns: list[str], rows: dict[str, str]) -> None:
        """`rows`: their cells, as HTML."""
        heads = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
        self._add(f'<div class="wide"><table><tr><th>{html.escape(title)}</th>{heads}</tr>')
        for name, cells in rows.items():
            self._add(f"<tr><td>{html.escape(name)}</td>{cells}</tr>")
        self._add("</table></div>")


def render(results: Results) -> str:
    return _Page(results).render() + "</body></html>\n"
