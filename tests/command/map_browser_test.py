"""The map's page in a real browser: of no, few, a thousand and a million pages."""

import json
import subprocess
import tempfile
import time
import unittest
from pathlib import Path
from typing import Any

from tests.command import chromium

_SAMPLE = Path("tests/command/map_page_sample")
_WIDTHS = (360, 700, 1400)
_HEIGHT = 900

# The first page of the sample: 256 slots of 16 bytes, 13 of them the header's, the others live.
_FIRST_PAGE = 0x7F2A40000000
_PLAIN_BLOCK = _FIRST_PAGE + 20 * 16
_TYPED_BLOCK = _FIRST_PAGE + 21 * 16
_HOSTILE_BLOCK = (
    _FIRST_PAGE + 27 * 16
)  # Its type has the name of an element that would run a script.

_STATES = {
    "L": "in use",
    "R": "in use: the first slot of a long block",
    "r": "in use: a long block goes on here",
    "F": "free, and perhaps resident",
    "c": "free, and not resident",
    "C": "free, but a thread keeps it for its next malloc",
    "Q": "freed, and held back from use for a while",
    "H": "the page's own",
}

# What text is too small, or too much like what is behind it; and by how much the page is too wide.
_LOOKS = """
(() => {
  const parts = colour => colour.match(/[0-9.]+/g).map(Number);
  const part = value => value <= 10 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const behind = one => {
    for (; one; one = one.parentElement) {
      const colour = parts(getComputedStyle(one).backgroundColor);
      if (colour.length === 3) return colour;
    }
    return [255, 255, 255];
  };
  const flaws = [];
  let texts = 0;
  for (const one of document.querySelectorAll('body *')) {
    const shown = one.checkVisibility() && !one.closest('script, style, noscript, option');
    const own = [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!shown || !own || one.disabled) continue;
    texts += 1;
    const pair = [light(parts(getComputedStyle(one).color)), light(behind(one))].sort((a, b) => b - a);
    const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (contrast < 4.5) flaws.push(`${one.textContent.slice(0, 40)}: contrast ${contrast}`);
    if (one.getBoundingClientRect().height < 10) flaws.push(`${one.textContent}: too small`);
  }
  return {flaws, texts, overflow: document.documentElement.scrollWidth - window.innerWidth};
})()
"""

_COLOURS = """
(() => {
  const {width, height} = document.getElementById('map');
  const copy = Object.assign(document.createElement('canvas'), {width, height});
  const context = copy.getContext('2d', {willReadFrequently: true});
  context.drawImage(document.getElementById('map'), 0, 0);
  const {data} = context.getImageData(0, 0, width, height);
  const seen = new Map();
  for (const word of new Uint32Array(data.buffer)) seen.set(word, (seen.get(word) ?? 0) + 1);
  return [...seen.values()].filter(count => count > 30).length;
})()
"""


