"""The page: one file, no script, nothing from the network."""

import html

from benchmarks.harness import bars, catalogue, memory, style, svg, table, tree, verdict
from benchmarks.harness.allocators import BASELINE, LIMIT
from benchmarks.harness.results import Results, RowResult
from benchmarks.harness.table import Line, Section

_MOST = 2.5  # Ratios beyond this end in an arrow.

_CURVE_OF_LATENCY = 360.0  # Pixels: it has many decades.
_LEAST_LATENCY = 10.0  # ns


class _Page:
    def __init__(self, results: Results) -> None:
        self._results = results
        self._names = list(results.allocators)
        self._palette = svg.colours(self._names)
        self._parts: list[str] = []
        self._contents: list[tuple[str, str]] = []  # The places of the sections, and their titles.

    def render(self) -> str:
        self._verdicts()
        self._means()
        for group in table.SIZED:
            self._bars(f"Time, {group}", "seconds", group)
            self._bars(f"Peak memory, {group}", "peak_rss", group)
        self._memory_over_time()
        self._scaling()
        self._latency()
        self._tree()
        self._tables()
        body, self._parts = self._parts, []
        self._head()  # Last, as it has the contents.
        return "".join([*self._parts, *body])

    def _add(self, part: str) -> None:
        self._parts.append(part + "\n")

    def _head(self) -> None:
        self._add('<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">')
        self._add('<meta name="viewport" content="width=device-width, initial-scale=1">')
        self._add(f"<title>mymalloc: benchmarks</title><style>{style.CSS}</style></head><body>")
        self._add("<h1>mymalloc beside other allocators</h1>")
        for caveat in self._results.caveats():
            self._add(f'<p class="miss">{html.escape(caveat)}</p>')
        self._verdict()
        rows = "".join(
            f"<tr><td>{html.escape(key)}</td><td>{html.escape(value)}</td></tr>"
            for key, value in self._results.about().items()
        )
        links = "".join(
            f'<a href="#{place}">{html.escape(title)}</a> ' for place, title in self._contents
        )
        self._add(f"<nav>{links}</nav>")
        self._add(f'<div class="wide"><table class="about">{rows}</table></div>')

    def _verdict(self) -> None:
        sentence = verdict.sentence(self._results)
        picture = verdict.picture(self._results, self._palette)
        if sentence:
            self._add(f'<p class="verdict">{html.escape(sentence)}</p>')
        if picture:
            self._add(f"{picture}<p>{html.escape(verdict.explanation(self._results))}</p>")

    def _verdicts(self) -> None:
        verdicts = bars.judge(self._results)
        if not verdicts:
            return
        self._begin("The bars we set ourselves")
        if bars.caveat(self._results):
            self._add(f"<p>Judged {html.escape(bars.caveat(self._results))}.</p>")
        self._add("<ul>")
        for bar in verdicts:
            word, kind = ("PASS", "pass") if bar.passed else ("MISS", "miss")
            text = html.escape(f"{bar.name}: {bar.figure}")
            self._add(f'<li><span class="{kind}">{word}</span> {text}</li>')
        self._add("</ul></section>")

    def _means(self) -> None:
        wanted = [(figure, group) for figure in ("seconds", "peak_rss") for group in table.SIZED]
        found = [table.ratios(self._results, figure, group) for figure, group in wanted]
        with_means = [one for one in found if one and one.lines[-1].name == table.MEAN]
        if not with_means:
            return
        self._begin("Geometric means", "Ratios to glibc: below 1 is better.")
        rows = [(one.title, self._cells(one.lines[-1])) for one in with_means]
        self._plain_table("mean of", self._names, rows)
        for section in with_means:
            for note in section.notes:
                self._add(f"<p>{html.escape(f'{section.title}: {note}')}</p>")
        self._add("</section>")

    def _begin(self, title: str, what: str = "") -> None:
        """A section; whoever begins one ends it."""
        place = f"s{len(self._contents) + 1}"
        self._contents.append((place, title))
        self._add(f'<section id="{place}"><h2>{html.escape(title)}</h2>')
        if what:
            self._add(f"<p>{html.escape(what)}</p>")

    def _section(self, title: str, what: str, names: list[str]) -> None:
        self._begin(title, what)
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
        self._add(svg.bars(groups, self._palette, title, _MOST) + "</section>")

    def _bar(self, row: RowResult, name: str, figure: str) -> svg.Bar:
        cell = row.cells.get(name)
        found = row.spread(name, figure)
        base = row.median(BASELINE, figure)
        if found is None or not base:
            return svg.Bar(name, None, (cell.failure if cell else "") or "no figure")
        return svg.Bar(name, found.over(base), "")

    def _memory_over_time(self) -> None:
        names = [name for name in self._names if name != LIMIT]
        rows = [row for row in self._results.rows if any(c.samples for c in row.cells.values())]
        if not rows:
            return
        self._section(
            "Memory over time",
            "Resident MiB at the same places of the work (faster allocators come there earlier); "
            "dashed: what the program has asked for and not yet freed. Where everything is freed, "
            "two seconds of idling follow, and one malloc.",
            [*names, "live bytes"],
        )
        for row in rows:
            resident = memory.resident(row)
            lines = [svg.Curve(name, _mib(resident[name])) for name in names if name in resident]
            lines.append(svg.Curve("live bytes", _mib(memory.live(row))))
            axes = svg.Axes("part of the work, then idle", "MiB", x_ticks=memory.ticks(row))
            self._add(f"<h3>{html.escape(row.name)}</h3>")
            self._add(svg.curves(lines, self._palette, row.name, axes))
        self._table(table.idle(self._results))
        self._add("</section>")

    def _scaling(self) -> None:
        rows = self._results.in_groups(catalogue.SCALING)
        large = "threads, each with blocks of"
        for kind, label, log in (
            ("scale_threads", "threads", False),
            *((name, f"{large} {sizes}", False) for name, sizes in catalogue.SCALE_LARGE.items()),
            ("scale_live", "live blocks", True),
        ):
            own = [row for row in rows if row.name.startswith(f"{kind}/")]
            if not own:
                continue
            self._section(
                f"Cost as {label} grow",
                f"Nanoseconds per replacement (a free and a malloc); lower is better. {self._limit()}",
                self._names,
            )
            lines = [svg.Curve(name, self._costs(own, name)) for name in self._names]
            axes = svg.Axes(label, "ns", log_x=log, log_y=log)
            self._add(svg.curves(lines, self._palette, label, axes) + "</section>")

    def _limit(self) -> str:
        if LIMIT not in self._names:
            return ""
        return f"{LIMIT}, thin and dashed, never frees: so it touches fresh memory, and may leave the axis."

    @staticmethod
    def _costs(rows: list[RowResult], name: str) -> list[tuple[float, float]]:
        found = [(row.name.partition("/")[2], bars.nanoseconds(row, name)) for row in rows]
        return [(float(grown), cost) for grown, cost in found if cost]

    def _latency(self) -> None:
        rows = self._results.in_groups(catalogue.LATENCY)
        for row in rows:
            what = "Nanoseconds of one call in the server workload, the clock included."
            self._section("Latency", f"{what} {self._limit()}", self._names)
            for call in ("malloc", "free"):
                lines = [
                    svg.Curve(name, self._percentiles(row, name, call)) for name in self._names
                ]
                axes = svg.Axes(
                    "part of all calls",
                    "ns",
                    log_y=True,
                    x_ticks=[(float(i), point) for i, point in enumerate(catalogue.PERCENTILES)],
                    height=_CURVE_OF_LATENCY,
                )
                self._add(f"<h3>{call}</h3>")
                self._add(svg.curves(lines, self._palette, f"latency of {call}", axes))
        if rows:
            self._table(table.latencies(self._results))
            self._add("</section>")

    @staticmethod
    def _percentiles(row: RowResult, name: str, call: str) -> list[tuple[float, float]]:
        found = [row.median(name, f"{call} {point} ns") for point in catalogue.PERCENTILES]
        return [(i, max(value, _LEAST_LATENCY)) for i, value in enumerate(found) if value]

    def _tree(self) -> None:
        for operation, measured in self._results.tree.items():
            found = dict(sorted(measured.items(), key=lambda one: (one[0] != tree.OURS, one[0])))
            palette = svg.colours(list(found))
            what = f"Nanoseconds {tree.OPERATIONS[operation]}, by the number of ranges."
            self._begin(f"The tree: {operation}", what)
            self._add(svg.legend(list(found), palette))
            lines = [
                svg.Curve(name, [(count, nanos) for count, nanos in points])
                for name, points in found.items()
            ]
            axes = svg.Axes("ranges", "ns", log_x=True, log_y=True)
            self._add(svg.curves(lines, palette, f"the tree: {operation}", axes))
            self._tree_table(found)
            self._add("</section>")

    def _tree_table(self, found: dict[str, tree.Points]) -> None:
        by_count = {
            name: {count: nanos for count, nanos in points} for name, points in found.items()
        }
        counts = sorted({count for points in by_count.values() for count in points})
        rows = []
        for count in counts:
            nanos = {name: points.get(count) for name, points in by_count.items()}
            best = min(value for value in nanos.values() if value is not None)
            cells = ""
            for value in nanos.values():
                kind, sign = ("best", "*") if value == best else ("", "")
                text = "-" if value is None else f"{value:.1f}{sign}"
                cells += f'<td class="{kind}">{text}</td>'
            rows.append((f"{count:.0f}", cells))
        self._plain_table("ranges, ns", list(found), rows)

    def _tables(self) -> None:
        self._begin("All figures", f"{table.LEGEND}.")
        groups = list(dict.fromkeys(row.group for row in self._results.rows))
        for figure in table.FIGURES:
            for group in groups if figure == "seconds" else table.SIZED:
                self._table(table.ratios(self._results, figure, group))
        for row in self._results.rows:
            if row.skipped:
                self._add(f"<p>skipped: {html.escape(f'{row.name}: {row.skipped}')}</p>")
        self._add("</section>")

    def _table(self, section: Section | None) -> None:
        if section is None:
            return
        rows = [(line.name, self._cells(line)) for line in section.lines]
        self._add(f"<h3>{html.escape(section.title[0].upper() + section.title[1:])}</h3>")
        self._plain_table("", self._names, rows)
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

    def _plain_table(self, title: str, columns: list[str], rows: list[tuple[str, str]]) -> None:
        """`rows`: their names, and their cells as HTML."""
        heads = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
        self._add(f'<div class="wide"><table><tr><th>{html.escape(title)}</th>{heads}</tr>')
        for name, cells in rows:
            kind = ' class="mean"' if name == table.MEAN else ""
            self._add(f"<tr{kind}><td>{html.escape(name)}</td>{cells}</tr>")
        self._add("</table></div>")


def _mib(points: memory.Points) -> list[tuple[float, float]]:
    return [(place, size / 2**20) for place, size in points]


def render(results: Results) -> str:
    return _Page(results).render() + "</body></html>\n"
