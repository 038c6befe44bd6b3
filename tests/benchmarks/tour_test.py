"""docs/tour.md: its figures are those of docs/tour.json, which is a whole run, and it shows what the programs print."""

import contextlib
import copy
import io
import re
import shutil
import subprocess
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness import allocators, paths, process, results
from benchmarks.harness.results import Results
from benchmarks.steps import tour, tour_page, tour_picture
from tests.benchmarks import support

_AGAIN = "measure anew: bazel run -c opt //benchmarks/steps"
_SHOW = "bazel run -c opt //benchmarks/steps -- --load"
_DOCS = paths.ROOT / "docs"
_PATIENCE = 60.0

# The first step needs time without end for some programs.
_MAY_TAKE_TOO_LONG = "1 first fit"


def _lacks(kept: Results) -> list[str]:
    """Why these are not the figures of a whole run of a clean commit."""
    found = list(kept.partial())
    if kept.options["rounds"] < tour.ROUNDS or kept.options["scale"] != 1:
        found.append(f"{tour.ROUNDS} rounds of all of the work")
    if "dirty" in kept.machine["commit"] or kept.machine["commit"] == "unknown":
        found.append(f"a clean commit, not {kept.machine['commit']}")
    steps = [f"{number} {step.replace('_', ' ')}" for number, step in enumerate(tour.STEPS, 1)]
    if list(kept.allocators) != [allocators.BASELINE, *steps, allocators.OURS]:
        found.append("glibc, the steps and mymalloc")
    for column in tour_page.COLUMNS:
        row = kept.row(column.row)
        for name in kept.allocators:
            cell = row.cells.get(name) if row else None
            if row is None or cell is None:
                found.append(f"{column.title} of {name}")
            elif name == _MAY_TAKE_TOO_LONG and cell.failure == tour_page.TIMED_OUT:
                continue
            elif cell.failure or column.value(row, name) is None:
                found.append(f"{column.title} of {name}: {cell.failure}")
            elif column.row != "bad_frees" and len(cell.figures["seconds"]) < tour.ROUNDS:
                found.append(f"{tour.ROUNDS} rounds of {column.title} of {name}")
    return found


def _quick(kept: Results) -> None:
    kept.options["asked"] = ["--quick"]


def _dirty(kept: Results) -> None:
    kept.machine["commit"] = "deadbeef-dirty"


def _without_a_step(kept: Results) -> None:
    del kept.allocators["4 bitmap pages"]


def _without_a_row(kept: Results) -> None:
    kept.rows.pop()


def _failed(kept: Results) -> None:
    kept.rows[0].cells["7 owners"].failure = "crashed"


def _fewer_rounds(kept: Results) -> None:
    kept.rows[0].cells["7 owners"].figures["seconds"].pop()


_FLAWS: tuple[Callable[[Results], None], ...] = (
    *(_quick, _dirty, _without_a_step),
    *(_without_a_row, _failed, _fewer_rounds),
)


def _code_blocks(section: str) -> list[list[str]]:
    """The lines of each of the section's blocks of code, by its heading."""
    text = (_DOCS / "tour.md").read_text().split(f"\n## {section}\n")[1].split("\n## ")[0]
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("    "):
            found[-1].append(line[4:])
        elif found[-1]:
            found.append([])
    return [block for block in found if block]


def _shape(lines: list[str]) -> list[str]:
    """Without what differs from run to run: addresses, and where a page's header lies."""
    kept = []
    for line in lines:
        drawn = re.fullmatch(r"  ([H#\-.cq=!]{64})", line)
        if drawn:
            line = drawn[1][:2] if drawn[1][0] == "H" else ""
        line = re.sub(r"0x[0-9a-f]+", "ADDRESS", line)
        line = re.sub(r"slot \d+ and", "slot N and", line)
        kept.append(line.rstrip())
    return [line for line in kept if line and not line.startswith("process ")]


