"""Runs one process to its end and says what it used."""

import json
import os
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.harness import paths
from benchmarks.harness.options import refuse

# What is in the caller's environment must not steer one allocator and not another.
_DROPPED = ("GLIBC_TUNABLES",)
_DROPPED_PREFIXES = (
    *("LD_", "PYTHON"),  # PYTHONMALLOC, and what else changes the programs that are measured.
    *("MALLOC_", "MIMALLOC_", "TCMALLOC_", "SCUDO_", "TBB_", "HEAP", "MYMALLOC_"),
)


# Names and values.
Settings = tuple[tuple[str, str], ...]


@dataclass
class Finished:
    """How a process ended. `failure` is empty when it ended well."""

    failure: str
    detail: str = ""
    stdout: bytes = b""
    figures: dict[str, Any] = field(default_factory=dict)


def environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if name not in _DROPPED and not name.startswith(_DROPPED_PREFIXES)
    }


def _launcher() -> str:
    path = paths.artifact("benchmarks/harness/launch")
    if path is None:
        refuse("the launcher is not built; use `bazel run -c opt //benchmarks`")
    return str(path)


def _failure(figures: dict[str, Any], stderr: bytes) -> Finished | None:
    tail = stderr.decode(errors="replace").strip().splitlines()
    detail = tail[-1][:200] if tail else ""
    if figures["signal"]:
        return Finished("crashed", f"{signal.Signals(figures['signal']).name} {detail}".strip())
    if figures["exit_code"] == 3 and "out of memory" in detail:
        return Finished("out of memory", detail)
    if figures["exit_code"] != 0:
        return Finished("failed", f"exit code {figures['exit_code']} {detail}".strip())
    if b"cannot be preloaded" in stderr:
        return Finished("not preloaded", detail)
    return None


class Launched:
    """A running process. Call `finish` or `end`, or use it in a `with` statement."""

    # pylint: disable=consider-using-with  # All that is opened here `end` closes.

    def __init__(
        self, argv: list[str], preload: str, settings: Settings = (), cwd: str | None = None
    ) -> None:
        self._scratch = tempfile.TemporaryDirectory()
        self._report = Path(self._scratch.name) / "report"
        self._out = open(Path(self._scratch.name) / "out", "w+b")
        self._err = open(Path(self._scratch.name) / "err", "w+b")
        self._process = subprocess.Popen(
            [_launcher(), str(self._report), preload, *argv],
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            env={**environment(), **dict(settings)},
            cwd=cwd,
            start_new_session=True,
        )

    def __enter__(self) -> "Launched":
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def running(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Ends the launcher and the program it runs, which share a session of their own."""
        if self.running():
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self._process.wait()
        self._out.close()
        self._err.close()
        self._scratch.cleanup()

    def finish(self, timeout: float) -> Finished:
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return Finished("timed out", f"after {timeout:.0f} s")
        self._out.seek(0)
        self._err.seek(0)
        stdout, stderr = self._out.read(), self._err.read()
        if not self._report.exists():
            return Finished("failed", "the launcher did not report")
        figures = json.loads(self._report.read_text())
        failed = _failure(figures, stderr)
        if failed is not None:
            return failed
        del figures["exit_code"], figures["signal"]
        return Finished("", stdout=stdout, figures=figures)


def run(argv: list[str], preload: str, timeout: float, settings: Settings = ()) -> Finished:
    """Runs `argv` under `preload` ("" for none) to its end."""
    with Launched(argv, preload, settings) as launched:
        return launched.finish(timeout)
