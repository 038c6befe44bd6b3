"""tools/site on the documents as they are: no link is broken, nothing comes from elsewhere, and it looks like pages."""

import functools
import html.parser
import os
import pathlib
import re
import unittest
import urllib.parse

from tests.command import chromium
from tests.support import source_tree
from tests.support.source_tree import attempt, run

# The documents link to files of all folders: the site is made in the checkout, from which the runfiles are.
CHECKOUT = pathlib.Path("README.md").resolve().parent

_LOADING = {"src", "srcset", "poster", "data"}
_WIDTHS = (1200, 400)
_OWN = re.compile(r"asks for (file|blob|data):")
_TOO_WIDE = "document.documentElement.scrollWidth - window.innerWidth"


class Page(html.parser.HTMLParser):
    """What a page links to, loads, and can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            if value and (name in _LOADING or (tag == "link" and name == "href")):
                self.loads.append(value)
            elif value and name == "href":
                self.links.append(value)


@functools.cache
def made() -> pathlib.Path:
    site = source_tree.scratch_folder("site") / "site"
    run(CHECKOUT / "tools" / "site", f"--output={site}", PYTHONDONTWRITEBYTECODE="1")
    return site


class Site(unittest.TestCase):
    site: pathlib.Path
    pages: dict[pathlib.Path, Page]

    @classmethod
    def setUpClass(cls) -> None:
        source_tree.need("git")
        source_tree.need_set_up("site")
        cls.site = made()
        cls.pages = {path: Page(path.read_text()) for path in cls.site.rglob("*.html")}


class PagesTest(Site):
    def test_every_document_is_a_page_that_the_first_leads_to(self) -> None:
        first = self.pages[self.site / "index.html"].links
        documents = [str(path) for path in pathlib.Path("docs").glob("*.md")]
        for name in (*documents, "CONTRIBUTING.md", "CHANGELOG.md"):
            self.assertIn(f"{name.removesuffix('.md')}.html", first)
        self.assertGreater(len(first), 30)

    def test_no_link_is_broken(self) -> None:
        broken = []
        for path, page in self.pages.items():
            for link in [*page.links, *page.loads]:
                url = urllib.parse.urlsplit(link)
                if url.scheme or url.netloc:
                    continue
                linked = pathlib.Path(
                    os.path.normpath(path.parent / urllib.parse.unquote(url.path))
                )
                linked = path if not url.path else linked
                known = self.pages[linked].anchors if linked in self.pages else set()
                if not linked.is_file() or (url.fragment and url.fragment not in known):
                    broken.append(f"{path.relative_to(self.site)}: {link}")
        self.assertEqual(broken, [])

    def test_nothing_is_loaded_from_elsewhere(self) -> None:
        for path, page in self.pages.items():
            outside = [link for link in page.loads if urllib.parse.urlsplit(link).netloc]
            self.assertEqual(outside, [], path)
        for style in self.site.rglob("*.css"):
            self.assertNotRegex(style.read_text(), r"(@import|url\()\s*[\"']?(https?:)?//", style)

    def test_lists_are_lists_and_tables_tables(self) -> None:
        for path in self.pages:
            self.assertNotRegex(path.read_text(), r"<p>[^<]*\n(- |\d\. |\|)", path)

    def test_a_folder_of_somebody_elses_is_left_alone(self) -> None:
        folder = source_tree.scratch_folder("other")
        (folder / "letter").write_text("dear")
        done = attempt(CHECKOUT / "tools" / "site", f"--output={folder}")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("was not made by tools/site", done.stderr)
        self.assertEqual((folder / "letter").read_text(), "dear")


@unittest.skipUnless(chromium.BROWSER, "there is no chromium here")
class LookedAtTest(Site):
    def setUp(self) -> None:
        self.browser = chromium.Chromium()
        self.addCleanup(self.browser.close)

    def test_it_is_as_wide_as_the_window_and_asks_nothing_of_the_network(self) -> None:
        for width in _WIDTHS:
            for theme in ("light", "dark"):
                self.browser.look(width, 900, theme)
                for path in self.pages:
                    self.browser.open(path)
                    self.browser.frame()
                    self.assertLessEqual(self.browser.evaluate(_TOO_WIDE), 0, path)
                    said = [one for one in self.browser.complaints() if not _OWN.match(one)]
                    self.assertEqual(said, [], path)

    def test_the_theme_is_the_systems(self) -> None:
        colours = set()
        for theme in ("light", "dark"):
            self.browser.look(1200, 900, theme)
            self.browser.evaluate("try { localStorage.clear() } catch { }")
            self.browser.open(self.site / "index.html")
            self.browser.frame()
            colours.add(self.browser.evaluate("getComputedStyle(document.body).backgroundColor"))
        self.assertEqual(len(colours), 2, colours)

    # From a disk, where a page may fetch nothing.
    def test_the_search_finds(self) -> None:
        self.browser.look(1200, 900)
        self.browser.open(self.site / "index.html", "?q=quarantine")
        found = self.browser.evaluate(
            """new Promise(done => {
              const look = left => {
                const links = [...document.querySelectorAll('.md-search-result__link')];
                if (links.length || !left) done(links.map(link => link.getAttribute('href')));
                else setTimeout(look, 100, left - 1);
              };
              look(100);
            })"""
        )
        self.assertTrue(any("docs/" in link for link in found), found)


if __name__ == "__main__":
    unittest.main()
