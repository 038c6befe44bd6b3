"""docs/benchmarks.json is a whole run, and docs/benchmarks.md says what it does."""

import unittest

from benchmarks.harness import allocators, main, markdown, options, paths, results, tree

_AGAIN = "measure anew: bazel run -c opt //benchmarks -- --json=docs/benchmarks.json"


class DocsTest(unittest.TestCase):
    def test_the_figures_are_those_of_a_whole_run(self) -> None:
        kept = results.load(paths.ROOT / "docs" / "benchmarks.json")
        self.assertEqual(kept.caveats(), [], _AGAIN)
        self.assertEqual(kept.options["scale"], 1.0, _AGAIN)
        self.assertGreaterEqual(kept.options["rounds"], options.DEFAULT_ROUNDS, _AGAIN)
        rows = main.all_rows(options.parse([]), int(kept.machine["cores"]))
        self.assertEqual([row.name for row in rows], [row.name for row in kept.rows], _AGAIN)
        self.assertEqual(list(kept.tree), list(tree.OPERATIONS), _AGAIN)
        for row in kept.rows:  # Each was measured, or says why not.
            measured = row.median(allocators.OURS, "seconds")
            self.assertNotEqual(measured is None, row.skipped == "", f"{row.name}: {_AGAIN}")

    def test_the_page_is_that_of_the_figures(self) -> None:
        kept = results.load(paths.ROOT / "docs" / "benchmarks.json")
        page = (paths.ROOT / "docs" / "benchmarks.md").read_text()
        self.assertTrue(
            page == markdown.render(kept),
            "docs/benchmarks.md is stale: bazel run -c opt //benchmarks -- "
            "--load=docs/benchmarks.json --markdown=docs/benchmarks.md",
        )


if __name__ == "__main__":
    unittest.main()