class _Followed:
    """one_block, under mymalloc; it waits after its first malloc."""

    def __init__(self, waits: bool) -> None:
        # pylint: disable-next=consider-using-with  # end() waits for it.
        self.process = subprocess.Popen(
            [str(support.artifact("benchmarks/steps/one_block")), *(["--wait"] if waits else [])],
            env={**process.environment(), "LD_PRELOAD": str(support.artifact("libmymalloc.so"))},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def waits_at(self) -> tuple[str, str]:
        """The number of the process, and the address of its block."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            found = re.fullmatch(r"process (\d+), block (0x[0-9a-f]+)\n", line)
            if found:
                return found[1], found[2]
        raise AssertionError("it does not say where its block is")

    def end(self) -> str:
        return self.process.communicate(timeout=_PATIENCE)[0]


def _output(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, timeout=_PATIENCE, check=False)


class FiguresTest(unittest.TestCase):
    def setUp(self) -> None:
        self.kept = results.load(_DOCS / "tour.json")

    def test_it_is_a_whole_run(self) -> None:
        self.assertEqual(_lacks(self.kept), [], _AGAIN)

    def test_a_run_that_lacks_something_is_noticed(self) -> None:
        for flaw in _FLAWS:
            with self.subTest(flaw=flaw.__name__):
                stripped = copy.deepcopy(self.kept)
                flaw(stripped)
                self.assertNotEqual(_lacks(stripped), _lacks(self.kept))

    def test_as_many_misuses_as_the_page_speaks_of(self) -> None:
        row = self.kept.row("bad_frees")
        assert row is not None
        self.assertEqual(row.median(allocators.OURS, "misuses"), 11)

    def test_the_page_has_the_figures(self) -> None:
        page = (_DOCS / "tour.md").read_text()
        self.assertTrue(page == tour_page.renewed(page, self.kept), f"tour.md is stale: {_SHOW}")
        self.kept.rows[0].cells["7 owners"].figures["seconds"] = [12.0]
        self.assertNotEqual(page, tour_page.renewed(page, self.kept), "the figures are not in it")

    def test_the_picture_has_the_figures(self) -> None:
        picture = (_DOCS / "tour.svg").read_text()
        self.assertTrue(picture == tour_picture.draw(self.kept), f"tour.svg is stale: {_SHOW}")

    def test_a_page_without_a_place_for_the_figures_is_refused(self) -> None:
        page = (_DOCS / "tour.md").read_text()
        with self.assertRaises(ValueError):
            tour_page.renewed(page.replace("<!-- end of figures -->", ""), self.kept)


class CommandTest(unittest.TestCase):
    def test_it_measures_and_writes(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            shutil.copy(_DOCS / "tour.md", folder)
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                self.assertEqual(tour.main(["--quick", f"--folder={folder}"]), 0)
            found = results.load(folder / "tour.json")
            self.assertIn("NOT THE WHOLE RUN", printed.getvalue())
            self.assertIn(tour_page.table(found), printed.getvalue())
            self.assertIn(tour_page.table(found), (folder / "tour.md").read_text())
            self.assertEqual((folder / "tour.svg").read_text(), tour_picture.draw(found))
            failures = {
                name for row in found.rows for name, cell in row.cells.items() if cell.failure
            }
            self.assertLessEqual(failures, {_MAY_TAKE_TOO_LONG})

    def test_without_a_page_it_measures_nothing(self) -> None:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
            self.assertNotEqual(tour.main([f"--folder={folder}"]), 0)


class FollowedTest(unittest.TestCase):
    def setUp(self) -> None:
        self.blocks = _code_blocks("One malloc, one free")

    def _block(self, first: str) -> list[str]:
        found = [block for block in self.blocks if block[0].startswith(first)]
        self.assertEqual(len(found), 1, first)
        return found[0]

    def test_it_is_what_the_program_prints(self) -> None:
        told = [block for block in self.blocks if not block[0].startswith(("$ ", "bazel "))]
        shown = _shape([line for block in told for line in block])
        self.assertEqual(shown, _shape(_Followed(waits=False).end().splitlines()))

    def test_it_is_what_the_command_says(self) -> None:
        followed = _Followed(waits=True)
        number, address = followed.waits_at()
        command = str(support.artifact("tools/mymalloc"))
        done = _output(command, "find", number, address)
        followed.end()
        self.assertEqual(
            _shape(self._block("$ mymalloc find")[1:]), _shape(done.stdout.splitlines())
        )

    def test_it_is_what_gdb_says(self) -> None:
        if shutil.which("gdb") is None:
            self.skipTest("gdb is not installed")
        followed = _Followed(waits=True)
        number, address = followed.waits_at()
        command = support.artifact("tools/mymalloc")
        first = f"source {support.artifact('tools/gdb/mymalloc-gdb.py')}"
        then = (f'set $mymalloc_command = "{command}"', f"mymalloc find {address}")
        asked = [word for one in (first, *then) for word in ("-ex", one)]
        done = _output("gdb", "-nx", "-batch", "-p", number, *asked)
        followed.end()
        if "ptrace" in done.stderr:
            self.skipTest(done.stderr)
        shown = "\n".join(_shape(self._block("$ gdb")[2:]))
        self.assertIn(shown, "\n".join(_shape(done.stdout.splitlines())), done.stderr)


if __name__ == "__main__":
    unittest.main()
