"""The page in a real browser, wide and narrow: nothing is cut off, and all text can be read."""

import collections
import functools
import unittest

from benchmarks.harness import catalogue, memory, page, paths, results, svg
from benchmarks.harness.results import Cell, Results, RowResult
from tests.benchmarks import browser

_NAMES = ("glibc", "mymalloc", "jemalloc", "a-name-that-is-long")
_OUR_COLOUR = (0xD5, 0x5E, 0x00)
_WIDTHS = {"telephone": 360, "narrow": 400, "wide": 1100}


def _cell(factor: float) -> Cell:
    values = [factor, 1.1 * factor, 1.2 * factor]
    figures = {name: values for name in ("seconds", "peak_rss", "operations")}
    for call in ("malloc", "free"):
        for point in ("p50", "p90", "p99", "p99.9", "p99.99", "max"):
            figures[f"{call} {point} ns"] = [100 * factor]
    samples = [[i / 10, 1000000.0 * i, 1500000.0 * i * factor] for i in range(20)]
    return Cell(figures=figures, samples=samples)


def _results() -> Results:
    """One row of every kind, with a failure and a row that was skipped among them."""
    kinds = {
        "false_sharing_passive": catalogue.WORKLOADS,
        "pair": catalogue.WORKLOADS,
        "python_extension": catalogue.PROGRAMS,
        "scale_threads/1": catalogue.SCALING,
        "scale_threads/4": catalogue.SCALING,
        "scale_live/1000": catalogue.SCALING,
        "scale_live/10000000": catalogue.SCALING,
        "server_latency": catalogue.LATENCY,
    }
    rows = [
        RowResult(name, group, "", {one: _cell(1 + i) for i, one in enumerate(_NAMES)})
        for name, group in kinds.items()
    ]
    rows[0].cells["jemalloc"] = Cell(failure="crashed", detail="SIGSEGV <&>")
    rows.append(RowResult("z3", catalogue.PROGRAMS, "", skipped="z3 is not installed"))
    return Results(
        machine={"cpu": "a processor <with> a name & more"},
        options={"rounds": 3, "scale": 1.0},
        allocators=dict.fromkeys(_NAMES, "1.0"),
        rows=rows,
        tree={
            operation: {
                "IntervalTree": [[10, 5], [1000000, 60]],
                "absl::btree": [[10, 4], [1000000, 90]],
            }
            for operation in ("Stab hit", "Insert")
        },
    )


@functools.cache
def _kept() -> str:
    """The page of the run that the project keeps."""
    return page.render(results.load(paths.ROOT / "docs" / "benchmarks.json"))


def _dark(text: str) -> str:
    return text.replace("(prefers-color-scheme: dark)", "all")


class PageTest(unittest.TestCase):
    def test_nothing_comes_from_the_network_and_nothing_is_run(self) -> None:
        text = page.render(_results())
        self.assertNotRegex(text, r"<script|https?://|@import|<link|<img")
        self.assertIn("&lt;with&gt;", text)

    def test_there_are_contents_and_each_leads_somewhere(self) -> None:
        text = page.render(_results())
        for place in ("s1", "s2", "s3"):
            self.assertIn(f'<a href="#{place}">', text)
            self.assertIn(f'<section id="{place}">', text)

    def test_means_latency_and_the_tree_are_there_as_numbers(self) -> None:
        text = page.render(_results())
        for found in ("Geometric means", "malloc p99.99", "<td>1000000</td>"):
            self.assertIn(found, text)

    def test_what_is_possible_is_among_the_curves(self) -> None:
        given = _results()
        given.allocators["bump"] = "never frees"
        for row in given.rows:
            if row.cells:
                row.cells["bump"] = _cell(0.5)
        text = page.render(given)
        self.assertEqual(
            text.count("<title>bump</title></polyline>"), 4
        )  # 2 of scaling, 2 of latency.
        self.assertIn('stroke-dasharray="2 3"', text)

    def test_no_two_have_the_same_colour_and_each_keeps_its_own(self) -> None:
        names = ["glibc", "mymalloc", "hardened", "jemalloc", "mimalloc", "tcmalloc", "tbbmalloc"]
        names += ["scudo", "bump"]
        palette = svg.colours(names)
        self.assertEqual(len({palette[name] for name in names}), len(names))
        structures = ["absl::btree", "IntervalTree", "std"]
        palette = svg.colours(structures)
        self.assertEqual(palette, svg.colours(["IntervalTree", "absl::btree", "std"]))
        self.assertEqual(len({palette[name] for name in structures}), len(structures))

    def test_memory_is_compared_at_the_same_place_of_the_work(self) -> None:
        """The other allocator takes ten times as long, and at no time has less than what is live."""
        live = [10.0, 50.0, 100.0, 50.0, 0.0, 0.0]
        quick = [[0.1 * i, size, size + 5] for i, size in enumerate(live)]
        slow = [[1.0 * i, size, size + 5] for i, size in enumerate(live)]
        cells = {"glibc": Cell(samples=slow), "mymalloc": Cell(samples=quick)}
        row = RowResult("phases", catalogue.WORKLOADS, "", cells)
        at = dict(memory.live(row))
        for points in memory.resident(row).values():
            work = [(place, size) for place, size in points if place < 1]
            self.assertEqual([place for place, _ in work], [0.0, 0.25, 0.5, 0.75])
            for place, size in work:
                self.assertGreaterEqual(size, at[place])


@unittest.skipUnless(browser.BROWSER, "there is no chromium here")
class BrowserTest(unittest.TestCase):
    def test_layout(self) -> None:
        for data, text in (("made up", page.render(_results())), ("kept", _kept())):
            for name, width in _WIDTHS.items():
                with self.subTest(data=data, width=name):
                    self._look(text, width)

    def test_layout_in_the_dark(self) -> None:
        self._look(_dark(_kept()), _WIDTHS["narrow"])

    def test_it_is_not_blank_and_ours_is_to_be_seen(self) -> None:
        for name in ("narrow", "wide"):
            with self.subTest(width=name):
                counts = collections.Counter(browser.screenshot(_kept(), _WIDTHS[name]))
                self.assertGreater(len(counts), 50)
                self.assertLess(max(counts.values()), 0.97 * sum(counts.values()))
                self.assertGreater(counts[_OUR_COLOUR], 150)  # A point.

    def test_what_is_wrong_is_noticed(self) -> None:
        """The looking itself: it must see each of these."""
        style = "<style>svg .number { font-size: 6px; } .legend { color: #999; } "
        style += ".wide { width: 3000px; } svg .name { transform: translate(900px); }</style>"
        flawed = page.render(_results()).replace("</head>", f"{style}</head>")
        found = browser.probe(flawed, 400)
        for flaw in ("small", "faint", "outside"):
            self.assertNotEqual(found[flaw], [], flaw)
        self.assertGreater(found["overflow"], 0)

    def _look(self, text: str, width: int) -> None:
        found = browser.probe(text, width)
        for flaw in ("errors", "small", "faint", "outside", "crossing"):
            self.assertEqual(found[flaw][:5], [], flaw)
        self.assertLessEqual(found["overflow"], 0)
        self.assertEqual(found["lostNames"], 0)
        self.assertGreater(found["charts"], 6)
        self.assertGreater(found["texts"], 100)
        if text == _kept() and width <= 400:  # Else the names had no occasion to be lost.
            self.assertGreater(found["scrolled"], 0)


if __name__ == "__main__":
    unittest.main()
