"""The page in a real browser, wide and narrow: nothing is cut off, and all text can be read."""

import html
import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from benchmarks.harness import catalogue, page
from benchmarks.harness.results import Cell, Results, RowResult

_NAMES = ("glibc", "mymalloc", "jemalloc", "a-name-that-is-long")
_LEAST_TEXT_HEIGHT = 8  # In pixels on the screen.

# Looks at the laid-out page, and leaves what it found as text in the document.
_PROBE = """
<script>
const found = {errors: [], small: [], outside: [], crossing: [], overflow: 0, charts: 0};
function crosses(one, other) {
  return one.left < other.right - 1 && other.left < one.right - 1 &&
      one.top < other.bottom - 4 && other.top < one.bottom - 4;  // A line's height is more than its letters'.
}
window.addEventListener('error', event => found.errors.push(event.message));
window.addEventListener('load', () => {
  found.overflow = document.documentElement.scrollWidth - window.innerWidth;
  found.charts = document.querySelectorAll('svg').length;
  for (const text of document.querySelectorAll('svg text')) {
    const box = text.getBoundingClientRect();
    const chart = text.closest('.chart').getBoundingClientRect();  // What of it is seen.
    if (box.height < LEAST) found.small.push(text.textContent);
    const inside = box.left >= Math.max(chart.left, 0) - 1 &&
        box.right <= Math.min(chart.right, window.innerWidth) + 1;
    if (!inside) found.outside.push(text.textContent);
  }
  for (const chart of document.querySelectorAll('.chart > svg')) {
    const texts = [...chart.querySelectorAll('text')];
    const boxes = texts.map(text => text.getBoundingClientRect());
    for (let i = 0; i < texts.length; ++i) {
      for (let j = 0; j < i; ++j) {
        if (!crosses(boxes[i], boxes[j])) continue;
        found.crossing.push(texts[j].textContent + ' and ' + texts[i].textContent);
      }
    }
  }
  const pre = document.createElement('pre');
  pre.id = 'probe';
  pre.textContent = JSON.stringify(found);
  window.parent.document.body.append(pre);
});
</script>
""".replace(
    "LEAST", str(_LEAST_TEXT_HEIGHT)
)


def _cell(factor: float) -> Cell:
    values = [factor, 1.1 * factor, 1.2 * factor]
    figures = {name: values for name in ("seconds", "peak_rss", "operations")}
    for call in ("malloc", "free"):
        for point in ("p50", "p90", "p99", "p99.9", "p99.99", "max"):
            figures[f"{call} {point} ns"] = [100 * factor]
    samples = [[i / 10, 1000000.0 * i, 1500000.0 * i * factor] for i in range(20)]
    return Cell(figures=figures, samples=samples)


def _results() -> Results:
    """One row of every kind, with a failure and a row that was skipped among them."""
    kinds = {
        "false_sharing_passive": catalogue.WORKLOADS,
        "python_extension": catalogue.PROGRAMS,
        "scale_threads/1": catalogue.SCALING,
        "scale_threads/4": catalogue.SCALING,
        "scale_live/1000": catalogue.SCALING,
        "scale_live/10000000": catalogue.SCALING,
        "server_latency": catalogue.LATENCY,
    }
    rows = [
        RowResult(name, group, "", {one: _cell(1 + i) for i, one in enumerate(_NAMES)})
        for name, group in kinds.items()
    ]
    rows[0].cells["jemalloc"] = Cell(failure="crashed", detail="SIGSEGV <&>")
    rows.append(RowResult("z3", catalogue.PROGRAMS, "", skipped="z3 is not installed"))
    return Results(
        machine={"cpu": "a processor <with> a name & more"},
        options={"rounds": 3, "scale": 1.0},
        allocators=dict.fromkeys(_NAMES, "1.0"),
        rows=rows,
        tree={
            operation: {
                "IntervalTree": [[10, 5], [1000000, 60]],
                "absl::btree": [[10, 4], [1000000, 90]],
            }
            for operation in ("Stab hit", "Insert")
        },
    )


_BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


class PageTest(unittest.TestCase):
    def test_nothing_comes_from_the_network_and_nothing_is_run(self) -> None:
        text = page.render(_results())
        self.assertNotRegex(text, r"<script|https?://|@import|<link|<img")
        self.assertIn("&lt;with&gt;", text)

    @unittest.skipUnless(_BROWSER, "there is no chromium here")
    def test_wide(self) -> None:
        self._look(1400)

    @unittest.skipUnless(_BROWSER, "there is no chromium here")
    def test_narrow(self) -> None:
        self._look(500)

    @unittest.skipUnless(_BROWSER, "there is no chromium here")
    def test_as_narrow_as_a_telephone(self) -> None:
        self._look(360)

    def _look(self, width: int) -> None:
        probed = page.render(_results()).replace("</body>", f"{_PROBE}</body>")
        # In a frame, because a headless Chromium's windows are at least 500 pixels wide.
        frame = f'<iframe width="{width}" height="2000" srcdoc="{html.escape(probed)}"></iframe>'
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "page.html"
            file.write_text(f'<!DOCTYPE html><html><meta charset="utf-8"><body>{frame}</body></html>')
            dom = subprocess.run(
                [str(_BROWSER), "--headless", "--no-sandbox", "--disable-gpu",
                 f"--user-data-dir={folder}/profile", "--window-size=1500,2100",
                 "--dump-dom", file.as_uri()],
                capture_output=True, text=True, timeout=120, check=True,
            ).stdout  # fmt: skip
        match = re.search(r'<pre id="probe">(.*?)</pre>', dom, re.DOTALL)
        assert match is not None, "the page did not load"
        found = json.loads(html.unescape(match[1]))
        self.assertEqual(found["errors"], [])
        self.assertEqual(found["small"], [])
        self.assertEqual(found["outside"], [])
        self.assertEqual(found["crossing"], [])
        self.assertLessEqual(found["overflow"], 0)
        self.assertGreater(found["charts"], 6)


if __name__ == "__main__":
    unittest.main()
