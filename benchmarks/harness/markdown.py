"""docs/benchmarks.md: the same results as a page of Markdown."""

import math

from benchmarks.harness import bars, catalogue, table, tree
from benchmarks.harness.results import Results, RowResult

_HEAD = """# Benchmarks

Generated; do not edit. The figures are those of `docs/benchmarks.json`; this page is made of it by

    bazel run -c opt //benchmarks -- --load=docs/benchmarks.json --markdown=docs/benchmarks.md

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


def _cell(row: RowResult, name: str, figure: str, competing: list[str]) -> str:
    text = table.cell_text(row, name, figure)
    mark = table.mark(row, name, figure, competing)
    if mark == "*":
        return f"**{text}**"
    return f"{text} !" if mark == "!" else text


def _mean(results: Results, rows: list[RowResult], name: str, figure: str) -> str:
    mean = table.mean_ratio(results, rows, name, figure)
    return "-" if math.isnan(mean) else f"{mean:.2f}"


def _table(results: Results, group: str, figure: str) -> list[str]:
    rows = [row for row in results.in_groups(group) if table.has_figure(row, figure)]
    if not rows:
        return []
    names = list(results.allocators)
    competing = table.competitors(results)
    lines = [
        "",
        f"## {table.FIGURES[figure].capitalize()}, {group}",
        "",
        _line([group, *names]),
        _ruler(len(names) + 1),
    ]
    for row in rows:
        lines.append(_line([row.name, *(_cell(row, name, figure, competing) for name in names)]))
    if len(rows) > 1:
        means = [_mean(results, rows, name, figure) for name in names]
        lines.append(_line(["geometric mean", *means]))
    return lines


def _idle(results: Results) -> list[str]:
    names = list(results.allocators)
    lines = ["", "## Left of the peak after freeing all and two idle seconds", ""]
    lines += [_line(["workload", *names]), _ruler(len(names) + 1)]
    rows = table.idle_parts(results)
    lines += [_line([row, *parts]) for row, parts in rows.items()]
    return lines if rows else []


def _latency(results: Results) -> list[str]:
    names = list(results.allocators)
    rows = table.latencies(results)
    lines = ["", "## Latency in the server workload, ns (the clock included)", ""]
    lines += [_line(["call", *names]), _ruler(len(names) + 1)]
    lines += [_line([call, *values]) for call, values in rows.items()]
    return lines if rows else []


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


def render(results: Results) -> str:
    lines = [_HEAD]
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
            lines += _table(results, group, figure)
    lines += _idle(results) + _latency(results) + _tree(results)
    lines += [""] + [f"- skipped: {row.name}: {row.skipped}" for row in results.rows if row.skipped]
    return "\n".join(lines).rstrip() + "\n"
