"""Everything runs, once and tiny, under glibc, mymalloc, its hardened mode and the limit; and no workload is forgotten."""

import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from benchmarks.harness import allocators, catalogue, main, tree
from benchmarks.harness.progress import Progress

_OURS = "--only=mymalloc,hardened,bump"  # The peers are not ours to test.


class SmokeTest(unittest.TestCase):
    def test_every_row_runs(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.html"
            kept = Path(folder) / "kept.json"
            outcome = main.main(["--smoke", _OURS, f"--html={page}", f"--json={kept}"])
            self.assertEqual(outcome, 0)
            self.assertIn("</html>", page.read_text())
            self.assertEqual(main.main([f"--load={kept}", f"--compare={kept}"]), 0)

    def test_a_row_that_idles_says_what_is_left(self) -> None:
        rows = catalogue.workload_rows(catalogue.workload_binary(), 0.002, quick=False)
        (row,) = (row for row in rows if row.name == "idle_memory")
        figures = row.measure(allocators.discover()[0]).figures
        self.assertGreater(figures["idle_rss"], 0)
        self.assertLessEqual(figures["idle_rss"], figures["peak_rss"])

    def test_what_a_thread_has_freed_is_not_live(self) -> None:
        rows = catalogue.workload_rows(catalogue.workload_binary(), 0.2, quick=False)
        (row,) = (row for row in rows if row.name == "idle_memory")
        samples = row.measure(allocators.discover()[0]).samples
        live = [one[1] for one in samples]
        falls = [place for place in range(1, len(live)) if live[place] < live[place - 1]]
        self.assertEqual(len(falls), 8)  # One for each thread.
        self.assertEqual(live[falls[-1]], 0)
        self.assertEqual([one for one in samples if one[2] < one[1]], [])

    def test_the_tree_is_measured_at_its_smallest(self) -> None:
        names = tree.names(tree.program(None))
        small = [name for name in names if "/10/" in f"{name}/"]
        with mock.patch.object(tree, "names", return_value=small):
            found = tree.measure(tree.program(None), Progress(1))
        self.assertEqual(list(found), list(tree.OPERATIONS))
        for structures in found.values():
            self.assertLessEqual({tree.OURS, tree.RIVAL}, set(structures))
            for ((count, nanoseconds),) in structures.values():
                self.assertEqual(count, 10)
                self.assertGreater(nanoseconds, 0)

    def test_every_workload_is_in_the_catalogue(self) -> None:
        listed = subprocess.run(
            [catalogue.workload_binary(), "--list"], capture_output=True, text=True, check=True
        )
        programs = {line.split()[0] for line in listed.stdout.splitlines()} - {"replay"}
        rows = catalogue.workload_rows(catalogue.workload_binary(), 1.0, quick=False)
        self.assertEqual(programs, {row.name.partition("/")[0] for row in rows})


if __name__ == "__main__":
    unittest.main()
