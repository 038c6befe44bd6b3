"""The sentence and the picture say what the figures do."""

import re
import unittest
from xml.etree import ElementTree

from benchmarks.harness import bars, catalogue, markdown, page, svg, verdict
from benchmarks.harness.results import Cell, Results, RowResult

_SVG = "{http://www.w3.org/2000/svg}"


def _row(name: str, group: str, **figures: tuple[float, float]) -> RowResult:
    """`figures`: per allocator its time and its memory."""
    cells = {
        one: Cell(figures={"seconds": [time] * 5, "peak_rss": [memory] * 5})
        for one, (time, memory) in figures.items()
    }
    return RowResult(name, group, "", cells)


def _results(*rows: RowResult) -> Results:
    names = list(dict.fromkeys(name for row in rows for name in row.cells))
    machine = {"cores": "2"}
    return Results(machine, {"scale": 1.0, "rounds": 5}, dict.fromkeys(names, "1"), list(rows))


def _two_groups() -> Results:
    return _results(
        _row("pair", catalogue.WORKLOADS, glibc=(1, 1), mymalloc=(0.5, 1.2), fast=(0.8, 2), bump=(0.1, 9)),
        _row("perl", catalogue.PROGRAMS, glibc=(1, 1), mymalloc=(0.9, 0.8), fast=(0.6, 0.7), bump=(0.1, 9)),
    )  # fmt: skip


class SentenceTest(unittest.TestCase):
    def test_it_ranks_in_each_group_and_figure(self) -> None:
        text = verdict.sentence(_two_groups())
        self.assertIn("Of 3 allocators", text)  # The limit is none.
        time, memory, losses = text.split("; ")
        self.assertIn(
            "mean time first in workloads (0.50) and second in programs (0.90, 1.50 of fast's)",
            time,
        )
        self.assertIn(
            "memory second in workloads (1.20) and second in programs (0.80, 1.14 of fast's)",
            memory,
        )
        self.assertIn("in 1 of 2 rows, perl (1.50 of fast's)", losses)

    def test_it_is_one_sentence(self) -> None:
        text = verdict.sentence(_two_groups())
        self.assertEqual(re.findall(r"\.(?!\d)", text), ["."])
        self.assertTrue(text.endswith("."))

    def test_where_it_loses_nothing_it_says_so(self) -> None:
        best = _results(_row("pair", catalogue.WORKLOADS, glibc=(1, 1), mymalloc=(0.5, 0.5)))
        self.assertIn("in no row does it take more", verdict.sentence(best))

    def test_only_the_worst_are_named(self) -> None:
        rows = [
            _row(f"row{i}", catalogue.SCALING, glibc=(1, 1), mymalloc=(1.0 + i, 1))
            for i in range(6)
        ]
        text = verdict.sentence(_results(*rows))
        self.assertIn("in 5 of 6 rows, the most in row5 (6.00 of glibc's), row4", text)
        self.assertNotIn("row2", text)

    def test_a_failure_is_told(self) -> None:
        results = _two_groups()
        results.rows[1].cells["mymalloc"] = Cell(failure="crashed")
        self.assertIn("it fails in perl", verdict.sentence(results))

    def test_who_skips_rows_is_ahead_only_in_those_it_ran(self) -> None:
        """Over all its rows the other's mean is the better, as it has none of the slow one."""
        slow = _row("slow", catalogue.WORKLOADS, glibc=(1, 1), mymalloc=(0.9, 1))
        quick = _row("quick", catalogue.WORKLOADS, glibc=(1, 1), mymalloc=(0.2, 1), other=(0.3, 1))
        self.assertIn("mean time first in workloads", verdict.sentence(_results(slow, quick)))

    def test_there_is_none_without_mymalloc_or_without_others(self) -> None:
        other = _results(_row("pair", catalogue.WORKLOADS, glibc=(1, 1), fast=(0.5, 1)))
        alone = _results(_row("pair", catalogue.WORKLOADS, mymalloc=(1, 1)))
        for results in (other, alone):
            self.assertEqual(verdict.sentence(results), "")

    def test_a_fraction_of_the_work_gives_no_verdict(self) -> None:
        results = _two_groups()
        results.options["scale"] = 0.03
        self.assertIn("an impression, no verdict", verdict.sentence(results))


