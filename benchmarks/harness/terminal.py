"""How it looks where it is printed: tables by rich, in colours or plain."""

import io

from rich.console import Console, RenderableType
from rich.table import Table

# Nothing is folded or cut off: a table is as wide as it is, on a narrow terminal and in a file.
_WIDTH = 100_000


def columns(*heads: str) -> Table:
    """A table without lines yet: of names, of figures to their right, and of a remark at the end."""
    found = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    found.add_column(heads[0])
    for head in heads[1:]:
        found.add_column(head, justify="right")
    found.add_column()
    return found


def text(parts: list[RenderableType], colour: bool = False) -> str:
    """What is said is shown as it stands: brackets, colons and numbers mean nothing else."""
    console = Console(
        file=io.StringIO(),
        width=_WIDTH,
        force_terminal=colour,
        markup=False,
        emoji=False,
        highlight=False,
    )
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    return "\n".join(line.rstrip() for line in captured.get().splitlines())
