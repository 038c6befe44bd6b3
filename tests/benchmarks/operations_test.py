"""The single calls: each figure is of one item, and a flawed allocator gets none."""

import unittest

from benchmarks.harness import allocators, main, operations, options
from benchmarks.harness.results import Results
from tests.benchmarks import support


def _measure(row: str, *flags: str) -> Results:
    return main.measure(options.parse(["--rounds=1", f"--filter=^{row}$", *flags]))


class OperationsTest(unittest.TestCase):
    def test_overlapping_blocks_get_no_figure(self) -> None:
        library = support.shim("overlapping")
        for name in ("Malloc/64", "FreeShuffled/8192"):
            found = _measure(name, f"--allocator=overlapping={library}", "--only=overlapping")
            (row,) = found.rows
            self.assertEqual(row.cells[allocators.BASELINE].failure, "")
            self.assertIn("operations: a block lost", row.cells["overlapping"].detail)

    def test_an_allocator_that_runs_out_has_no_memory(self) -> None:
        library = support.shim("exhausted")
        flags = f"--allocator=exhausted={library}", "--only=exhausted"
        (row,) = _measure("MallocFreePair/1048576", *flags).rows
        self.assertEqual(row.cells["exhausted"].failure, "out of memory")

    def test_what_handles_several_at_once_is_timed_by_the_call(self) -> None:
        found = _measure("bitmap/(TakeLowest/64|WalkRuns)", "--only=mymalloc")
        for row, least, most in zip(found.rows, (0.2e-9, 0.2e-9), (1e-6, 1e-7), strict=True):
            seconds = row.median(allocators.OURS, "seconds")
            assert seconds is not None
            self.assertGreater(seconds, least, row.name)  # A call takes cycles.
            self.assertLess(seconds, most, row.name)

    def test_names(self) -> None:
        names = [row.name for row in operations.rows(quick=True)]
        self.assertIn("bitmap/RemoteRelease/8/threads:2", names)
        sizes = (16, 64, 1024, 8192)
        for order in ("InOrder", "Reversed", "Shuffled"):
            self.assertLessEqual({f"Free{order}/{size}" for size in sizes}, set(names))


if __name__ == "__main__":
    unittest.main()