@unittest.skipUnless(chromium.BROWSER, "there is no chromium here")
class MapBrowserTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()  # pylint: disable=consider-using-with
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.browser = chromium.Chromium()
        self.addCleanup(self.browser.close)

    def sample(self, what: int | str) -> Path:
        path = self.folder / f"{what}.html"
        with path.open("wb") as file:
            subprocess.run([_SAMPLE, str(what)], stdout=file, check=True)
        return path

    def text(self, name: str) -> str:
        return str(self.browser.evaluate(f"document.getElementById('{name}').innerText"))

    def choose(self, name: str, value: str) -> None:
        self.browser.evaluate(
            f"(one => {{ one.value = '{value}'; one.dispatchEvent(new Event('change')); }})"
            f"(document.getElementById('{name}'))"
        )
        self.browser.frame()

    def search(self, address: int) -> None:
        self.browser.evaluate(f"document.getElementById('address').value = '{address:#x}'")
        self.browser.evaluate("document.getElementById('tools').requestSubmit()")
        self.browser.frame()

    def corner(self, selector: str) -> tuple[float, float]:
        box = self.browser.evaluate(
            f"(box => [box.left, box.top])(document.querySelector('{selector}')"
            ".getBoundingClientRect())"
        )
        return float(box[0]), float(box[1])

    def expect_no_complaints(self) -> None:
        self.assertEqual(self.browser.complaints(), [])

    def test_layout_in_both_themes_and_all_widths(self) -> None:
        for pages in (0, 12, 1000):
            path = self.sample(pages)
            for theme in ("light", "dark"):
                for width in _WIDTHS:
                    with self.subTest(pages=pages, theme=theme, width=width):
                        self.browser.look(width, _HEIGHT, theme)
                        self.browser.open(path)
                        self.search(_TYPED_BLOCK)
                        found = self.browser.evaluate(_LOOKS)
                        self.assertEqual(found["flaws"], [])
                        self.assertGreater(found["texts"], 40)
                        self.assertLessEqual(found["overflow"], 0)
                        self.assertGreaterEqual(self.browser.evaluate(_COLOURS), 3)
                        self.expect_no_complaints()

    def test_search_tells_the_block(self) -> None:
        path = self.sample(12)
        self.browser.look(1400, _HEIGHT)
        self.browser.open(path, f"#{_TYPED_BLOCK + 3:#x}")
        details = self.text("details")
        for part in (f"Block {_TYPED_BLOCK:#x}", "in use", "8 bytes", "std::vector<orders::Line>"):
            self.assertIn(part, details)
        self.assertIn("3 bytes into", self.text("said"))
        self.search(_PLAIN_BLOCK)
        self.assertIn(f"Block {_PLAIN_BLOCK:#x}", self.text("details"))
        self.search(_FIRST_PAGE)
        self.assertIn("No block", self.text("details"))
        self.search(0x1234)
        self.assertIn("is not in this heap", self.text("said"))
        self.search(0x7FA000000000)
        self.assertIn("Large block 0x7fa000000000", self.text("details"))
        self.expect_no_complaints()

    def details_of(self, addresses: list[int]) -> list[str]:
        """What a search for each of them shows."""
        return list(
            self.browser.evaluate(
                f"""
                {[hex(address) for address in addresses]}.map(address => {{
                  document.getElementById('address').value = address;
                  document.getElementById('tools').requestSubmit();
                  return document.getElementById('details').innerText.replaceAll('\u202f', '');
                }})"""
            )
        )

    def expect_slot(self, page: dict[str, Any], slot: int, details: str) -> None:
        state = page["states"][slot]
        self.assertIn(f"State\n{_STATES[state]}\n", details)
        block = details.partition("Its page")[0]
        if state not in "HRr":
            self.assertIn(f"Size\n{page['stride'] - 8} bytes", block)
            self.assertIn(f"Slot\n{slot}\n", block)
        types = page.get("types", {})
        self.assertEqual("Type\n" in block, str(slot) in types)
        self.assertIn(types.get(str(slot), ""), block)

    def test_every_state_and_type_is_as_the_heap_has_it(self) -> None:
        text = subprocess.run([_SAMPLE, "80", "json"], stdout=subprocess.PIPE, check=True).stdout
        self.browser.look(1400, _HEIGHT)
        self.browser.open(self.sample(80))
        seen = set()
        for page in json.loads(text)["pages"]:
            slots = range(0, page["slots"], 5)
            first = int(page["address"], 16)
            found = self.details_of([first + slot * page["stride"] for slot in slots])
            for slot, details in zip(slots, found):
                self.expect_slot(page, slot, details)
                seen.add(page["states"][slot])
        self.assertEqual(seen, set(_STATES))
        self.expect_no_complaints()

    def test_a_hostile_type_is_only_text(self) -> None:
        self.browser.look(1400, _HEIGHT)
        self.browser.open(self.sample(12), f"#{_HOSTILE_BLOCK:#x}")
        self.assertIn("<img src=x", self.text("details"))
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('img').length"), 0)
        self.assertEqual(self.browser.evaluate("document.title"), "Heap of sample (4711)")
        self.expect_no_complaints()

    def test_a_hostile_heap_is_shown_as_far_as_it_can_be(self) -> None:
        path = self.sample("hostile")
        for width in _WIDTHS:
            self.browser.look(width, _HEIGHT)
            self.browser.open(path)
            for group in ("heap", "none", "class"):
                self.choose("group", group)
                for button in ("fit", "in", "in", "out"):
                    self.browser.evaluate(f"document.getElementById('{button}').click()")
                    self.browser.frame()
            left, top = self.corner("#map")
            for i in range(0, 400, 8):
                self.browser.click(left + 100 + i / 4, top + i)
            for address in (16, 17, 4096, 2**63, 2**64 - 1):
                self.search(address)
            self.assertRegex(str(self.browser.evaluate("document.title")), "^Heap of </script>")
            overflow = "document.documentElement.scrollWidth - window.innerWidth"
            self.assertLessEqual(self.browser.evaluate(overflow), 0)
            self.expect_no_complaints()

    def test_hover_and_click_tell_what_is_there(self) -> None:
        self.browser.look(1400, _HEIGHT)
        self.browser.open(self.sample(1))
        self.search(_PLAIN_BLOCK)
        left, top = self.corner("#chosen")
        self.browser.press("Escape")
        self.assertEqual(self.browser.evaluate("document.getElementById('chosen').hidden"), True)
        self.browser.point(left + 4, top + 4)
        self.assertEqual(self.text("tip"), f"{_PLAIN_BLOCK:#x}\n8 bytes, in use")
        self.browser.click(left + 4, top + 4)
        self.browser.frame()
        self.assertIn(f"Block {_PLAIN_BLOCK:#x}", self.text("details"))
        time.sleep(0.5)  # The address follows when no other comes for a while.
        self.assertEqual(self.browser.evaluate("location.hash"), f"#{_PLAIN_BLOCK:#x}")
        self.expect_no_complaints()

    def test_keys_do_what_the_pointer_does(self) -> None:
        self.browser.look(1400, _HEIGHT)
        self.browser.open(self.sample(1000))
        self.browser.evaluate("document.getElementById('frame').focus()")
        self.browser.press("ArrowRight")
        first = self.text("details")
        self.assertIn("Page 0x", first)
        self.browser.press("ArrowRight")
        self.assertNotEqual(self.text("details"), first)
        self.browser.press("Enter")
        self.browser.press("End")
        self.assertIn("Slot\n255", self.text("details"))
        before = self.text("level")
        self.browser.evaluate("document.getElementById('frame').focus()")
        self.browser.press("+")
        self.assertNotEqual(self.text("level"), before)
        self.browser.press("0")
        self.assertEqual(self.text("level"), before)
        self.browser.press("/")
        self.assertEqual(self.browser.evaluate("document.activeElement.id"), "address")
        self.expect_no_complaints()

    def test_filters_orders_and_groups(self) -> None:
        self.browser.look(1400, _HEIGHT)
        self.browser.open(self.sample(1000))
        self.choose("filter", "sparse")
        self.assertRegex(self.text("said"), r"^\d+ pages of 1.000: sparse pages\.$")
        self.choose("filter", "all")
        for name, value in (("group", "heap"), ("group", "none"), ("order", "empty")):
            self.choose(name, value)
            self.assertGreaterEqual(self.browser.evaluate(_COLOURS), 3)
        self.expect_no_complaints()

    def test_a_million_pages(self) -> None:
        """Times are printed, and held to limits that a busy machine keeps."""
        path = self.sample(1000000)
        self.browser.look(1400, _HEIGHT)
        self.browser.open(path)
        seen = self.browser.evaluate("performance.getEntriesByName('map')[0].startTime") / 1000
        loaded = self.browser.evaluate("performance.now()") / 1000
        print(
            f"{path.stat().st_size >> 20} MiB: seen after {seen:.2f} s, all there after {loaded:.2f} s"
        )
        self.assertLess(seen, 20)
        left, top = self.corner("#map")
        slowest = 0.0
        for i in range(20):
            begin = time.monotonic()
            self.browser.point(left + 200 + 20 * i, top + 8)
            self.browser.frame()
            slowest = max(slowest, time.monotonic() - begin)
            self.assertIn("pages\n", self.text("tip"))
        print(f"hover: at most {1000 * slowest:.0f} ms, two frames among them")
        self.assertLess(slowest, 2)
        self.search(_TYPED_BLOCK)
        self.assertIn("std::vector<orders::Line>", self.text("details"))
        self.assertIn("px a slot", self.text("level"))
        self.expect_no_complaints()


if __name__ == "__main__":
    unittest.main()
