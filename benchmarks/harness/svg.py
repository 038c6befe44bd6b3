"""The kinds of chart of the page, as SVG: bars with their spread, curves, and points.

Places across are parts of the width, in percent, and places down are pixels: so a chart is as wide as the
window lets it be, and its text as large as any other.
"""

import html
import math
from dataclasses import dataclass, field

from benchmarks.harness import table
from benchmarks.harness.stats import Spread

_LONGEST = 86  # Percent that the longest bar takes; its number follows.
_BAR = 12
_NAME = 15  # The line above a group of bars.
_LEFT, _RIGHT = 13, 76  # Where the curves' axes begin and end; their names follow.
_TOP, _BOTTOM = 22.0, 44.0  # What is above and below the curves.
_TICK = 16
_ALMOST = 1e-9  # Of a step from one tick to the next.
_FINE = 1000  # The curves' own units across.
_ALONE = 760  # Pixels across of a chart that is a file of its own.
_LABEL = 12.0  # From one name at the curves' ends to the next.
_LONGEST_LABEL = 10  # Letters.

# Distinct also for the colour-blind (after Okabe and Ito); ours is the strongest.
_COLOURS = {
    "mymalloc": "#d55e00",
    "glibc": "#808080",
    "bump": "#a0a0a0",
    "live bytes": "#000000",
    "hardened": "#7f7f00",
}
_OTHERS = ("#009e73", "#cc79a7", "#e69f00", "#0072b2", "#8c6bb1", "#56b4e9", "#aa3377")
_OURS = ("mymalloc", "IntervalTree")
_LIMIT = "bump"  # Does not decide where an axis ends: it can be far from all others.
_DASHES = {"live bytes": "4 3", _LIMIT: "2 3"}


def colours(names: list[str]) -> dict[str, str]:
    """A colour for each name, the same in all charts of a page."""
    others = [name for name in names if name not in _COLOURS and name not in _OURS]
    found = {name: _OTHERS[i % len(_OTHERS)] for i, name in enumerate(others)}
    return {**dict.fromkeys(_OURS, _COLOURS["mymalloc"]), **_COLOURS, **found}


def _text(x: float, y: float, text: str, anchor: str = "start", extra: str = "") -> str:
    return (
        f'<text x="{x:.2f}%" y="{y:.1f}" text-anchor="{anchor}" {extra}>{html.escape(text)}</text>'
    )


def _line(x1: float, y1: float, x2: float, y2: float, extra: str) -> str:
    return f'<line x1="{x1:.2f}%" y1="{y1:.1f}" x2="{x2:.2f}%" y2="{y2:.1f}" {extra}/>'


def _svg(height: float, title: str, parts: list[str]) -> str:
    label = html.escape(title, quote=True)
    body = "".join(parts)
    return (
        f'<div class="chart"><svg width="100%" height="{height:.0f}" role="img" '
        f'aria-label="{label}">{body}</svg></div>'
    )


def alone(chart: str, css: str) -> str:
    """A chart as a file of its own, which nobody gives a style or a width: it has paper of its own, too."""
    body = chart.removeprefix('<div class="chart">').removesuffix("</div>")
    opened = f'<svg xmlns="http://www.w3.org/2000/svg" width="{_ALONE}"'
    body = body.replace('<svg width="100%"', opened, 1)
    start, end, rest = body.partition(">")
    return f'{start}{end}<style>{css}</style><rect width="100%" height="100%" fill="#fff"/>{rest}\n'


@dataclass
class Bar:
    series: str
    value: Spread | None  # None: it failed, for the reason in `note`.
    note: str


def bars(groups: dict[str, list[Bar]], palette: dict[str, str], title: str, most: float) -> str:
    """One group of horizontal bars per name; values are ratios, and 1 is marked."""
    scale = _LONGEST / most
    parts: list[str] = []
    y = 2.0
    for name, group in groups.items():
        y += _NAME
        parts.append(_text(0, y - 3, name, extra='class="name"'))
        top = y
        for bar in group:
            parts.append(_one_bar(bar, y, scale, most, palette))
            y += _BAR
        parts.append(_line(scale, top - 2, scale, y + 2, 'class="one"'))
        y += 6
    return _svg(y, title, parts)


