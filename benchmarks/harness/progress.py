"""One line on stderr: what is running, how far we are, and how long it will take still."""

import os
import sys
import time
from typing import TextIO

_NO_WIDTH = 80  # Where a terminal does not know its own.


def _clock(seconds: float) -> str:
    whole = int(seconds + 0.5)
    return f"{whole // 60}:{whole % 60:02d}"


def _width(terminal: TextIO) -> int:
    try:
        return os.get_terminal_size(terminal.fileno()).columns or _NO_WIDTH
    except OSError:
        return _NO_WIDTH


class Progress:
    """Of work of `total` weight; on a terminal a bar, else a line for every tenth of the work."""

    def __init__(self, total: float) -> None:
        self._total = max(total, 1e-9)
        self._done = 0.0
        self._start = time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._last_tenth = -1

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        elapsed = _clock(time.monotonic() - self._start)
        self._show(f"measured in {elapsed} minutes")
        if self._terminal:
            sys.stderr.write("\n")

    def _show(self, line: str) -> None:
        if self._terminal:
            # Not into the last column, or the terminal begins a new line.
            room = _width(sys.stderr) - 1
            sys.stderr.write(f"\r{line[:room]:{room}}")
        else:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def step(self, what: str, weight: float) -> None:
        """Says that `what` is starting; `weight` is about how many seconds it will take."""
        part = min(1.0, self._done / self._total)
        elapsed = time.monotonic() - self._start
        left = _clock(elapsed / part - elapsed) if part > 0.01 else "?"
        self._done += weight
        if self._terminal:
            bar = "#" * round(30 * part)
            self._show(f"[{bar:30}] {100 * part:3.0f}%  {left} left  {what}")
        elif int(part * 10) > self._last_tenth:
            self._last_tenth = int(part * 10)
            self._show(f"{100 * part:3.0f}%  {left} left  {what}")
