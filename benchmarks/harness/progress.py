"""One line on stderr: what is running, how far we are, and how long it will take still."""

import sys
import time


def _clock(seconds: float) -> str:
    whole = int(seconds + 0.5)
    return f"{whole // 60}:{whole % 60:02d}"


class Progress:
    def __init__(self, total: float) -> None:
        self._total = max(total, 1e-9)
        self._done = 0.0
        self._start = time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._last_tenth = -1

    def step(self, what: str, weight: float) -> None:
        """Says that `what` is starting; `weight` is about how many seconds it will take."""
        part = min(1.0, self._done / self._total)
        elapsed = time.monotonic() - self._start
        left = _clock(elapsed / part - elapsed) if part > 0.01 else "?"
        if self._terminal:
            bar = "#" * round(30 * part)
            line = f"\r[{bar:30}] {100 * part:3.0f}%  {left} left  {what}"
            sys.stderr.write(f"{line[:110]:110}")
        elif int(part * 10) > self._last_tenth:
            self._last_tenth = int(part * 10)
            sys.stderr.write(f"{100 * part:3.0f}%  {left} left  {what}\n")
        sys.stderr.flush()
        self._done += weight

    def finish(self) -> None:
        elapsed = _clock(time.monotonic() - self._start)
        end = "\r" if self._terminal else ""
        sys.stderr.write(f"{end}{f'measured in {elapsed} minutes':110}\n")
