"""What the workloads report of themselves: mappings, samples of the memory, the clock, the build."""

import os
import tempfile
import unittest
from pathlib import Path

from benchmarks.harness import allocators, catalogue
from benchmarks.harness.allocators import Allocator
from benchmarks.harness.catalogue import Measured
from tests.benchmarks import support


def _measure(name: str, scale: float, allocator: Allocator | None = None) -> Measured:
    argv = [catalogue.workload_binary(), name, f"--scale={scale}"]
    return catalogue.measure_workload(argv, allocator or allocators.discover()[0])


class WorkloadsTest(unittest.TestCase):
    def test_mappings_are_counted_while_much_is_live(self) -> None:
        library = support.shim("mapping")
        mapping = _measure("large_turns", 0.1, Allocator("mapping", str(library), ""))
        self.assertEqual(mapping.failure, "", mapping.detail)
        # Of eight blocks, and the program's.
        self.assertGreater(mapping.figures["mappings"], 2 * 8)
        glibc = _measure("large_turns", 0.1)
        self.assertGreater(mapping.figures["mappings"], glibc.figures["mappings"] + 8)

    def test_a_heap_of_random_replacement_is_sampled(self) -> None:
        samples = _measure("random_large_heap", 0.01).samples
        self.assertGreater(len(samples), 20)
        *during, (_, after, _) = samples
        self.assertEqual(after, 0)
        for _, live, resident in during:
            self.assertLess(live, 2 * resident)  # Not all of a large block is written to.
            self.assertGreater(live, resident / 2)

    def test_large_blocks_are_written_in_the_middle_too(self) -> None:
        trampling = Allocator("trampling", str(support.shim("trampling")), "")
        for name in (*catalogue.SCALE_LARGE, "prodcons_large"):
            with self.subTest(name):
                self.assertEqual(_measure(name, 0.01).failure, "")
                done = _measure(name, 0.01, trampling)
                self.assertEqual(done.failure, "failed")
                self.assertIn("middle byte", done.detail)

    def test_each_thread_does_as_much_as_one(self) -> None:
        for row in catalogue.workload_rows(catalogue.workload_binary(), 0.01, quick=True, cores=2):
            kind, _, threads = row.name.partition("/")
            if kind in catalogue.SCALE_LARGE:
                figures = row.measure(allocators.discover()[0]).figures
                each = {"scale_33k_300k": 3000, "scale_300k_2m": 600}[kind]
                self.assertEqual(figures["operations"], each * int(threads))

    def test_the_clock_is_measured_alone(self) -> None:
        figures = _measure("server_latency", 0.05).figures
        for point in catalogue.PERCENTILES:
            self.assertGreater(figures[f"clock {point} ns"], 0)
        self.assertLessEqual(figures["clock p50 ns"], figures["malloc p50 ns"])

    def test_figures_of_an_unoptimised_build_are_refused(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            slow = Path(folder) / "workload"
            slow.write_text("""#!/bin/sh\necho '{"optimized": false, "malloc_from": "/libc"}'\n""")
            os.chmod(slow, 0o755)
            with self.assertRaises(SystemExit):
                catalogue.measure_workload([str(slow)], allocators.discover()[0])


if __name__ == "__main__":
    unittest.main()
