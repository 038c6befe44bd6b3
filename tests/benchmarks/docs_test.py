"""docs/benchmarks.json is a whole run, and docs/benchmarks.md says what it does."""

import unittest

from benchmarks.harness import allocators, main, markdown, options, paths, results, tree

_AGAIN = "measure anew: bazel run -c opt //benchmarks -- --json=docs/benchmarks.json"


class DocsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.kept = results.load(paths.ROOT / "docs" / "benchmarks.json")

    def test_the_figures_are_those_of_a_whole_run(self) -> None:
        kept = self.kept
        self.assertEqual(kept.caveats(), [], _AGAIN)
        self.assertEqual(kept.options["scale"], 1.0, _AGAIN)
        self.assertGreaterEqual(kept.options["rounds"], options.DEFAULT_ROUNDS, _AGAIN)
        self.assertEqual(list(kept.tree), list(tree.OPERATIONS), _AGAIN)

    def test_every_row_was_measured_or_says_why_not(self) -> None:
        rows = main.all_rows(options.parse([]), int(self.kept.machine["cores"]))
        self.assertEqual([row.name for row in self.kept.rows], [row.name for row in rows], _AGAIN)
        for row in self.kept.rows:
            with self.subTest(row=row.name):
                measured = row.median(allocators.OURS, "seconds")
                self.assertNotEqual(measured is None, row.skipped == "", _AGAIN)

    def test_the_page_is_that_of_the_figures(self) -> None:
        page = (paths.ROOT / "docs" / "benchmarks.md").read_text()
        self.assertTrue(
            page == markdown.render(self.kept),
            "docs/benchmarks.md is stale: bazel run -c opt //benchmarks -- "
            "--load=docs/benchmarks.json --markdown=docs/benchmarks.md",
        )


if __name__ == "__main__":
    unittest.main()
