"""What the tables show of figures that are known: marks, spreads, digits, means."""

import re
import unittest

from benchmarks.harness import catalogue, markdown, page, table
from benchmarks.harness.results import Cell, Results, RowResult
from tests.benchmarks.support import STEADY


def _scaled(factor: float, values: list[float] | None = None) -> list[float]:
    return [factor * value for value in values or STEADY]


def _row(name: str, group: str, **seconds: list[float]) -> RowResult:
    cells = {one: Cell(figures={"seconds": values}) for one, values in seconds.items()}
    return RowResult(name, group, "", cells)


def _results(*rows: RowResult) -> Results:
    names = list(dict.fromkeys(name for row in rows for name in row.cells))
    return Results({}, {"scale": 1.0, "rounds": 5}, dict.fromkeys(names, ""), list(rows))


def _outputs(results: Results) -> list[str]:
    return [table.render(results, colour=False), markdown.render(results), page.render(results)]


class MarkTest(unittest.TestCase):
    def test_marks(self) -> None:
        slower = _row("pair", catalogue.WORKLOADS, glibc=STEADY, mymalloc=_scaled(1.5))
        names = ["glibc", "mymalloc"]
        self.assertEqual(table.mark(slower, "mymalloc", "seconds", names), "!")
        self.assertEqual(table.mark(slower, "glibc", "seconds", names), "*")
        faster = _row("pair", catalogue.WORKLOADS, glibc=STEADY, mymalloc=_scaled(0.5))
        self.assertEqual(table.mark(faster, "mymalloc", "seconds", names), "*")

    def test_who_is_alone_is_not_the_best(self) -> None:
        row = _row("pair", catalogue.WORKLOADS, mymalloc=STEADY)
        self.assertEqual(table.mark(row, "mymalloc", "seconds", ["glibc", "mymalloc"]), " ")

    def test_no_allocator_is_the_best_where_none_has_a_part(self) -> None:
        row = _row("touch_memory", catalogue.LIMIT, glibc=STEADY, mymalloc=_scaled(0.5))
        for name in row.cells:
            self.assertEqual(table.mark(row, name, "seconds", list(row.cells)), " ")

    def test_latency_and_idle_memory_have_marks(self) -> None:
        row = _row("server_latency", catalogue.LATENCY, glibc=STEADY, mymalloc=STEADY)
        for name, nanos in (("glibc", 30.0), ("mymalloc", 60.0)):
            row.cells[name].figures["malloc p50 ns"] = [nanos] * 5
            row.cells[name].figures.update(idle_rss=[1.0 * nanos] * 5, peak_rss=[1000.0] * 5)
        text = markdown.render(_results(row))
        self.assertIn("| malloc p50 | **30** | 60 ! |", text)
        self.assertIn("| server_latency | **3.00%** | 6.00% ! |", text)


class TextTest(unittest.TestCase):
    def test_the_quartiles_are_shown(self) -> None:
        ours = _scaled(0.5, [0.8, 0.9, 1.0, 1.1, 1.2])
        row = _row("pair", catalogue.WORKLOADS, glibc=[0.9, 0.95, 1.0, 1.05, 1.1], mymalloc=ours)
        for text in _outputs(_results(row)):
            self.assertIn("0.45-0.55", text)
            self.assertIn("±5%", text)

    def test_columns_are_as_wide_as_what_they_hold(self) -> None:
        long = "an-allocator-whose-name-is-long"
        rows = [
            _row(
                name, catalogue.WORKLOADS, **{"glibc": STEADY, long: _scaled(0.5), "b": _scaled(2)}
            )
            for name in ("pair", "a_row_whose_name_is_longer_than_all_others")
        ]
        lines = table.render(_results(*rows), colour=False).splitlines()
        head = next(line for line in lines if line.endswith(f"{long}     b"))
        figures = [line for line in lines if "*0.50" in line]
        self.assertEqual(len(figures), 2)
        for line in figures:
            self.assertEqual(line.index("0.50") + len("0.50"), head.index(long) + len(long))

    def test_what_is_printed_is_plain_unless_it_is_for_a_terminal(self) -> None:
        name = "pair[/b]:smile:"
        results = _results(_row(name, catalogue.WORKLOADS, glibc=STEADY, mymalloc=_scaled(1.5)))
        results.machine["cpu"] = "a [bold]processor[/bold] :smile: " + 50 * "of many words "
        plain = table.render(results, colour=False)
        for text in (name, results.machine["cpu"].rstrip()):
            self.assertIn(text, plain)  # Neither folded nor understood.
        self.assertNotRegex(plain, r"\033| \n")
        coloured = table.render(results, colour=True)
        self.assertRegex(coloured, r"\033\[1;31m *!1\.50\033\[0m")
        self.assertEqual(re.sub(r"\033\[[0-9;]*m", "", coloured).split(), plain.split())

    def test_small_ratios_and_times_have_two_digits(self) -> None:
        small = _row("pair", catalogue.WORKLOADS, glibc=STEADY, mymalloc=_scaled(0.0042))
        alone = _row("bitmap/TakeLowest/64", catalogue.OPERATIONS, mymalloc=_scaled(1.2e-11))
        for text in _outputs(_results(small, alone)):
            self.assertIn("0.0042", text)
            self.assertIn("0.012 ns", text)
            self.assertNotIn("0.0 ns", text)

    def test_a_mean_without_all_rows_says_so(self) -> None:
        whole = _row("pair", catalogue.WORKLOADS, glibc=STEADY, mymalloc=STEADY, other=STEADY)
        failed = _row("larson", catalogue.WORKLOADS, glibc=STEADY, mymalloc=STEADY)
        failed.cells["other"] = Cell(failure="crashed")
        for text in _outputs(_results(whole, failed)):
            self.assertIn("1.00 †", text)
            self.assertRegex(text, r"† .*did not run: other 1")


if __name__ == "__main__":
    unittest.main()
