"""A program is recorded, and what was recorded is replayed, the same under every allocator."""

import json
import lzma
import os
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

from benchmarks.harness import catalogue, paths
from tools.trace import pack

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
    found = paths.artifact(relative)
    assert found is not None, f"{relative} is not built"
    return str(found)


def _record(folder: str, *command: str) -> bytes:
    environment = {
        "LD_PRELOAD": _artifact("tools/trace/librecorder.so"),
        "MALLOC_TRACE_OUT": f"{folder}/raw.%p",
        "PATH": os.defpath,
    }
    subprocess.run(command, env=environment, check=True, timeout=_TIMEOUT)
    (raw,) = Path(folder).glob("raw.*")
    return raw.read_bytes()


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
        sizes = {event[1] for event in struct.iter_unpack("<QQQII", raw)}
        self.assertIn(100, sizes)
        self.assertNotIn(12345, sizes)  # What the children ask for is not in their parent's file.

    def test_rarer_calls_do_as_libc_says_and_are_recorded(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            raw = _record(folder, _artifact("tests/benchmarks/recorded"), "calls")
        events = list(struct.iter_unpack("<QQQII", raw))
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

    def test_a_cut_trace_is_refused(self) -> None:
        packed = paths.ROOT / "benchmarks" / "traces" / "sqlite3.trace.xz"
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "cut.trace"
            trace.write_bytes(lzma.decompress(packed.read_bytes())[:1000])
            with self.assertRaises(subprocess.CalledProcessError) as refused:
                _replay(trace, "")
        self.assertIn("cut short", refused.exception.stderr)

    def test_numbers(self) -> None:
        self.assertEqual(pack.varint(0), b"\x00")
        self.assertEqual(pack.varint(300), b"\xac\x02")
        self.assertEqual([pack.zigzag(n) for n in (0, -1, 1, -2)], [0, 1, 2, 3])


if __name__ == "__main__":
    unittest.main()
