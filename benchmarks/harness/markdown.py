"""docs/benchmarks.md: the same results as a page of Markdown."""

from benchmarks.harness import bars, catalogue, table, tree, verdict
from benchmarks.harness.allocators import BASELINE
from benchmarks.harness.results import Results
from benchmarks.harness.table import Line, Section

_TITLE = "# Benchmarks"
_HEAD = """
Generated; do not edit. The figures are those of `docs/benchmarks.json`; this page is made of it by

    bazel run -c opt //benchmarks -- --load=docs/benchmarks.json --markdown=docs/benchmarks.md \\
        --picture=docs/benchmarks.svg --readme=README.md

To measure anew: `bazel run -c opt //benchmarks -- --json=docs/benchmarks.json`; see
[benchmarks/README.md](../benchmarks/README.md) for what is measured and how.
"""

_GROUPS = (
    catalogue.WORKLOADS,
    catalogue.PROGRAMS,
    catalogue.TRACES,
    catalogue.SCALING,
    catalogue.STARTUP,
    catalogue.LIMIT,
    catalogue.OPERATIONS,
)


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _ruler(columns: int) -> str:
    return "|---|" + "---:|" * (columns - 1)


def _cell(line: Line, place: int, name: str) -> str:
    text = line.cells[place]
    if line.marks[place] == "*":
        text = f"**{text}**"
    if name == BASELINE and name in line.spread:
        text += f" {line.spread[name]}"
    elif name in line.spread:
        text += f" ({line.spread[name]})"
    return f"{text} !" if line.marks[place] == "!" else text


def _section(results: Results, section: Section | None, head: str = "") -> list[str]:
    """`head`: what its rows are; empty: as its title says after the comma."""
    if section is None:
        return []
    names = list(results.allocators)
    title = section.title[0].upper() + section.title[1:]
    lines = ["", f"## {title}", "", _line([head or title.rpartition(", ")[2], *names])]
    lines.append(_ruler(len(names) + 1))
    for line in section.lines:
        cells = [_cell(line, place, name) for place, name in enumerate(names)]
        lines.append(_line([line.name, *cells]))
    for note in section.notes:
        lines += ["", note]
    return lines


def _tree(results: Results) -> list[str]:
    lines: list[str] = []
    for operation, found in results.tree.items():
        structures = list(found)
        lines += ["", f"## The tree: {tree.OPERATIONS[operation]}, ns", ""]
        lines += [_line(["ranges", *structures]), _ruler(len(structures) + 1)]
        for i, (count, _) in enumerate(found[structures[0]]):
            nanos = [f"{found[structure][i][1]:.1f}" for structure in structures]
            lines.append(_line([f"{count:.0f}", *nanos]))
    return lines


def render(results: Results, picture: str = "") -> str:
    """`picture`: where that of the verdict is, as seen from the page; empty: nowhere."""
    lines = [_TITLE]
    sentence = verdict.sentence(results)
    if sentence:
        lines += ["", f"**{sentence}**"]
    if picture:
        lines += [
            "",
            f"![mean time and mean peak memory]({picture})",
            "",
            verdict.explanation(results),
        ]
    lines.append(_HEAD)
    for caveat in results.caveats():
        lines += [f"**{caveat}**", ""]
    lines += ["| | |", "|---|---|"]
    lines += [_line([key, value]) for key, value in results.about().items()]
    lines += ["", "## The bars we set ourselves", ""]
    if bars.caveat(results):
        lines += [f"Judged {bars.caveat(results)}.", ""]
    lines += [
        f"- **{'PASS' if bar.passed else 'MISS'}** {bar.name}: {bar.figure}"
        for bar in bars.judge(results)
    ]
    lines += ["", f"In the tables: {table.LEGEND.replace('* best', 'bold: best')}."]
    for figure in table.FIGURES:
        for group in _GROUPS if figure == "seconds" else table.SIZED:
            lines += _section(results, table.ratios(results, figure, group))
    lines += _section(results, table.idle(results), "workload")
    lines += _section(results, table.latencies(results), "call")
    lines += _tree(results)
    lines += [""] + [f"- skipped: {row.name}: {row.skipped}" for row in results.rows if row.skipped]
    return "\n".join(lines).rstrip() + "\n"
