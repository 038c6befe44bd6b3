"""A program is recorded, and what was recorded is replayed, the same under every allocator."""

import json
import lzma
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from benchmarks.harness import allocators, catalogue, paths, traces
from tools.trace import pack
from tests.benchmarks import support

_TIMEOUT = 40
_PROGRAM = """
import threading
def work():
    for i in range(200):
        bytearray(1000 + i)
threads = [threading.Thread(target=work) for _ in range(3)]
[t.start() for t in threads]
[t.join() for t in threads]
"""


def _artifact(relative: str) -> str:
    return str(support.artifact(relative))


def _run(out: str, *command: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        "LD_PRELOAD": _artifact("tools/trace/librecorder.so"),
        "MALLOC_TRACE_OUT": out,
        "PATH": os.defpath,
    }
    return subprocess.run(
        command, env=environment, timeout=_TIMEOUT, stderr=subprocess.PIPE, text=True, check=False
    )


def _record(folder: str, *command: str) -> bytes:
    _run(f"{folder}/raw.%p", *command).check_returncode()
    (raw,) = Path(folder).glob("raw.*")
    return raw.read_bytes()


def _sizes(raw: bytes) -> set[int]:
    return {event[1] for event in pack.events(raw)}


def _replay(trace: Path, preload: str) -> dict[str, object]:
    command = [catalogue.workload_binary(), "replay", f"--trace={trace}", "--scale=0.01"]
    done = subprocess.run(
        command, env={"LD_PRELOAD": preload}, capture_output=True, text=True, check=True
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


class RecorderTest(unittest.TestCase):
    def test_a_program_of_several_threads_may_fork(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            raw = _record(folder, _artifact("tests/benchmarks/recorded"), "fork")
        self.assertIn(100, _sizes(raw))
        # What the children ask for is not in their parent's file.
        self.assertNotIn(12345, _sizes(raw))

    def test_nothing_is_lost_however_the_program_ends(self) -> None:
        for how, status in (("_exit", 0), ("kill", -signal.SIGKILL)):
            with tempfile.TemporaryDirectory() as folder:
                out = Path(folder) / "raw"
                done = _run(str(out), _artifact("tests/benchmarks/recorded"), how)
                self.assertEqual(done.returncode, status)
                self.assertIn(54321, _sizes(out.read_bytes()), how)

    def test_a_program_that_executes_another_keeps_its_trace(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            _run(
                f"{folder}/raw.%p", _artifact("tests/benchmarks/recorded"), "exec"
            ).check_returncode()
            first, second = (_sizes(raw.read_bytes()) for raw in sorted(Path(folder).iterdir()))
        self.assertEqual((54321 in first, 12345 in first), (True, False))
        self.assertEqual((54321 in second, 12345 in second), (False, True))

    def test_a_file_that_cannot_be_written_is_named(self) -> None:
        long = "/tmp/" + "long" * 300
        for out, why in (("/absent/raw", "No such file"), (long, "too long")):
            done = _run(out, _artifact("tests/benchmarks/recorded"), "calls")
            self.assertEqual(done.returncode, 0)
            self.assertRegex(done.stderr, rf"\Arecorder: [^\n]*{why}[^\n]*\n\Z")

    def test_rarer_calls_do_as_libc_says_and_are_recorded(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            raw = _record(folder, _artifact("tests/benchmarks/recorded"), "calls")
        events = list(pack.events(raw))
        # By size: posix_memalign, valloc, pvalloc (whole pages), reallocarray (of nothing, and again).
        expected = {
            12345: pack.ALIGNED,
            12346: pack.ALIGNED,
            16384: pack.ALIGNED,
            24690: pack.MALLOC,
            37035: pack.REALLOC,
        }
        found = {event[1]: event[4] for event in events if event[1] in expected}
        self.assertEqual(found, expected)
        made = {event[0] for event in events if event[4] != pack.FREE and event[1] in expected}
        self.assertLessEqual(made, {event[2] for event in events})  # Each was freed, or replaced.


class TraceTest(unittest.TestCase):
    def test_record_and_replay(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            packed = pack.pack(_record(folder, "/usr/bin/python3", "-c", _PROGRAM), limit=-1)
            self.assertGreater(len(packed), 10000)
            self.assertEqual(packed[len(pack.MAGIC)], 4)  # Its threads.
            trace = Path(folder) / "python.trace"
            trace.write_bytes(packed)
            runs = [_replay(trace, preload) for preload in ("", _artifact("libmymalloc.so"))]
        self.assertEqual(runs[0]["checksum"], runs[1]["checksum"])
        self.assertEqual(runs[0]["operations"], runs[1]["operations"])

    def test_what_is_said_of_a_trace_is_so(self) -> None:
        rows = traces.rows(catalogue.workload_binary(), 1e-9)
        for row, packed in zip(rows, sorted(traces.FOLDER.glob("*.xz")), strict=True):
            threads = lzma.decompress(packed.read_bytes())[len(pack.MAGIC)]
            events = row.measure(allocators.discover()[0]).figures["operations"]
            self.assertRegex(
                row.what, rf"^recorded calls of \S.* [0-9.]+: {events} events, {threads} threads$"
            )

    def test_a_cut_trace_is_refused(self) -> None:
        packed = paths.ROOT / "benchmarks" / "traces" / "sqlite3.trace.xz"
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "cut.trace"
            trace.write_bytes(lzma.decompress(packed.read_bytes())[:1000])
            with self.assertRaises(subprocess.CalledProcessError) as refused:
                _replay(trace, "")
        self.assertIn("cut short", refused.exception.stderr)

    def test_what_cannot_be_packed_is_refused(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "trace.xz"
            for raw, why in (
                ("/absent", "No such file"),
                ("/etc/passwd", "nothing that"),
                (folder, "directory"),
            ):
                done = subprocess.run(
                    [sys.executable, pack.__file__, raw, str(trace)],
                    capture_output=True,
                    text=True,
                    check=False,
                )
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, rf"\Apack.py: {raw}: [^\n]*{why}[^\n]*\n\Z")
                self.assertFalse(trace.exists())

    def test_numbers(self) -> None:
        self.assertEqual(pack.varint(0), b"\x00")
        self.assertEqual(pack.varint(300), b"\xac\x02")
        self.assertEqual([pack.zigzag(n) for n in (0, -1, 1, -2)], [0, 1, 2, 3])


if __name__ == "__main__":
    unittest.main()
