"""Whatever fails, the run goes on, what was measured is kept, and the end says what failed."""

import contextlib
import json
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from unittest import mock

from benchmarks.harness import (
    allocators,
    catalogue,
    main,
    options,
    paths,
    results,
    runner,
    subjects,
    tree,
)
from benchmarks.harness.progress import Progress
from tests.benchmarks import support

_LIMIT = 120  # Seconds, with room for a busy machine.


def _given(flaw: str, name: str = "") -> str:
    return f"--allocator={name or flaw}={support.shim(flaw)}"


@contextlib.contextmanager
def _kept() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "kept.json"


def _run(*flags: str) -> "subprocess.CompletedProcess[str]":
    """As it is called, to its end; a traceback is never a good one."""
    command = [sys.executable, str(support.RUN), *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done


def _measure(*flags: str) -> results.Results:
    return main.measure(options.parse(["--smoke", *flags]))


class CellTest(unittest.TestCase):
    def test_a_crash_costs_no_more_than_its_cell(self) -> None:
        with _kept() as file:
            rows = "--filter=^pair$|^redis$|^batch_fifo$"
            done = _run("--smoke", rows, "--only=crashing", _given("crashing"), f"--json={file}")
            kept = results.load(file)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("CRASHED", done.stdout)
        for row in kept.rows:
            if not row.skipped:
                self.assertIsNotNone(row.median(allocators.BASELINE, "seconds"), row.name)
        crashed = {row.name: row.cells["crashing"].failure for row in kept.rows if row.cells}
        self.assertEqual(crashed["batch_fifo"], "crashed")
        self.assertEqual(crashed.get("redis", "crashed"), "crashed")

    def test_a_program_that_prints_nothing_has_failed(self) -> None:
        only = ("--only=exiting", _given("exiting"))
        for row in ("batch_fifo", "MallocFreePair/64"):
            kept = _measure(f"--filter=^{row}$", *only)
            for found in kept.rows:
                self.assertEqual(found.cells["exiting"].failure, "failed", row)

    def test_a_call_that_hangs_takes_seconds(self) -> None:
        (row,) = _measure("--filter=^MallocFreePair/64$", "--only=hanging", _given("hanging")).rows
        cell = row.cells["hanging"]
        self.assertEqual((cell.failure, cell.detail), ("timed out", "after 5 s"))

    def test_whatever_goes_wrong_in_a_cell_stays_there(self) -> None:
        def measure(allocator: allocators.Allocator) -> catalogue.Measured:
            raise OSError(f"no luck with {allocator.name}")

        row = catalogue.Row("row", catalogue.WORKLOADS, "", measure)
        (result,) = runner.run([row], [allocators.Allocator("one", "", "")], 2, Progress(1))
        self.assertEqual(result.cells["one"].failure, "failed")
        self.assertIn("no luck with one", result.cells["one"].detail)


class AllocatorTest(unittest.TestCase):
    def test_a_cell_of_one_that_is_only_there_does_not_fail_the_run(self) -> None:
        with _kept() as file:
            done = _run(
                "--smoke",
                "--filter=^batch_fifo$",
                "--only=crashing",
                _given("crashing"),
                f"--json={file}",
            )
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertEqual(_run(f"--load={file}").returncode, 1)
            kept = results.load(file)
            kept.options["named"].remove("crashing")
            file.write_text(kept.text())
            shown = _run(f"--load={file}")
            self.assertIn("FAILED  batch_fifo under crashing", shown.stdout)
            self.assertEqual(shown.returncode, 0, shown.stderr)

    def test_one_that_was_asked_for_and_cannot_run_fails_the_run(self) -> None:
        for name in ("stillborn", allocators.OURS):
            with _kept() as file:
                flags = ("--filter=^pair$|^sqlite$", f"--only={name}", f"--json={file}")
                page = file.with_name("page.html")
                done = _run("--smoke", _given("stillborn", name), *flags, f"--html={page}")
                kept = results.load(file)
                self.assertIn(f"FAILED: {name}: crashed SIGILL", page.read_text())
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertRegex(done.stdout, rf"FAILED: {name}: crashed SIGILL")
            for row in kept.rows:
                if not row.skipped:
                    self.assertEqual(row.cells[name].failure, "crashed")

    def test_one_without_a_malloc_has_no_figures_anywhere(self) -> None:
        rows = "--filter=^pair$|^sqlite$|^start-up$|^MallocFreePair/64$"
        kept = _measure(rows, "--only=absent", _given("absent"))
        self.assertIn("absent", kept.broken)
        for row in kept.rows:
            if not row.skipped:
                cell = row.cells["absent"]
                self.assertEqual((cell.failure, cell.figures), ("not preloaded", {}), row.name)

    def test_one_that_happens_to_be_installed_and_cannot_run_is_left_out_with_a_note(self) -> None:
        library = _given("stillborn").rpartition("=")[2]
        found = [*allocators.discover(), allocators.Allocator("peer", library, "")]
        with mock.patch.object(allocators, "discover", return_value=found):
            kept = _measure("--filter=^pair$")
        self.assertNotIn("peer", kept.allocators)
        self.assertEqual(kept.broken, {})
        self.assertTrue(any("peer" in note for note in kept.caveats()), kept.caveats())


class NotBuiltTest(unittest.TestCase):
    """As from a checkout in which nothing was built but what is named."""

    def _artifact_without(self, *missing: str) -> AbstractContextManager[object]:
        found = paths.artifact

        def artifact(relative: str) -> Path | None:
            return None if relative in missing else found(relative)

        return mock.patch.object(paths, "artifact", artifact)

    def test_there_is_no_comparison_without_mymalloc(self) -> None:
        with self._artifact_without("libmymalloc.so"), self.assertRaises(SystemExit) as refused:
            _measure("--filter=^pair$")
        self.assertEqual(refused.exception.code, options.REFUSED)
        with self._artifact_without("libmymalloc.so"):  # Unless nobody asked for it.
            self.assertEqual(_measure("--filter=^pair$", "--only=glibc").broken, {})

    def test_what_else_is_not_built_is_named(self) -> None:
        parts = ("benchmarks/limit/libbump.so", "benchmarks/operations/operations", tree.PROGRAM)
        with self._artifact_without(*parts):
            self.assertEqual(subjects.parts_not_built(options.parse([])), sorted(parts))
            caveats = "\n".join(_measure("--filter=^pair$").caveats())
        self.assertIn(parts[0], caveats)
        self.assertIn(parts[1], caveats)


class KeptTest(unittest.TestCase):
    def test_a_tree_that_crashes_costs_no_rows(self) -> None:
        with _kept() as file:
            only = [row for row in main.all_rows(options.parse(["--smoke"])) if row.name == "pair"]
            flags = ["--rounds=1", "--only=glibc", "--tree-binary=/bin/false", f"--json={file}"]
            with mock.patch.object(main, "all_rows", return_value=only):
                self.assertEqual(main.main(flags), 1)
            kept = results.load(file)
        self.assertIn("the tree", kept.broken)
        self.assertEqual(len(kept.rows), 1)

    def test_the_rows_are_on_the_disk_before_the_run_ends(self) -> None:
        seen = []

        def watch(rows: list[catalogue.Row], *_: object) -> Iterator[results.RowResult]:
            for row in rows:
                yield results.RowResult(row.name, row.group, row.what)
                seen.append(json.loads(file.read_text()))

        with _kept() as file, mock.patch.object(runner, "run", watch):
            _measure("--filter=^pair$|^batch_fifo$", "--only=glibc", f"--json={file}")
        self.assertEqual([len(kept["rows"]) for kept in seen], [1, 2])
        self.assertTrue(seen[-1]["interrupted"])


if __name__ == "__main__":
    unittest.main()
