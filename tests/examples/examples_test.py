"""The demonstrations show what they say they show; docs/learn.md shows what they print, and its commands work."""

import pathlib
import re
import subprocess
import unittest

from tests.support import source_tree
from tests.support.source_tree import attempt, need, run

PAGE = pathlib.Path("docs/learn.md").read_text()
LIBRARY = pathlib.Path("libmymalloc.so").resolve()


def program(name: str) -> pathlib.Path:
    return pathlib.Path("examples", name).resolve()


def preloaded(path: pathlib.Path) -> str:
    return run(path, LD_PRELOAD=str(LIBRARY)).stdout


def shape(text: str) -> list[str]:
    """Without what differs from run to run: addresses, the process, what was counted."""
    text = re.sub(r"\b(0x)?[0-9a-f]{12}\b", "ADDRESS", text)
    text = re.sub(r"(ADDRESS-ADDRESS), \d+", r"\1, N", text)
    text = re.sub(r"process \d+", "process N", text)
    text = re.sub(r"(?m)^ *\d+  ([a-z_]+)$", r"N \1", text)
    return [line.rstrip() for line in text.splitlines()]


def code_blocks(text: str) -> list[str]:
    """Each without its indent."""
    found = re.findall(r"(?m)^    .*\n(?:    .*\n|\n(?=    ))*", text)
    return ["\n".join(line[4:] for line in block.splitlines()) for block in found]


def missing_in(block: str, output: list[str]) -> list[str]:
    """The first line of the block that does not follow in the output, if there is one."""
    rest = iter(output)
    for line in shape(block):
        if line.strip() not in ("", "...") and line not in rest:
            return [line]
    return []


class DemoTest(unittest.TestCase):
    def setUp(self) -> None:
        self.linked = run(program("demo")).stdout

    def part(self, title: str) -> str:
        return self.linked.split(f"\n{title}")[1].split("\n\n", maxsplit=1)[1]

    def addresses(self, call: str) -> list[str]:
        return re.findall(rf"(?m)^  {re.escape(call)} +(0x\w+): ", self.linked)

    def test_linked_and_preloaded_it_is_the_same(self) -> None:
        self.assertEqual(shape(self.linked), shape(preloaded(program("plain_demo"))))

    def test_without_the_library_it_says_so(self) -> None:
        done = attempt(program("plain_demo"))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("this is not mymalloc's heap", done.stderr)

    def test_a_free_block_is_used_again(self) -> None:
        self.assertEqual(self.addresses("d = malloc(100)"), self.addresses("b = malloc(100)"))
        self.assertIn("d is where b was", self.linked)
        drawn = re.findall(r"(?m)^    H([#c.=-]+)", self.part("malloc, free"))
        self.assertEqual([slots[:4] for slots in drawn[:2]], ["###-", "#c#-"])

    def test_calloc_clears_what_was_used(self) -> None:
        self.assertEqual(self.addresses("f = calloc(3, 100)"), self.addresses("e = malloc(300)"))
        self.assertIn("of its 300 bytes 300 are zero", self.linked)

    def test_realloc_grows_in_place_or_moves(self) -> None:
        first = self.addresses("g = malloc(100)")
        self.assertEqual(self.addresses("g = realloc(g, 104)"), first)
        self.assertNotEqual(self.addresses("g = realloc(g, 1000)"), first)
        self.assertIn('g is "a text"', self.linked)
        run_of = self.addresses("h = malloc(100000)")
        self.assertEqual(self.addresses("h = realloc(h, 200000)"), run_of)
        drawn = re.findall(r"(?m)^    H(#=+)", self.part("realloc"))
        self.assertGreater(len(drawn[1]), len(drawn[0]))

    def test_at_its_end_nothing_is_live(self) -> None:
        whole = self.linked.split("\nprint_mem_heap(): ")[1]
        self.assertIn("\npage 0x", whole)
        self.assertRegex(whole, r"\n +0  live_blocks\n")


class OsmemDemoTest(unittest.TestCase):
    def setUp(self) -> None:
        self.said = run(program("osmem_demo")).stdout

    def test_a_block_keeps_what_it_took(self) -> None:
        self.assertRegex(
            self.said, r"os_realloc\(a, 100000\) +\(nil\)\n  a +0x\w+: live, .*7 slots"
        )

    def test_what_was_mapped_is_gone(self) -> None:
        gone = re.findall(r"(?m)^ +os_free +0x\w+: free\n +/proc/self/maps: (.*)$", self.said)
        self.assertEqual(
            [what == "nothing is there" for what in gone], [False, True, False, True], self.said
        )


class PageTest(unittest.TestCase):
    def test_it_shows_what_they_print(self) -> None:
        outputs = [
            shape(preloaded(program("plain_demo"))),
            shape(run(program("osmem_demo")).stdout),
        ]
        shown = [
            block for block in code_blocks(PAGE) if re.search(r"(?m)\b0x\w{12}\b|^slots:", block)
        ]
        self.assertGreaterEqual(len(shown), 10)
        for block in shown:
            self.assertIn([], [missing_in(block, output) for output in outputs], block)

    def commands(self, heading: str) -> str:
        return code_blocks(PAGE.split(f"\n## {heading}\n")[1])[0]

    def typed(self, commands: str, scratch: pathlib.Path) -> subprocess.CompletedProcess[str]:
        """Into a shell, in the folder of the runfiles: it has what a clone has, and what bazel-bin has."""
        commands = commands.replace("/tmp/", f"{scratch}/").replace("bazel-bin/", "")
        done = subprocess.run(["bash"], input=commands, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def test_the_program_is_built_plainly_and_preloaded(self) -> None:
        need("gcc")
        scratch = source_tree.scratch_folder("plain")
        done = self.typed(self.commands("The same program, preloaded"), scratch)
        self.assertIn("this is not mymalloc's heap", done.stderr)
        self.assertIn("print_mem_heap()", done.stdout)

    def test_a_shell_session(self) -> None:
        done = self.typed(
            self.commands("A whole shell session"), source_tree.scratch_folder("session")
        )
        mapped, *listed = done.stdout.splitlines()
        self.assertGreater(int(mapped), 0)
        self.assertEqual(len(listed), 3, done.stdout)

    def test_a_library_beside_the_program(self) -> None:
        need("gcc")
        scratch = source_tree.scratch_folder("beside")
        done = self.typed(self.commands("A library beside the program"), scratch)
        self.assertIn(f"calling init: {scratch}/beside/libmymalloc.so.1\n", done.stdout)
        linked = code_blocks(PAGE)[-1]
        self.assertIn("-o /tmp/beside/osmem", linked)
        done = self.typed(linked, scratch)
        self.assertIn("os_realloc(a, 100000)       (nil)", done.stdout)


if __name__ == "__main__":
    unittest.main()
