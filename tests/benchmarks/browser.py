"""A page in a real browser: what it says of the layout, and what it looks like."""

import html
import json
import re
import shutil
import struct
import subprocess
import tempfile
import zlib
from pathlib import Path
from typing import Any

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

LEAST_TEXT = 10  # Pixels of height on the screen.
LEAST_CONTRAST = 4.5  # Of the WCAG, for text of this size.
_LEAST_NAME = 80  # Pixels that a row's name has in a table, so that it is not a column of letters.
_HEIGHT = 800  # Of what is seen.

# Looks at the laid-out page, and leaves what it found as text in the document.
_PROBE = (
    """
<script>
const found = {errors: [], small: [], outside: [], crossing: [], faint: [], overflow: 0, charts: 0,
  lostNames: 0, scrolled: 0, texts: 0};
function crosses(one, other) {
  return one.left < other.right - 1 && other.left < one.right - 1 &&
      one.top < other.bottom - 4 && other.top < one.bottom - 4;  // A line's height is more than its letters'.
}
function parts(colour) {
  const numbers = colour.match(/[0-9.]+/g).map(Number);
  return {rgb: numbers.slice(0, 3), alpha: numbers.length > 3 ? numbers[3] : 1};
}
function luminance(rgb) {
  const [r, g, b] = rgb.map(value => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function behind(element) {
  for (let one = element; one; one = one.parentElement) {
    const colour = parts(getComputedStyle(one).backgroundColor);
    if (colour.alpha === 1) return colour.rgb;
  }
  return [255, 255, 255];
}
function contrast(element) {
  const style = getComputedStyle(element);
  const ink = parts(element.closest('svg') ? style.fill : style.color).rgb;
  const [dark, light] = [luminance(ink), luminance(behind(element))].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
function hasText(element) {
  return [...element.childNodes].some(one => one.nodeType === 3 && one.textContent.trim()) &&
      !element.closest('script, style, title, head');
}
function lookAtText() {
  for (const element of document.querySelectorAll('*')) {
    if (!hasText(element)) continue;
    found.texts += 1;
    if (element.getBoundingClientRect().height < LEAST_TEXT) found.small.push(element.textContent);
    const ratio = contrast(element);
    if (ratio < LEAST_CONTRAST) found.faint.push(element.textContent + ' ' + ratio.toFixed(1));
  }
}
function lookAtCharts() {
  found.charts = document.querySelectorAll('.chart > svg').length;
  for (const chart of document.querySelectorAll('.chart > svg')) {
    const seen = chart.parentElement.getBoundingClientRect();
    const texts = [...chart.querySelectorAll('text')];
    const boxes = texts.map(text => text.getBoundingClientRect());
    for (let i = 0; i < texts.length; ++i) {
      const inside = boxes[i].left >= Math.max(seen.left, 0) - 1 &&
          boxes[i].right <= Math.min(seen.right, window.innerWidth) + 1;
      if (!inside) found.outside.push(texts[i].textContent);
      for (let j = 0; j < i; ++j) {
        if (!crosses(boxes[i], boxes[j])) continue;
        found.crossing.push(texts[j].textContent + ' and ' + texts[i].textContent);
      }
    }
  }
}
function scrollTables() {
  for (const wide of document.querySelectorAll('.wide')) {
    if (wide.scrollWidth <= wide.clientWidth) continue;
    found.scrolled += 1;
    wide.scrollLeft = wide.scrollWidth;
    for (const name of wide.querySelectorAll('td:first-child')) {
      const box = name.getBoundingClientRect();
      const lost = box.left < wide.getBoundingClientRect().left - 1 || box.width < LEAST_NAME;
      if (lost) found.lostNames += 1;
    }
  }
}
window.addEventListener('error', event => found.errors.push(event.message));
window.addEventListener('load', () => {
  found.overflow = document.documentElement.scrollWidth - window.innerWidth;
  lookAtText();
  lookAtCharts();
  scrollTables();
  const pre = document.createElement('pre');
  pre.id = 'probe';
  pre.textContent = JSON.stringify(found);
  window.parent.document.body.append(pre);
});
</script>
""".replace(
        "LEAST_TEXT", str(LEAST_TEXT)
    )
    .replace("LEAST_CONTRAST", str(LEAST_CONTRAST))
    .replace("LEAST_NAME", str(_LEAST_NAME))
)

# The first chart is what is to be seen.
_SCROLL = """
<script>
window.addEventListener('load', () => document.querySelector('.chart').scrollIntoView());
</script>
"""


def _run(page: str, script: str, width: int, *flags: str) -> str:
    """In a frame, because a headless Chromium's windows are at least 500 pixels wide."""
    framed = html.escape(page.replace("</body>", f"{script}</body>"))
    frame = (
        f'<iframe width="{width}" height="{_HEIGHT}" style="border: 0" srcdoc="{framed}"></iframe>'
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(
            f'<!DOCTYPE html><meta charset="utf-8"><body style="margin: 0">{frame}</body>'
        )
        return subprocess.run(
            [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             f"--user-data-dir={folder}/profile", f"--window-size={max(width, 500)},{_HEIGHT}",
             *flags, file.as_uri()],
            capture_output=True, text=True, timeout=120, check=True,
        ).stdout  # fmt: skip


def probe(page: str, width: int) -> dict[str, Any]:
    dom = _run(page, _PROBE, width, "--dump-dom")
    match = re.search(r'<pre id="probe">(.*?)</pre>', dom, re.DOTALL)
    assert match is not None, "the page did not load"
    return dict(json.loads(html.unescape(match[1])))


def screenshot(page: str, width: int) -> list[tuple[int, ...]]:
    """The pixels of what is seen at the first chart."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "seen.png"
        _run(page, _SCROLL, width, f"--screenshot={file}")
        return _pixels(file.read_bytes())


def _chunks(png: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    place = 8
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        kind = png[place + 4 : place + 8]
        found[kind] = found.get(kind, b"") + png[place + 8 : place + 8 + length]
        place += 12 + length
    return found


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    distances = (abs(guess - left), abs(guess - above), abs(guess - corner))
    return (left, above, corner)[distances.index(min(distances))]


def _unfilter(kind: int, line: bytearray, above: bytearray, size: int) -> None:
    """One line of a PNG, in place: each byte is the difference to one of five guesses."""
    for i, value in enumerate(line):
        left = line[i - size] if i >= size else 0
        corner = above[i - size] if i >= size else 0
        guesses = (0, left, above[i], (left + above[i]) // 2)
        guess = _paeth(left, above[i], corner) if kind == 4 else guesses[kind]
        line[i] = (value + guess) & 255


def _pixels(png: bytes) -> list[tuple[int, ...]]:
    chunks = _chunks(png)
    width, height, depth, colours = struct.unpack_from(">IIBB", chunks[b"IHDR"])
    assert depth == 8 and colours in (2, 6), "not a picture of 8 bits in red, green and blue"
    size = 3 if colours == 2 else 4
    raw = zlib.decompress(chunks[b"IDAT"])
    found: list[tuple[int, ...]] = []
    above = bytearray(width * size)
    for start in range(0, height * (width * size + 1), width * size + 1):
        line = bytearray(raw[start + 1 : start + 1 + width * size])
        if raw[start]:
            _unfilter(raw[start], line, above, size)
        found += [tuple(line[i : i + 3]) for i in range(0, len(line), size)]
        above = line
    return found
