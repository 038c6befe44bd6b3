"""The harness must not be fooled: allocators with a known flaw have to show it."""

import unittest
from pathlib import Path

from benchmarks.harness import (
    allocators,
    catalogue,
    main,
    options,
    paths,
    process,
    programs,
    runner,
)
from benchmarks.harness.progress import Progress
from benchmarks.harness.results import Results, RowResult
from tests.benchmarks import support


def _measure(flaw: str, row: str, *flags: str) -> Results:
    """Runs one row under glibc and under glibc with a flaw."""
    given = f"--allocator={flaw}={support.shim(flaw)}"
    return main.measure(options.parse([given, f"--only={flaw}", f"--filter=^{row}$", *flags]))


def _only_row(results: Results) -> RowResult:
    (row,) = results.rows
    return row


class FlawsTest(unittest.TestCase):
    def test_slow_allocator_shows_as_slow(self) -> None:
        row = _only_row(_measure("slow", "pair", "--quick", "--rounds=3"))
        ratio = row.ratio("slow", "seconds", allocators.BASELINE)
        assert ratio is not None
        self.assertGreater(ratio, 3)

    def test_leaky_allocator_shows_as_large(self) -> None:
        row = _only_row(_measure("leaky", "batch_fifo", "--quick"))
        ratio = row.ratio("leaky", "peak_rss", allocators.BASELINE)
        assert ratio is not None
        self.assertGreater(ratio, 2)

    def test_crash_is_shown_as_a_crash(self) -> None:
        results = _measure("crashing", "batch_fifo", "--quick")
        cell = _only_row(results).cells["crashing"]
        self.assertEqual(cell.failure, "crashed")
        self.assertIn("SIGILL", cell.detail)
        self.assertEqual(len(runner.failures(results)), 1)

    def test_overlapping_blocks_do_not_pass(self) -> None:
        cell = _only_row(_measure("overlapping", "batch_fifo", "--quick")).cells["overlapping"]
        self.assertNotEqual(cell.failure, "")

    def test_hanging_allocator_times_out(self) -> None:
        timeout, catalogue.TIMEOUT = catalogue.TIMEOUT, 2.0
        try:
            cell = _only_row(_measure("hanging", "batch_fifo", "--quick")).cells["hanging"]
        finally:
            catalogue.TIMEOUT = timeout
        self.assertEqual(cell.failure, "timed out")

    def test_glibc_itself_is_well(self) -> None:
        row = _only_row(_measure("slow", "batch_random", "--quick"))
        self.assertEqual(row.cells[allocators.BASELINE].failure, "")


class HonestyTest(unittest.TestCase):
    def test_another_malloc_than_the_preloads_is_noticed(self) -> None:
        row = next(
            row
            for row in catalogue.workload_rows(catalogue.workload_binary(), 0.001, quick=True)
            if row.name == "pair"
        )
        absent = allocators.Allocator("absent", str(support.shim("absent")), "")
        self.assertEqual(row.measure(absent).failure, "not preloaded")

    def test_glibcs_malloc_is_used_where_the_program_brings_another(self) -> None:
        program = paths.artifact("tests/benchmarks/other_malloc")
        assert program is not None
        self.assertIn(b"libslow", process.run([str(program)], "", 20).stdout)
        glibc = allocators.discover()[0]
        self.assertEqual(glibc.name, allocators.BASELINE)
        self.assertIn(b"/libc.so", process.run([str(program)], glibc.library, 20).stdout)

    def test_a_library_that_cannot_be_preloaded_is_noticed(self) -> None:
        not_a_library = allocators.Allocator("text", str(Path(__file__).resolve()), "")
        tried = catalogue.try_out(catalogue.workload_binary(), not_a_library)
        self.assertEqual(tried.failure, "not preloaded")

    def test_mymallocs_own_parts_are_measured_once(self) -> None:
        given = [
            "--quick",
            "--only=mymalloc,slow",
            f"--allocator=slow={support.shim('slow')}",
            "--filter=^(tag/Make|bitmap/Count)",
        ]
        rows = main.measure(options.parse(given)).rows
        self.assertEqual([row.name for row in rows], ["tag/Make/256", "bitmap/Count"])
        for row in rows:
            self.assertEqual(list(row.cells), [allocators.OURS])
            seconds = row.median(allocators.OURS, "seconds")
            assert seconds is not None
            self.assertLess(seconds, 1e-5)

    def test_redis_is_timed_by_what_the_server_took(self) -> None:
        row = next(row for row in programs.rows(0.03) if row.name == "redis")
        if row.skipped:
            self.skipTest(row.skipped)
        figures = row.measure(allocators.discover()[0]).figures
        self.assertEqual(figures["seconds"], figures["cpu_seconds"])
        self.assertGreater(figures["elapsed"], 0)

    def test_different_checksums_are_wrong_results(self) -> None:
        sums = {"one": "1", "two": "2"}
        row = catalogue.Row(
            "row",
            catalogue.WORKLOADS,
            "",
            lambda allocator: catalogue.Measured(
                checksum=sums[allocator.name], figures={"seconds": 1.0}
            ),
        )
        subjects = [allocators.Allocator(name, "", "") for name in sums]
        (result,) = runner.run([row], subjects, 2, Progress(1))
        self.assertEqual(result.cells["one"].failure, "")
        self.assertEqual(result.cells["two"].failure, "wrong result")


if __name__ == "__main__":
    unittest.main()
