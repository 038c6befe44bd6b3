"""Statistics, verdicts and bars on figures that are known."""

import math
import unittest

from benchmarks.harness import bars, catalogue, compare, stats, table
from benchmarks.harness.results import Cell, Results, RowResult

_STEADY = [1.00, 1.01, 0.99, 1.005, 0.995]


def _run(ours: list[float], base: list[float] | None = None) -> Results:
    cells = {
        "glibc": Cell(figures={"seconds": base or _STEADY}),
        "mymalloc": Cell(figures={"seconds": ours}),
    }
    row = RowResult("pair", catalogue.WORKLOADS, "", cells)
    return Results({}, {"scale": 1.0}, dict.fromkeys(cells, ""), [row])


def _scaled(factor: float) -> list[float]:
    return [factor * value for value in _STEADY]


def _verdict(old: list[float], new: list[float]) -> str:
    (change,) = compare.changes(_run(old), _run(new))
    return change.verdict


class CompareTest(unittest.TestCase):
    def test_clear_changes_have_a_verdict(self) -> None:
        self.assertEqual(_verdict(_scaled(1.0), _scaled(0.8)), "faster")
        self.assertEqual(_verdict(_scaled(1.0), _scaled(1.2)), "slower")

    def test_no_change_has_none(self) -> None:
        self.assertEqual(_verdict(_scaled(1.0), _scaled(1.0)), "")

    def test_a_wide_spread_allows_none(self) -> None:
        noisy = [0.5, 1.6, 0.7, 1.2, 0.6]
        self.assertEqual(_verdict(_scaled(1.0), noisy), "within the spread")

    def test_two_rounds_allow_none(self) -> None:
        self.assertEqual(_verdict([1.0, 1.0], [2.0, 2.0]), "too few rounds")

    def test_a_slower_machine_is_not_a_slower_allocator(self) -> None:
        (change,) = compare.changes(_run(_scaled(0.5)), _run(_scaled(1.0), base=_scaled(2.0)))
        self.assertEqual(change.verdict, "")


class TableTest(unittest.TestCase):
    def test_marks(self) -> None:
        (slower,) = _run(_scaled(1.5)).rows
        names = ["glibc", "mymalloc"]
        self.assertEqual(table.mark(slower, "mymalloc", "seconds", names), "!")
        self.assertEqual(table.mark(slower, "glibc", "seconds", names), "*")
        (faster,) = _run(_scaled(0.5)).rows
        self.assertEqual(table.mark(faster, "mymalloc", "seconds", names), "*")

    def test_bars_follow_the_figures(self) -> None:
        passed = {bar.name: bar.passed for bar in bars.judge(_run(_scaled(0.5)))}
        missed = {bar.name: bar.passed for bar in bars.judge(_run(_scaled(1.5)))}
        for name in ("mean time ahead of every one of the four", "never slower than glibc"):
            self.assertTrue(passed[name])
            self.assertFalse(missed[name])


class StatsTest(unittest.TestCase):
    def test_spread(self) -> None:
        self.assertEqual(stats.spread([3, 1, 2, 5, 4]), stats.Spread(2, 3, 4))

    def test_geometric_mean(self) -> None:
        self.assertAlmostEqual(stats.geometric_mean([0.5, 2.0]), 1.0)
        self.assertTrue(math.isnan(stats.geometric_mean([])))


if __name__ == "__main__":
    unittest.main()