def _one_bar(bar: Bar, y: float, scale: float, most: float, palette: dict[str, str]) -> str:
    if bar.value is None:
        return _text(0, y + _BAR - 2, f"{bar.series}: {bar.note}", extra='dx="3" class="failed"')
    shown = min(bar.value.median, most)
    tip = f"{bar.series} {bar.value.median:.3f} ({bar.value.low:.3f} to {bar.value.high:.3f})"
    parts = [
        f'<rect x="0" y="{y:.1f}" width="{shown * scale:.2f}%" height="{_BAR - 1}" '
        f'fill="{palette[bar.series]}"><title>{html.escape(tip)}</title></rect>'
    ]
    low, high = (min(end, most) * scale for end in (bar.value.low, bar.value.high))
    middle = y + (_BAR - 1) / 2
    parts.append(_line(low, middle, high, middle, 'class="spread"'))
    shown_value = table.short(bar.value.median) + (" →" if bar.value.median > most else "")
    end = max(high, shown * scale)
    parts.append(_text(end, y + _BAR - 2.5, shown_value, extra='dx="3" class="number"'))
    return "".join(parts)


@dataclass
class Curve:
    series: str
    points: list[tuple[float, float]]


@dataclass
class Axes:
    x_label: str
    y_label: str
    log_x: bool = False
    log_y: bool = False
    x_ticks: list[tuple[float, str]] = field(default_factory=list)  # Empty: round numbers.
    height: float = 280.0


@dataclass
class Scale:
    """Maps values to places along one axis."""

    low: float
    high: float
    start: float
    end: float
    log: bool

    def at(self, value: float) -> float:
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(max(value, low))
        part = (value - low) / (high - low) if high > low else 0.5
        return self.start + part * (self.end - self.start)

    def ticks(self) -> list[float]:
        if self.log:
            first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
            steps = (1, 2, 5) if self.high < 100 * self.low else (1,)
            found = [step * 10.0**power for power in range(first, last + 1) for step in steps]
            return [tick for tick in found if self.low * 0.99 <= tick <= self.high * 1.01]
        span = self.high - self.low
        step = 10 ** math.floor(math.log10(max(span, 1e-12)))
        step = next(s for s in (step / 5, step / 2, step, 2 * step) if span / s <= 6)
        first, last = math.ceil(self.low / step - _ALMOST), math.floor(self.high / step + _ALMOST)
        return [step * i for i in range(first, last + 1)]


def number(value: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _bounds(values: list[float], log: bool) -> tuple[float, float]:
    if not log:
        return 0.0, max(values) * 1.05 or 1.0
    positive = [value for value in values if value > 0] or [1.0]
    low = 10 ** math.floor(math.log10(min(positive)))
    return low, max(max(positive) * 1.1, low * 10)


def curves(lines: list[Curve], palette: dict[str, str], title: str, axes: Axes) -> str:
    lines = [line for line in lines if line.points]
    if not lines:
        return ""
    decisive = [line for line in lines if line.series != _LIMIT] or lines
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in decisive for _, y in line.points]
    bounded = axes.log_x or bool(axes.x_ticks)
    x_low, x_high = (min(xs), max(xs)) if bounded else _bounds(xs, False)
    across = Scale(x_low, x_high, _LEFT, _RIGHT, axes.log_x)
    up = Scale(*_bounds(ys, axes.log_y), axes.height - _BOTTOM, _TOP, axes.log_y)
    fine = Scale(x_low, x_high, 0, _FINE, axes.log_x)
    drawn = sorted(lines, key=lambda line: line.series in _OURS)  # Ours is above the others.
    parts = [
        *_grid(across, up, axes),
        _plot([_polyline(line, palette, fine, up) for line in drawn], axes.height - _BOTTOM),
        *_names_at_ends(lines, palette, across, up),
    ]
    return _svg(axes.height, title, parts)


def _plot(polylines: list[str], height: float) -> str:
    """A polyline knows no percents: these have units of their own, and lines of the same width in all."""
    edge = 2  # Half of the widest line.
    body = "".join(polylines)
    return (
        f'<svg x="{_LEFT}%" width="{_RIGHT - _LEFT}%" y="{_TOP - edge}" '
        f'height="{height - _TOP + 2 * edge}" preserveAspectRatio="none" '
        f'viewBox="0 {_TOP - edge} {_FINE} {height - _TOP + 2 * edge}">{body}</svg>'
    )


def _polyline(line: Curve, palette: dict[str, str], fine: Scale, up: Scale) -> str:
    places = " ".join(f"{fine.at(x):.1f},{up.at(y):.1f}" for x, y in line.points)
    wide = 3.5 if line.series in _OURS else 1.2 if line.series == _LIMIT else 1.4
    dashes = f' stroke-dasharray="{_DASHES[line.series]}"' if line.series in _DASHES else ""
    return (
        f'<polyline points="{places}" fill="none" stroke="{palette[line.series]}" '
        f'stroke-width="{wide}"{dashes} vector-effect="non-scaling-stroke">'
        f"<title>{html.escape(line.series)}</title></polyline>"
    )


