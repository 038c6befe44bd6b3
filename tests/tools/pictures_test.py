"""tools/pictures: that what is drawn is what was printed, and that the picture of a report is still such a report."""

import html
import pathlib
import re
import subprocess
import unittest
from xml.etree import ElementTree

from tools import terminal_picture

REPORT = pathlib.Path("docs/pictures/report.svg")
TYPED = "$ mymalloc run --harden -- ./shop\n"


def words_of(drawing: str) -> str:
    lines = re.findall(r"<text [^>]*>([^<]*)</text>", drawing)
    return " ".join(" ".join(map(html.unescape, lines)).split())


def without_numbers_of_the_run(words: str) -> str:
    words = re.sub(r"0x[0-9a-f]{9,}", "ADDRESS", words)
    words = re.sub(r"build id [0-9a-f]+", "build id", words)
    words = re.sub(r"\(/\S+/", "(FOLDER/", words)
    return re.sub(r"(slot |mymalloc\[)[0-9.]+", r"\1N", words)


class PictureTest(unittest.TestCase):
    def test_every_word_is_there_and_no_line_is_too_long(self) -> None:
        text = f"$ one\n  two {'long ' * 60}\n\n    <three> & \"four\" (build id 0123)\n"
        drawing = terminal_picture.picture(text, 'about <it> & "so"')
        ElementTree.fromstring(drawing)
        self.assertEqual(words_of(drawing), " ".join(text.split()))
        for line in terminal_picture.wrapped(text):
            self.assertLessEqual(len(line), terminal_picture.COLUMNS)

    def test_what_does_not_fit_goes_on_further_in(self) -> None:
        first, second = terminal_picture.wrapped("  " + "word " * 30)
        self.assertTrue(first.startswith("  word"))
        self.assertRegex(second, r"^ {8}word")

    def test_a_build_id_is_not_torn(self) -> None:
        line = "x" * 100 + " (build id 0123456789)"
        self.assertEqual(terminal_picture.wrapped(line)[1].strip(), "(build id 0123456789)")


class ReportTest(unittest.TestCase):
    def test_it_is_what_the_command_says_today(self) -> None:
        done = subprocess.run(
            ["tools/mymalloc", "run", "--library=libmymalloc.so", "--harden", "--"]
            + ["tests/look/cancelled_twice"],
            capture_output=True,
            text=True,
            check=False,
        )
        said = done.stderr.partition("with names:\n")[2]
        now = " ".join((TYPED + said).split()).replace("cancelled_twice+", "shop+")
        drawn = words_of(REPORT.read_text())
        self.assertIn("ClerkTidiesUp", drawn)
        self.assertEqual(
            without_numbers_of_the_run(drawn),
            without_numbers_of_the_run(now),
            "docs/pictures is stale: tools/pictures",
        )


if __name__ == "__main__":
    unittest.main()
