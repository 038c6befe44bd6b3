"""Statistics, verdicts and bars on figures that are known."""

import dataclasses
import itertools
import math
import unittest
from random import Random

from benchmarks.harness import bars, catalogue, compare, stats
from benchmarks.harness.results import Cell, Results, RowResult
from tests.benchmarks.support import STEADY


def _run(ours: list[float], base: list[float] | None = None) -> Results:
    cells = {
        "glibc": Cell(figures={"seconds": base or STEADY}),
        "mymalloc": Cell(figures={"seconds": ours}),
    }
    row = RowResult("pair", catalogue.WORKLOADS, "", cells)
    return Results({}, {"scale": 1.0}, dict.fromkeys(cells, ""), [row])


def _scaled(factor: float) -> list[float]:
    return [factor * value for value in STEADY]


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

    def test_too_few_rounds_allow_none_and_it_says_so(self) -> None:
        for rounds in (2, 3, 4):
            few = _verdict(STEADY[:rounds], _scaled(2.0)[:rounds])
            self.assertEqual(few, f"too few rounds: {rounds}, a verdict needs 5")
        text = compare.render(_run(STEADY[:3]), _run(_scaled(2.0)[:3]))
        self.assertIn("too few rounds: 3", text)

    def test_noise_has_a_verdict_in_less_than_one_row_in_a_hundred(self) -> None:
        random = Random(1)
        base = [1.0] * 30
        tries = 3000
        for rounds in (1, 2, 3, 4, 5, 6, 7, 8, 10, 15, 30):
            false = 0
            for _ in range(tries):
                old, new = ([random.gauss(10, 3) for _ in range(rounds)] for _ in "on")
                false += compare.changes(_run(old, base), _run(new, base))[0].decided
            self.assertLess(false / tries, 0.0149, rounds)  # So many tries may be that far off.

    def test_the_chance_of_a_verdict_on_noise_is_below_one_in_a_hundred(self) -> None:
        """Exactly, from the number of orders in which the rounds can come."""
        for old, new in ((5, 5), (5, 6), (6, 6), (5, 9), (7, 7), (8, 8), (6, 10)):
            orders = list(itertools.combinations(range(old + new), old))
            decided = 0
            for places in orders:
                first = [1000.0 ** (place + 1) for place in places]
                second = [1000.0 ** (i + 1) for i in range(old + new) if i not in places]
                decided += compare.changes(_run(first, [1.0] * 20), _run(second, [1.0] * 20))[
                    0
                ].decided
            self.assertLess(decided / len(orders), 0.01, (old, new))

    def test_one_round_out_of_many_hides_no_change(self) -> None:
        many = [1.0 + i / 1000 for i in range(50)]
        faster = [0.8 * value for value in many[1:]] + [9.0]
        (change,) = compare.changes(_run(many, [1.0] * 50), _run(faster, [1.0] * 50))
        self.assertEqual(change.verdict, "faster")

    def test_seconds_are_not_compared_with_ratios(self) -> None:
        failed = _run(STEADY)
        failed.rows[0].cells["glibc"] = Cell(failure="crashed")
        self.assertEqual(compare.changes(failed, _run(STEADY, _scaled(2.0))), [])
        self.assertEqual(compare.changes(_run(STEADY, _scaled(2.0)), failed), [])
        self.assertIn("pair: not compared", compare.render(failed, _run(STEADY)))
        (change,) = compare.changes(failed, failed)  # Seconds with seconds.
        self.assertEqual(change.old, 1.0)

    def test_it_says_where_the_runs_differ(self) -> None:
        old, new = _run(STEADY), _run(STEADY)
        old.machine = {"cpu": "one", "date": "then", "kernel": "6"}
        new.machine = {"cpu": "another", "date": "now", "kernel": "6"}
        new.allocators["glibc"] = "2.36"
        text = compare.render(old, new)
        self.assertIn("differ in cpu: one -> another", text)
        self.assertIn("differ in glibc", text)
        self.assertNotIn("kernel", text)
        self.assertNotIn("then", text)

    def test_faults_idle_memory_latency_and_the_tree_are_compared(self) -> None:
        old, new = _run(STEADY), _run(STEADY)
        for run, factor in ((old, 1.0), (new, 3.0)):
            run.rows[0] = dataclasses.replace(run.rows[0], group=catalogue.LATENCY)
            for name, part in (("glibc", 1.0), ("mymalloc", factor)):
                for figure in ("minor_faults", "idle_rss", "malloc p99 ns"):
                    run.rows[0].cells[name].figures[figure] = _scaled(part)
            run.tree = {"Stab hit": {"IntervalTree": [[1e3, 7.0 * factor]]}}
        verdicts = {one.figure: one.verdict for one in compare.changes(old, new)}
        self.assertEqual(verdicts["minor_faults"], "more")
        self.assertEqual(verdicts["idle_rss"], "larger")
        self.assertEqual(verdicts["malloc p99 ns"], "slower")
        text = compare.render(old, new)
        for found in ("malloc p99 ns", "RSS when idle", "page faults"):
            self.assertIn(found, text)
        self.assertRegex(text, r"Stab hit at 1000 +7\.00 +21\.0 +3\.000")

    def test_a_slower_machine_is_not_a_slower_allocator(self) -> None:
        (change,) = compare.changes(_run(_scaled(0.5)), _run(_scaled(1.0), base=_scaled(2.0)))
        self.assertEqual(change.verdict, "")


