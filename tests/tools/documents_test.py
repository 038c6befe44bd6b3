"""tools/documents.py: each kind of what can be wrong is found, and nothing is that is right."""

import pathlib
import tempfile
import unittest

from tools import documents

GOOD = {
    "README.md": """# It

[How](docs/how.md#two-words--and-more) ![seen](docs/pictures/a.svg) [there](docs/) [away](https://example.com/x)
`[no](link)` and `tools/run`, `//room:one_test`, `//room`, `//room/...`, `libmymalloc.so.3`, `libmymalloc3`

    tools/run ls               # [no](link.md)
    bazel build //room:made //...
    mymalloc find PID
""",
    "docs/how.md": "# Two `words`, & more\n\n## Two `words`, & more\n\n[up](../README.md#it) [here](#two-words--more-1)\n",
    "docs/pictures/a.svg": "",
    "room/BUILD": 'name = "made"\nname = name + "_test" for name in ["one"]\n',
    "tools/run": "",
    "tools/command/find.cc": "Subcommand FindCommand() {",
    "mymalloc/mymalloc.h": "#define MYMALLOC_VERSION_MAJOR 3\n",
}
GOOD["README.md"] = GOOD["README.md"].replace("two-words--and-more", "two-words--more")

# What is changed, and into what; and what is then said.
FLAWS = (
    ("docs/how.md#two", "docs/who.md#two", "docs/who.md#two-words--more leads nowhere"),
    ("#two-words--more)", "#two-worlds)", "docs/how.md#two-worlds: there is no such heading"),
    ("`tools/run`", "`tools/ran`", "tools/ran: there is no such tool"),
    ("    tools/run", "    tools/ran", "tools/ran: there is no such tool"),
    ("one_test", "two_test", "//room:two_test: there is no such target"),
    ("`//room`", "`//moor`", "//moor: there is no such package"),
    ("//room/...", "//moor/...", "//moor/...: there is no such folder"),
    ("//room:made //...", "//room", "//room: there is no such target"),
    ("mymalloc find", "mymalloc fund", "mymalloc fund: there is no such subcommand"),
    ("so.3", "so.2", "libmymalloc.so.2: the major version is 3"),
    ("libmymalloc3", "libmymalloc2", "`libmymalloc2`: the major version is 3"),
    ("pictures/a.svg", "", "docs/pictures/a.svg: no document shows it"),
)


def faults(files: dict[str, str]) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return documents.faults_of(documents.Tree(pathlib.Path(folder), list(files)))


class DocumentsTest(unittest.TestCase):
    def test_what_is_right_is_let_pass(self) -> None:
        self.assertEqual(faults(GOOD), [])

    def test_each_flaw_is_found(self) -> None:
        for before, after, said in FLAWS:
            with self.subTest(flaw=said):
                self.assertIn(before, GOOD["README.md"])
                text = GOOD["README.md"].replace(before, after, 1)
                found = faults({**GOOD, "README.md": text})
                self.assertTrue(any(said in one for one in found), found)

    def test_a_file_that_is_gone(self) -> None:
        files = dict(GOOD)
        del files["tools/run"]
        self.assertEqual(len(faults(files)), 2)


if __name__ == "__main__":
    unittest.main()
