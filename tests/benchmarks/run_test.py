"""A run is refused at once if it cannot end well, and says what it is if it is not whole."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from benchmarks.harness import markdown, options, page, results, table
from tests.benchmarks import support

_AT_ONCE = 10  # Seconds, with room for a busy machine.


def _start(*flags: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(support.RUN), *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


class RefusedTest(unittest.TestCase):
    def _refused(self, *flags: str) -> str:
        """One line on stderr, and no measuring."""
        kept = any(flag.startswith("--load=") for flag in flags)
        run = _start(*([] if kept else ["--smoke", "--only=mymalloc"]), *flags)
        try:
            out, err = run.communicate(timeout=_AT_ONCE)
        finally:
            run.kill()
        self.assertEqual((run.returncode, out), (2, ""), err)
        self.assertRegex(err, r"\Abenchmarks: [^\n]+\n\Z")
        return err

    def test_outputs_that_cannot_be_written(self) -> None:
        for flag in ("--json", "--html", "--markdown", "--picture"):
            with tempfile.TemporaryDirectory() as folder:
                self.assertIn("absent/out", self._refused(f"{flag}={folder}/absent/out"))
                self.assertIn(folder, self._refused(f"{flag}={folder}"))

    def test_a_readme_without_a_place_for_figures(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            other = Path(folder) / "README.md"
            other.write_text("# Something else\n")
            self.assertIn("no place", self._refused(f"--readme={other}"))

    def test_runs_that_cannot_be_read(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for flag in ("--compare", "--load"):
                self.assertIn("absent", self._refused(f"{flag}={folder}/absent"))
                for text in ("{", "[]", "{}", '{"format": 1, "rows": 3}'):
                    bad = Path(folder) / "bad.json"
                    bad.write_text(text)
                    self.assertIn("bad.json", self._refused(f"{flag}={bad}"))

    def test_flags(self) -> None:
        self.assertIn("--filter", self._refused("--filter=("))
        self.assertIn("no row", self._refused("--filter=nothing-is-called-so"))
        self.assertIn("--rounds", self._refused("--rounds=0"))
        self.assertIn("--rounds", self._refused("--rounds=-1"))
        self.assertIn("not installed", self._refused("--only=unheard-of"))
        self.assertIn("--allocator", self._refused("--allocator=name"))
        self.assertIn("--allocator", self._refused("--allocator=name=/absent.so"))

    def test_a_python_without_rich(self) -> None:
        command = [sys.executable, "-S", "-E", str(support.RUN), "--list"]  # Without packages.
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (options.REFUSED, ""))
        self.assertRegex(done.stderr, r"\Abenchmarks: [^\n]+ has no rich: [^\n]+\n\Z")

    def test_the_check_leaves_no_file_behind_and_none_changed(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            kept = Path(folder) / "kept"
            kept.write_text("kept")
            self._refused(f"--json={folder}/new", f"--html={kept}", "--filter=(")
            self.assertEqual([kept], list(Path(folder).iterdir()))
            self.assertEqual(kept.read_text(), "kept")


class WhatItIsTest(unittest.TestCase):
    def _outputs(self, kept: results.Results) -> list[str]:
        return [table.render(kept, colour=False), page.render(kept), markdown.render(kept)]

    def test_an_interrupted_run_says_so_everywhere(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "kept.json"
            # The last row idles for seconds, so that there is time to interrupt it.
            run = _start(
                "--only=mymalloc",
                "--rounds=1",
                "--filter=^pair$|^batch_|^idle_memory$",
                f"--json={file}",
            )
            assert run.stderr is not None
            while "idle_memory" not in run.stderr.readline():
                self.assertIsNone(run.poll())
            os.kill(run.pid, signal.SIGINT)
            out, err = run.communicate(timeout=60)
            self.assertEqual(run.returncode, options.INTERRUPTED, err)
            self.assertNotIn("Traceback", err)
            self.assertIn("INTERRUPTED", out)
            self.assertTrue(json.loads(file.read_text())["interrupted"])
            kept = results.load(file)
        self.assertEqual(len(kept.rows), 4)
        for text in self._outputs(kept):
            self.assertIn("INTERRUPTED", text)

    def test_a_filtered_run_says_what_was_asked_for(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "kept.json"
            run = _start(
                "--only=mymalloc", "--quick", "--rounds=1", "--filter=^pair$", f"--json={file}"
            )
            _, err = run.communicate(timeout=60)
            self.assertEqual(run.returncode, 0, err)
            kept = results.load(file)
        self.assertFalse(kept.interrupted)
        for text in self._outputs(kept):
            self.assertNotIn("INTERRUPTED", text)
            for asked in ("--quick", "--filter=^pair$", "--only=mymalloc", "--rounds=1"):
                self.assertIn(asked, text)


if __name__ == "__main__":
    unittest.main()
