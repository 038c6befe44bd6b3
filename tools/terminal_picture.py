"""What a command has printed, as a picture: an SVG of as many lines as it takes, for light and dark paper."""

import html
import re
import textwrap

COLUMNS = 112
_UNBROKEN = "\0"  # For a blank at which no line ends.
_ADVANCE, _LINE, _MARGIN = (
    8.43,
    20,
    16,
)  # Of 14px DejaVu Sans Mono; other fonts are stretched to it.

_STYLE = """
text { font: 14px "DejaVu Sans Mono", ui-monospace, Menlo, Consolas, monospace; fill: #1f2328; white-space: pre; }
.paper { fill: #f6f8fa; stroke: #d1d9e0; } .typed { font-weight: bold; } .wrong { fill: #b3202c; font-weight: bold; }
.where { fill: #0a5aa8; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .paper { fill: #151b23; stroke: #3d444d; } .wrong { fill: #ff8b83; } .where { fill: #79b8ff; }
}
"""

# What the eye shall find first, of a report: what is wrong, and the lines of one's own program.
_CLASSES = (
    ("typed", r"^\$ "),
    ("wrong", r"^mymalloc\[.*\]: "),
    ("where", r" at (?!\.\./)\S+:\d+"),
)


def wrapped(text: str) -> list[str]:
    """As a terminal would have it, but between words, and what goes on is set in."""
    lines = []
    for line in text.replace("(build id ", f"(build{_UNBROKEN}id{_UNBROKEN}").splitlines():
        indent = " " * (len(line) - len(line.lstrip()) + 6)
        parts = textwrap.wrap(
            *(line, COLUMNS), subsequent_indent=indent, drop_whitespace=True, break_on_hyphens=False
        )
        lines += parts or [""]
    return [line.replace(_UNBROKEN, " ") for line in lines]


def _class_of(line: str) -> str:
    return next((name for name, pattern in _CLASSES if re.search(pattern, line)), "said")


def picture(text: str, about: str) -> str:
    lines = wrapped(text)
    width = 2 * _MARGIN + round(COLUMNS * _ADVANCE)
    height = 2 * _MARGIN + _LINE * len(lines)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(about)}">',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>',
    ]
    for number, line in enumerate(lines):
        text_of_line = line.lstrip()
        if text_of_line:
            x = _MARGIN + (len(line) - len(text_of_line)) * _ADVANCE
            y = _MARGIN + number * _LINE + 15
            out.append(
                f'<text class="{_class_of(line)}" x="{x:.1f}" y="{y}"'
                f' textLength="{len(text_of_line) * _ADVANCE:.1f}">{html.escape(text_of_line)}</text>'
            )
    return "\n".join([*out, "</svg>", ""])
