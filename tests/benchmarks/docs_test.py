"""docs/benchmarks.md says what docs/benchmarks.json does."""

import unittest

from benchmarks.harness import markdown, paths, results


class DocsTest(unittest.TestCase):
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
