"""docs/tour.svg: each allocator a line, each figure a panel of bars."""

import html

from benchmarks.harness import style, svg
from benchmarks.harness.allocators import BASELINE, OURS
from benchmarks.harness.results import Results
from benchmarks.steps.tour_page import COLUMNS, Column, text

_WIDTH = 960
_LEFT = 128.0  # Of the names.
_HEAD = 40.0
_LINE = 24.0
_BAR = 14.0
_FOOT = 26.0
_NUMBER = 62.0  # For the figure behind the longest bar, and some room.
_MOST = 4.0  # Of glibc's figure: there a bar is cut off.
_STEP = "#0072b2"

_CSS = style.CHART + ".failed { fill: #b00; } .unit { fill: #666; }\n"


def _write(x: float, y: float, shown: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{html.escape(shown)}</text>'


def _colour(name: str) -> str:
    palette = svg.colours([])
    return palette.get(name, _STEP)


def _values(found: Results, column: Column) -> dict[str, float | None]:
    row = found.row(column.row)
    return {name: column.value(row, name) if row else None for name in found.allocators}


def _most(values: dict[str, float | None]) -> float:
    """The value of the longest bar."""
    known = [value for value in values.values() if value]
    base = values.get(BASELINE)
    return max(
        min(max(known, default=1.0), _MOST * base) if base else max(known, default=1.0), 1e-9
    )


def _bar(x: float, y: float, width: float, colour: str, tip: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_BAR:.0f}" fill="{colour}">'
        f"<title>{html.escape(tip)}</title></rect>"
    )


def _panel(found: Results, column: Column, x: float, width: float) -> list[str]:
    values = _values(found, column)
    most = _most(values)
    parts = [_write(x, 14, column.title, "ours"), _write(x, 28, column.unit, "unit")]
    for place, name in enumerate(found.allocators):
        y = _HEAD + place * _LINE
        shown = text(found, column, name)
        value = values[name]
        if value is None:
            parts.append(_write(x, y + _BAR - 3, shown, "failed" if shown != "-" else "unit"))
            continue
        length = min(value, most) / most * (width - _NUMBER)
        parts.append(_bar(x, y, length, _colour(name), f"{name}: {shown} {column.unit}"))
        cut = " →" if value > most else ""
        parts.append(_write(x + length + 3, y + _BAR - 3, shown + cut, "number"))
    return parts


def draw(found: Results) -> str:
    height = _HEAD + len(found.allocators) * _LINE + _FOOT
    width = (_WIDTH - _LEFT) / len(COLUMNS)
    parts = [
        _write(0, _HEAD + place * _LINE + _BAR - 3, name, "ours" if name == OURS else "")
        for place, name in enumerate(found.allocators)
    ]
    for place, column in enumerate(COLUMNS):
        parts += _panel(found, column, _LEFT + place * width, width)
    note = f"Shorter is better, but for bad frees found. A bar is cut off at {_MOST:.0f} times glibc's (→)."
    parts.append(_write(0, height - 8, note, "unit"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" viewBox="0 0 {_WIDTH} {height:.0f}" '
        f'role="img" aria-label="what each step buys"><style>{_CSS}</style>'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'
    )
