"""One line on stderr: what is running, how far we are, and how long it will still take."""

import sys
import time
from datetime import timedelta

from rich import progress
from rich.console import Console
from rich.table import Column

_PERIOD = 600.0  # So many seconds tell how fast it is: the rows differ.
_FILE_WIDTH = 200  # Nothing is cut off where there is no terminal.


class Progress:
    """Of work of `total` weight; on a terminal a bar, else a line for every tenth of the work."""

    def __init__(self, total: float) -> None:
        width = None if sys.stderr.isatty() else _FILE_WIDTH
        self._console = Console(stderr=True, width=width, highlight=False)
        self._drawn = self._console.is_interactive
        rest = Column(ratio=1, no_wrap=True)  # On a terminal it gets what the others leave.
        self._shown = progress.Progress(
            *([progress.BarColumn(20)] if self._drawn else []),
            progress.TaskProgressColumn(),
            progress.TimeRemainingColumn(),
            progress.TextColumn("left"),
            progress.TextColumn("{task.description}", markup=False, table_column=rest),
            console=self._console,
            auto_refresh=False,  # A thread that draws would disturb what is measured.
            expand=self._drawn,
            redirect_stdout=False,  # It would go to stderr.
            speed_estimate_period=_PERIOD,
        )
        self._task = self._shown.add_task("", total=max(total, 1e-9))
        self._start = time.monotonic()
        self._weight = 0.0  # Of the step that is running.
        self._last_tenth = -1

    def __enter__(self) -> "Progress":
        if self._drawn:
            self._shown.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawn:
            self._shown.stop()
        elapsed = timedelta(seconds=round(time.monotonic() - self._start))
        self._console.print(f"measured in {elapsed}")

    def step(self, what: str, weight: float) -> None:
        """Says that `what` is starting; `weight` is about how many seconds it will take."""
        self._shown.update(self._task, advance=self._weight, description=what)
        self._weight = weight
        tenth = int(self._shown.tasks[0].percentage / 10)
        if self._drawn:
            self._shown.refresh()
        elif tenth > self._last_tenth:
            self._last_tenth = tenth
            self._console.print(self._shown)
