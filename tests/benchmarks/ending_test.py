"""A run that is ended ends everything that it started; and its line on the terminal stays one line."""

import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path

from benchmarks.harness import options, paths
from tests.benchmarks import support

# pylint: disable=consider-using-with  # What hangs would be waited for without a limit.

_LIMIT = 30  # Seconds, with room for a busy machine.


def _given(flaw: str) -> list[str]:
    return [f"--allocator={flaw}={support.shim(flaw)}", f"--only={flaw}"]


def _await(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + _LIMIT
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _processes_with(mark: str) -> list[int]:
    """Those whose environment has `mark`: the run and all below it, and no one else's."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
            if mark.encode() in (folder / "environ").read_bytes() and state != "Z":
                found.append(int(folder.name))
        except OSError:
            pass
    return found


class EndTest(unittest.TestCase):
    def _ended(self, number: signal.Signals) -> int:
        mark = f"ENDING_TEST={os.getpid()}.{time.monotonic_ns()}"
        name, _, value = mark.partition("=")
        command = [sys.executable, str(support.RUN), "--quick", "--filter=^batch_fifo$"]
        run = subprocess.Popen(
            [*command, *_given("hanging")],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, name: value},
        )
        try:
            # The harness, the launcher, and the program that hangs.
            hangs = _await(lambda: self._hanging(_processes_with(mark)))
            self.assertTrue(hangs, "nothing hangs")
            run.send_signal(number)
            code = run.wait(timeout=_LIMIT)
            gone = _await(lambda: not _processes_with(mark))
            self.assertTrue(gone, f"left behind: {_processes_with(mark)}")
        finally:
            for pid in _processes_with(mark):
                os.kill(pid, signal.SIGKILL)
            run.wait()
        return code

    def _hanging(self, pids: list[int]) -> bool:
        maps = []
        for pid in pids:
            try:
                maps.append(Path(f"/proc/{pid}/maps").read_text())
            except OSError:
                pass
        return any("libhanging.so" in text for text in maps)

    def test_a_signal_ends_it_as_ctrl_c_does(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number=number):
                self.assertEqual(self._ended(number), options.INTERRUPTED)

    def test_even_one_that_cannot_be_caught_leaves_nothing_behind(self) -> None:
        self.assertEqual(self._ended(signal.SIGKILL), -signal.SIGKILL)

    def test_ctrl_c_at_any_moment_of_the_start(self) -> None:
        for moment in range(12):
            code, err = self._interrupted(0.025 * moment)
            self.assertNotIn("Traceback", err)
            self.assertIn(code, (0, options.INTERRUPTED), err)

    def _interrupted(self, moment: float) -> tuple[int, str]:
        """So many seconds after the start, and what comes of it."""
        command = [sys.executable, str(support.RUN), "--smoke", "--filter=^pair$", "--only=glibc"]
        run = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        # Not before Python itself is up: what it says then is not ours to change.
        _await(lambda: self._catches(run.pid, signal.SIGTERM))
        time.sleep(moment)
        run.send_signal(signal.SIGINT)
        _, err = run.communicate(timeout=_LIMIT)
        return run.returncode, err

    def _catches(self, pid: int, number: signal.Signals) -> bool:
        status = Path(f"/proc/{pid}/status").read_text()
        caught = re.search(r"SigCgt:\s*(\w+)", status)
        return caught is None or bool(int(caught[1], 16) >> (number - 1) & 1)


def _read_all(controller: int) -> bytes:
    written = b""
    end = time.monotonic() + 2 * _LIMIT
    while time.monotonic() < end:
        ready, _, _ = select.select([controller], [], [], 1)
        try:
            written += os.read(controller, 4096) if ready else b""
        except OSError:  # The last who had it open has closed it.
            break
    return written


def _on_terminal(columns: int, command: list[str]) -> str:
    """What the command writes to a terminal of that width."""
    controller, terminal = pty.openpty()
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=terminal)
    os.close(terminal)
    written = _read_all(controller)
    os.close(controller)
    assert run.wait(_LIMIT) == 0, written
    return written.decode()


class ProgressTest(unittest.TestCase):
    _COMMAND = [
        sys.executable,
        str(support.RUN),
        "--smoke",
        "--filter=^pair$|^batch_",
        "--only=glibc",
    ]

    def test_one_line_of_the_terminals_width(self) -> None:
        for columns in (20, 80, 200):
            text = _on_terminal(columns, self._COMMAND)
            hidden, shown = text.index("\x1b[?25l"), text.index("\x1b[?25h")  # The cursor.
            self.assertEqual(text[hidden:shown].count("\n"), 1, text)  # The last.
            drawn = re.findall(r"\r\x1b\[2K([^\r\n]+)", text[hidden:shown])
            self.assertGreaterEqual(len(drawn), 5)
            for line in drawn:
                self.assertLessEqual(len(re.sub(r"\x1b\[[0-9;]*m", "", line)), columns, text)

    def test_nothing_is_padded_where_there_is_no_terminal(self) -> None:
        done = subprocess.run(self._COMMAND, capture_output=True, text=True, check=True)
        self.assertIn("measured in", done.stderr)
        self.assertNotRegex(done.stderr, r" \n|\r")

    def test_the_tree_is_part_of_what_is_left(self) -> None:
        script = (
            "from unittest import mock\n"
            "import sys\n"
            "from benchmarks.harness import main, tree\n"
            "def measure(binary, progress):\n"
            "    progress.step('the tree: here', tree.weight(binary) / 2)\n"
            "    progress.step('the tree: there', tree.weight(binary) / 2)\n"
            "    return {}\n"
            "rows = [row for row in main.all_rows(main.command_line.parse(['--smoke'])) if row.name == 'pair']\n"
            "main.all_rows = lambda *_: rows\n"
            "tree.measure = measure\n"
            "sys.exit(main.main(['--rounds=1', '--only=glibc']))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONPATH": str(paths.ROOT)},
        )  # fmt: skip
        half = re.search(r"(\d+)%.*the tree: there", done.stderr)
        assert half is not None, done.stderr
        self.assertIn(int(half[1]), range(45, 60))


if __name__ == "__main__":
    unittest.main()