@dataclass
class Point:
    series: str
    x: float  # Both are ratios.
    y: float
    mark: str  # Behind its name.


def _around(values: list[float]) -> tuple[float, float]:
    """The ends of an axis on which no point lies at the edge, and the ratio of 1 is."""
    low, high = min([*values, 1.0]), max([*values, 1.0])
    margin = (high - low) / 10 or 0.1
    return low - margin, high + margin


def scatter(points: list[Point], palette: dict[str, str], title: str, axes: Axes) -> str:
    """A named point for each; both axes have a dashed line at the ratio of 1."""
    across = Scale(*_around([point.x for point in points]), _LEFT, _RIGHT, False)
    up = Scale(*_around([point.y for point in points]), axes.height - _BOTTOM, _TOP, False)
    drawn = sorted(points, key=lambda point: point.series in _OURS)  # Ours is above the others.
    marks = {point.series: point.mark for point in points}
    names = [Curve(point.series, [(point.x, point.y)]) for point in points]
    parts = [
        *_grid(across, up, axes),
        _line(across.at(1), up.start, across.at(1), up.end, 'class="one"'),
        _line(_LEFT, up.at(1), _RIGHT, up.at(1), 'class="one"'),
        *_names_at_ends(names, palette, across, up, marks),
        *(_circle(point, palette, across, up) for point in drawn),
    ]
    return _svg(axes.height, title, parts)


def _circle(point: Point, palette: dict[str, str], across: Scale, up: Scale) -> str:
    radius = 9 if point.series in _OURS else 5
    tip = f"{point.series}{point.mark} {point.x:.3f}, {point.y:.3f}"
    return (
        f'<circle cx="{across.at(point.x):.2f}%" cy="{up.at(point.y):.1f}" r="{radius}" '
        f'fill="{palette[point.series]}"><title>{html.escape(tip)}</title></circle>'
    )


def _apart(places: list[float], low: float, high: float) -> list[float]:
    """The places, in their order, moved so that a line of text fits at each."""
    found: list[float] = []
    for place in places:
        found.append(max(place, found[-1] + _LABEL if found else low))
    limit = high
    for i in reversed(range(len(found))):
        found[i] = min(found[i], limit)
        limit = found[i] - _LABEL
    return found


def _names_at_ends(
    lines: list[Curve],
    palette: dict[str, str],
    across: Scale,
    up: Scale,
    marks: dict[str, str] | None = None,
) -> list[str]:
    ends = {line.series: line.points[-1] for line in lines}
    wanted = {name: max(up.at(y), up.end) for name, (_, y) in ends.items()}
    order = sorted(wanted, key=lambda name: wanted[name])
    parts = []
    for name, place in zip(order, _apart([wanted[one] for one in order], up.end, up.start)):
        shown = name if len(name) <= _LONGEST_LABEL else name[: _LONGEST_LABEL - 1] + "…"
        shown += marks.get(name, "") if marks else ""
        shown += " ↑" if up.at(ends[name][1]) < up.end else ""  # It has left the axis.
        if up.at(ends[name][1]) >= up.end:
            leader = f'stroke="{palette[name]}"'
            parts.append(_line(across.at(ends[name][0]), wanted[name], _RIGHT + 1, place, leader))
        kind = "end ours" if name in _OURS else "end"
        parts.append(_text(_RIGHT + 1, place + 4, shown, extra=f'dx="3" class="{kind}"'))
    return parts


def _grid(across: Scale, up: Scale, axes: Axes) -> list[str]:
    height = axes.height
    parts = [_text(0, 12, axes.y_label, extra='class="label"')]
    parts.append(_text(_RIGHT, height - 6, axes.x_label, "end", 'class="label"'))
    for tick in up.ticks():
        y = up.at(tick)
        parts.append(_line(_LEFT, y, _RIGHT, y, 'class="grid"'))
        parts.append(_text(_LEFT, y + 4, number(tick), "end", 'dx="-5" class="tick"'))
    named = axes.x_ticks or [(tick, number(tick)) for tick in across.ticks()]
    for place, name in named:
        parts.append(
            _text(across.at(place), height - _BOTTOM + _TICK, name, "middle", 'class="tick"')
        )
    return parts


def legend(names: list[str], palette: dict[str, str]) -> str:
    entries = "".join(
        f'<span><i style="background:{palette[name]}"></i>{html.escape(name)}</span>'
        for name in names
    )
    return f'<p class="legend">{entries}</p>'
