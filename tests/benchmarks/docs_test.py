"""docs/benchmarks.json is a whole run, and docs/benchmarks.md says what it does."""

import copy
import unittest
from collections.abc import Callable

from benchmarks.harness import allocators, catalogue, main, markdown
from benchmarks.harness import options, paths, readme, results, table, tree, verdict
from benchmarks.harness.results import Results, RowResult

_AGAIN = "measure anew: bazel run -c opt //benchmarks -- --json=docs/benchmarks.json"
_SHOW = (
    "bazel run -c opt //benchmarks -- --load=docs/benchmarks.json --markdown=docs/benchmarks.md "
    "--picture=docs/benchmarks.svg --readme=README.md"
)
_ROUNDS = 5
_COLUMNS = ("glibc", "mymalloc", "hardened", "jemalloc", "mimalloc", "tcmalloc", "tbbmalloc")
_IDLE = ("random_large_heap", "fragmentation", "phases", "idle_memory")

# What an allocator is known not to do, whatever the run (benchmarks/README.md).
_KNOWN_FAILURES = {("AlignedAlloc/256/256", "mimalloc")}

# Of live bytes that may not be resident: of some blocks not every page is written to.
_UNTOUCHED = 0.1


def _of_the_run(kept: Results) -> list[str]:
    found = list(kept.partial())
    if kept.options["scale"] != 1.0 or kept.options["rounds"] < _ROUNDS:
        found.append(f"all of the work, and {_ROUNDS} rounds of it")
    if "dirty" in kept.machine["commit"] or kept.machine["commit"] == "unknown":
        found.append(f"a clean commit, not {kept.machine['commit']}")
    if kept.machine["commit"] not in kept.allocators[allocators.OURS]:
        found.append("mymalloc of that commit")
    found += [f"the column {name}" for name in _COLUMNS if name not in kept.allocators]
    structures = {tree.OURS, tree.RIVAL}
    if list(kept.tree) != list(tree.OPERATIONS) or not all(
        structures <= set(found_of) and all(found_of.values()) for found_of in kept.tree.values()
    ):
        found.append("the tree")
    return found


def _figures(row: RowResult) -> list[str]:
    """What is measured of a row under every allocator."""
    found = ["seconds"]
    if row.group in table.SIZED:
        found += ["peak_rss", "minor_faults"]
    if row.name in _IDLE:
        found.append("idle_rss")
    if row.group == catalogue.LATENCY:
        calls = ("malloc", "free")
        found += [f"{call} {point} ns" for call in calls for point in catalogue.PERCENTILES]
    return found


def _of_a_row(row: RowResult) -> list[str]:
    if row.skipped:
        return []
    alone = row.name.startswith(("tag/", "bitmap/"))
    found = []
    for name in (allocators.OURS,) if alone else _COLUMNS:
        cell = row.cells.get(name, results.Cell(failure="absent"))
        if (row.name, name) in _KNOWN_FAILURES:
            continue
        if cell.failure:
            found.append(f"{row.name} under {name}: {cell.failure}")
            continue
        for figure in _figures(row):
            if len(cell.figures.get(figure, [])) < _ROUNDS:
                found.append(f"{row.name} under {name}: {_ROUNDS} rounds of {figure}")
        if row.name in _IDLE and not cell.samples:
            found.append(f"{row.name} under {name}: samples of its memory")
    return found


def _lacks(kept: Results) -> list[str]:
    return _of_the_run(kept) + [what for row in kept.rows for what in _of_a_row(row)]


def _without_column(name: str) -> Callable[[Results], None]:
    def strip(kept: Results) -> None:
        del kept.allocators[name]
        for row in kept.rows:
            row.cells.pop(name, None)

    return strip


def _without_figures(part: str) -> Callable[[Results], None]:
    def strip(kept: Results) -> None:
        for row in kept.rows:
            for cell in row.cells.values():
                cell.figures = {
                    name: ours for name, ours in cell.figures.items() if part not in name
                }

    return strip


def _without_samples(kept: Results) -> None:
    for row in kept.rows:
        for cell in row.cells.values():
            cell.samples = []


def _dirty(kept: Results) -> None:
    kept.machine["commit"] = "deadbeef-dirty"
    kept.allocators[allocators.OURS] = "commit deadbeef-dirty"


def _fewer_rounds(kept: Results) -> None:
    kept.options["rounds"] = _ROUNDS - 1


def _without_tree(kept: Results) -> None:
    kept.tree[tree.LOOKUP] = {}


def _failed(kept: Results) -> None:
    kept.rows[0].cells[allocators.OURS] = results.Cell(failure="crashed")


_FLAWS = (
    *(_without_column(name) for name in _COLUMNS if name != allocators.OURS),
    *(_without_figures(part) for part in ("seconds", "_rss", "idle", "faults", "free p99.9")),
    _without_samples,
    _dirty,
    _fewer_rounds,
    _without_tree,
    _failed,
)


class DocsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.kept = results.load(paths.ROOT / "docs" / "benchmarks.json")

    def test_it_is_a_whole_run(self) -> None:
        self.assertEqual(_lacks(self.kept), [], _AGAIN)

    def test_a_run_that_lacks_something_is_noticed(self) -> None:
        for place, flaw in enumerate(_FLAWS):
            with self.subTest(flaw=flaw.__qualname__, place=place):
                stripped = copy.deepcopy(self.kept)
                flaw(stripped)
                self.assertNotEqual(_lacks(stripped), _lacks(self.kept))

    def test_every_row_was_measured_or_says_why_not(self) -> None:
        rows = main.all_rows(options.parse([]), int(self.kept.machine["cores"]))
        self.assertEqual([row.name for row in self.kept.rows], [row.name for row in rows], _AGAIN)
        for row in self.kept.rows:
            with self.subTest(row=row.name):
                measured = row.median(allocators.OURS, "seconds")
                self.assertNotEqual(measured is None, row.skipped == "", _AGAIN)

    def test_no_more_is_live_than_is_resident(self) -> None:
        for row in self.kept.rows:
            for name, cell in row.cells.items():
                with self.subTest(row=row.name, allocator=name):
                    less = [one for one in cell.samples if one[2] < one[1] * (1 - _UNTOUCHED)]
                    self.assertEqual(less, [], _AGAIN)

    def test_the_page_is_that_of_the_figures(self) -> None:
        page = (paths.ROOT / "docs" / "benchmarks.md").read_text()
        self.assertTrue(
            page == markdown.render(self.kept, "benchmarks.svg"),
            f"docs/benchmarks.md is stale: {_SHOW}",
        )

    def test_the_picture_is_that_of_the_figures(self) -> None:
        picture = (paths.ROOT / "docs" / "benchmarks.svg").read_text()
        self.assertTrue(
            picture == verdict.drawing(self.kept), f"docs/benchmarks.svg is stale: {_SHOW}"
        )

    def test_the_readme_has_those_figures(self) -> None:
        text = (paths.ROOT / "README.md").read_text()
        self.assertTrue(text == readme.updated(text, self.kept), f"README.md is stale: {_SHOW}")

    def test_other_figures_would_be_other_text(self) -> None:
        text = readme.figures(self.kept)
        for row in self.kept.rows:
            row.cells[allocators.OURS].figures.pop("seconds", None)
        self.assertNotEqual(readme.figures(self.kept), text)


if __name__ == "__main__":
    unittest.main()