class VerdictsTest(unittest.TestCase):
    def test_bars_follow_the_figures(self) -> None:
        passed = {bar.name: bar.passed for bar in bars.judge(_run(_scaled(0.5)))}
        missed = {bar.name: bar.passed for bar in bars.judge(_run(_scaled(1.5)))}
        for name in ("mean time ahead of every one of the four", "never slower than glibc"):
            self.assertTrue(passed[name])
            self.assertFalse(missed[name])


def _bar(results: Results, name: str) -> bars.Bar | None:
    return next((bar for bar in bars.judge(results) if bar.name == name), None)


class BarsTest(unittest.TestCase):
    def test_the_tree_must_not_grow_much_and_not_be_slower(self) -> None:
        results = _run(STEADY)
        growth, rival = (
            "tree: stab at 10^6 ranges within 3 times 10^3",
            "tree: no slower than absl::btree_map at every size",
        )
        self.assertIsNone(_bar(results, growth))
        self.assertIsNone(_bar(results, rival))
        other = [[1e3, 10.0], [1e6, 40.0]]
        for largest, grows, slower in (
            (29.0, False, False),
            (39.0, True, False),
            (41.0, True, True),
        ):
            ours = [[1e3, 10.0], [1e6, largest]]
            results.tree = {"Stab hit": {"IntervalTree": ours, "absl::btree": other}}
            bar = _bar(results, growth)
            assert bar is not None
            self.assertEqual(bar.passed, not grows)
            bar = _bar(results, rival)
            assert bar is not None
            self.assertEqual(bar.passed, not slower)
            if slower:
                self.assertIn("Stab hit", bar.figure)
                self.assertIn("1.02", bar.figure)

    def test_an_edit_of_the_tree_may_not_be_slower_either(self) -> None:
        results = _run(STEADY)
        points = {"IntervalTree": [[1e3, 10.0]], "absl::btree": [[1e3, 10.0]]}
        slow = {"IntervalTree": [[1e3, 12.0]], "absl::btree": [[1e3, 10.0]]}
        results.tree = {"Stab hit": points, "Erase": slow}
        bar = _bar(results, "tree: no slower than absl::btree_map at every size")
        assert bar is not None
        self.assertFalse(bar.passed)
        self.assertIn("Erase", bar.figure)

    def test_traces_must_be_near_the_best_too(self) -> None:
        for group in (catalogue.TRACES, catalogue.PROGRAMS, catalogue.SCALING):
            results = _run(STEADY)
            (row,) = _run(_scaled(1.5)).rows
            results.rows.append(dataclasses.replace(row, name="far", group=group))
            bar = _bar(results, "within 1.10 of the best of the four on each")
            assert bar is not None
            self.assertFalse(bar.passed)
            self.assertIn("far 1.50", bar.figure)

    def test_what_passes_within_the_spread_shows_it(self) -> None:
        bar = _bar(_run([0.8, 1.2, 1.6], base=[0.9, 1.0, 1.1]), "never slower than glibc")
        assert bar is not None
        self.assertTrue(bar.passed)
        self.assertIn("pair 1.20 (1.00 to 1.40, glibc 0.95 to 1.05)", bar.figure)

    def test_remote_frees_are_judged_by_all_of_them(self) -> None:
        """The one in order of allocation is ahead, the others are behind."""
        results = _run(STEADY)
        factors = {"remote_free": 0.25, "remote_free_shuffled": 4.0, "remote_cycle": 2.0}
        for name, factor in factors.items():
            (row,) = _run(_scaled(factor)).rows
            results.rows.append(dataclasses.replace(row, name=name))
        bar = _bar(results, "remote frees, 1.5 times")
        assert bar is not None
        self.assertFalse(bar.passed)
        self.assertIn("0.79 times", bar.figure)  # 1 over the third root of 2, as times are inverse.
        for text in ("remote_free 4.00", "remote_free_shuffled 0.25", "remote_cycle 0.50"):
            self.assertIn(text, bar.figure)

    def test_what_misses_shows_its_spread(self) -> None:
        results = _run([1.8, 1.9, 2.0, 2.2, 2.4])
        bar = _bar(results, "within 1.10 of the best of the four on each")
        assert bar is not None
        self.assertIn("pair 2.00 (1.90 to 2.20)", bar.figure)
        bar = _bar(results, "mean time ahead of every one of the four")
        assert bar is not None
        self.assertIn("2.020 (1.881 to 2.189) of", bar.figure)

    def test_idle_memory_is_not_judged_by_a_fraction_of_the_work(self) -> None:
        name = "after freeing all and 2 s idle, 10% of the peak"
        results = _run(STEADY)
        results.rows[0].cells["mymalloc"].figures.update(idle_rss=[1.0], peak_rss=[2.0])
        self.assertIsNotNone(_bar(results, name))
        results.options["scale"] = 0.03
        self.assertIsNone(_bar(results, name))


class StatsTest(unittest.TestCase):
    def test_spread(self) -> None:
        self.assertEqual(stats.spread([3, 1, 2, 5, 4]), stats.Spread(2, 3, 4))

    def test_geometric_mean(self) -> None:
        self.assertAlmostEqual(stats.geometric_mean([0.5, 2.0]), 1.0)
        self.assertTrue(math.isnan(stats.geometric_mean([])))


if __name__ == "__main__":
    unittest.main()