class PictureTest(unittest.TestCase):
    def _points(self, results: Results) -> dict[str, tuple[float, float]]:
        root = ElementTree.fromstring(verdict.drawing(results))
        found = {}
        for circle in root.iter(f"{_SVG}circle"):
            name = str(circle.findtext(f"{_SVG}title")).split()[0]
            found[name] = (float(circle.attrib["cx"].rstrip("%")), float(circle.attrib["cy"]))
        return found

    def test_each_is_where_its_means_are(self) -> None:
        points = self._points(_two_groups())
        self.assertEqual(set(points), {"glibc", "mymalloc", "fast"})
        across = sorted(points, key=lambda name: points[name][0])
        down = sorted(points, key=lambda name: points[name][1])
        # Times .67 and .69 of glibc's, memory .98 and 1.18.
        self.assertEqual(across, ["mymalloc", "fast", "glibc"])
        self.assertEqual(down, ["fast", "glibc", "mymalloc"])

    def test_each_has_its_name_in_it(self) -> None:
        root = ElementTree.fromstring(verdict.drawing(_two_groups()))
        texts = [text.text for text in root.iter(f"{_SVG}text")]
        for name in ("glibc", "mymalloc", "fast"):
            self.assertIn(name, texts)

    def test_who_did_not_run_all_is_marked(self) -> None:
        results = _two_groups()
        results.rows[1].cells["fast"] = Cell(failure="crashed")
        self.assertIn(">fast †<", verdict.drawing(results))
        self.assertIn("†", verdict.explanation(results))

    def test_points_at_one_place_are_drawn(self) -> None:
        points = [svg.Point(name, 1.0, 1.0, "") for name in ("glibc", "mymalloc")]
        text = svg.scatter(points, svg.colours(["glibc", "mymalloc"]), "", svg.Axes("", ""))
        self.assertEqual(text.count("<circle"), 2)

    def test_ticks_begin_where_the_axis_does(self) -> None:
        ticks = svg.Scale(0.9, 1.4, 0, 1, False).ticks()
        self.assertEqual(
            [svg.number(tick) for tick in ticks], ["0.9", "1", "1.1", "1.2", "1.3", "1.4"]
        )


class PlaceTest(unittest.TestCase):
    def test_the_page_opens_with_both(self) -> None:
        text = page.render(_two_groups())
        opening = text[: text.index("<nav>")]
        self.assertIn("Of 3 allocators", opening)
        self.assertEqual(opening.count("<circle"), 3)

    def test_the_markdown_opens_with_both(self) -> None:
        text = markdown.render(_two_groups(), "picture.svg")
        opening = text[: text.index("Generated")]
        self.assertIn(verdict.sentence(_two_groups()), opening)
        self.assertIn("](picture.svg)", opening)
        self.assertNotIn("![", markdown.render(_two_groups()))

    def test_a_run_without_a_verdict_has_a_page(self) -> None:
        empty = Results({}, {"scale": 1.0, "rounds": 5}, {"glibc": "1"})
        self.assertIn("<h1>", page.render(empty))
        self.assertEqual(verdict.drawing(empty), "")


class LargeBlocksTest(unittest.TestCase):
    """The time of two threads is that of an operation and thread: each does what one does."""

    def _bar(self, two: float) -> bars.Bar:
        rows = []
        for kind in catalogue.SCALE_LARGE:
            for threads, seconds in ((1, 1.0), (2, two)):
                row = _row(
                    f"{kind}/{threads}", catalogue.SCALING, glibc=(1, 1), mymalloc=(seconds, 1)
                )
                row.cells["mymalloc"].figures["operations"] = [1e6 * threads] * 5
                rows.append(row)
        (found,) = (bar for bar in bars.judge(_results(*rows)) if "large blocks" in bar.name)
        return found

    def test_two_threads_may_take_a_fifth_more(self) -> None:
        self.assertTrue(self._bar(1.15).passed)
        self.assertFalse(self._bar(1.25).passed)
        self.assertIn("1.15 (1000 and 1150 ns)", self._bar(1.15).figure)


if __name__ == "__main__":
    unittest.main()
