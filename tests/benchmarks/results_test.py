"""What is read is checked, what is written need not be possible, and what is asked for is done or refused."""

import copy
import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.harness import catalogue, machine, main, options, process, results
from tests.benchmarks import support

_LIMIT = 60  # Seconds, with room for a busy machine.

_GOOD: dict[str, Any] = {
    "format": results.FORMAT,
    "machine": {"cpu": "one"},
    "options": {"rounds": 3, "scale": 1.0, "asked": [], "rows": 1},
    "allocators": {"glibc": "1", "mymalloc": "2"},
    "rows": [
        {
            "name": "pair",
            "group": catalogue.WORKLOADS,
            "what": "",
            "cells": {
                name: {"figures": {"seconds": [1.0, 1.1, 1]}, "samples": [[0.1, 1, 2]]}
                for name in ("glibc", "mymalloc")
            },
        }
    ],
    "tree": {"Stab hit": {"IntervalTree": [[10, 5.0]], "absl::btree": [[10, 6]]}},
}


def _run(*flags: str, **given: Any) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(support.RUN), *flags],
        stdout=given.pop("stdout", subprocess.PIPE),
        stderr=subprocess.PIPE, text=True, timeout=_LIMIT, check=False, **given,
    )  # fmt: skip


def _changed(*where: Any, value: Any) -> str:
    """_GOOD as JSON, with another value in one place."""
    found = copy.deepcopy(_GOOD)
    part: Any = found
    for step in where[:-1]:
        part = part[step]
    part[where[-1]] = value
    return json.dumps(found)


_WITH_MEMORY = copy.deepcopy(_GOOD)
for _cell in _WITH_MEMORY["rows"][0]["cells"].values():
    _cell["figures"]["peak_rss"] = [9.0, 9.1, 9]

_CELL = ("rows", 0, "cells", "glibc")
_BAD = {
    "no options": _changed("options", value={}),
    "no machine": _changed("machine", value=None),
    "an interrupted run of no length": json.dumps(
        {**_GOOD, "interrupted": True, "options": {"rounds": 3, "scale": 1.0}}
    ),
    "a number as text": _changed("options", "scale", value="1"),
    "rounds that are no number": _changed("options", "rounds", value=True),
    "figures as text": _changed(*_CELL, "figures", "seconds", value=["1", "2"]),
    "one figure": _changed(*_CELL, "figures", "seconds", value=1.0),
    "a time of nothing": _changed(*_CELL, "figures", "seconds", value=[0.0]),
    "no number": _changed(*_CELL, "figures", "seconds", value=[float("nan")]),
    "a sample too short": _changed(*_CELL, "samples", value=[[1.0]]),
    "a cell that is none": _changed(*_CELL, value=[]),
    "an unknown part": _changed("rows", 0, "colour", value="red"),
    "a row without a name": _changed("rows", value=[{"group": "", "what": ""}]),
    "rows that are none": _changed("rows", value={}),
    "an unknown tree": _changed("tree", value={"Climb": {"IntervalTree": []}}),
    "a tree of texts": _changed("tree", value="oak"),
    "a tree without structures": _changed("tree", value={"Stab hit": {}}),
    "a tree of other sizes": _changed("tree", "Stab hit", "absl::btree", value=[[20, 6]]),
    "another version": _changed("format", value=0),
    "a list": "[]",
    "deep": "[" * 100000,
}


class ReadTest(unittest.TestCase):
    def _file(self, folder: str, text: str) -> Path:
        file = Path(folder) / "kept.json"
        file.write_text(text)
        return file

    def test_what_is_not_a_result_is_one_line(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            good = Path(folder) / "good.json"
            good.write_text(json.dumps(_GOOD))
            for name, text in _BAD.items():
                bad = self._file(folder, text)
                with self.subTest(name), self.assertRaises(SystemExit) as refused:
                    results.load(bad)
                self.assertEqual(refused.exception.code, options.REFUSED)
            for flags in ([f"--load={bad}"], [f"--load={good}", f"--compare={bad}"]):
                done = _run(*flags)
                self.assertEqual((done.returncode, done.stdout), (options.REFUSED, ""))
                self.assertRegex(done.stderr, r"\Abenchmarks: [^\n]*kept.json[^\n]+\n\Z")

    def test_what_is_one_is_shown_and_compared(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = self._file(folder, json.dumps(_GOOD))
            done = _run(f"--load={file}", f"--compare={file}", f"--markdown={folder}/m")
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_a_comparison_of_nothing_fails(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            good = Path(folder) / "good.json"
            good.write_text(json.dumps(_GOOD))
            empty = json.dumps({**_GOOD, "rows": [], "tree": {}})
            for text in (empty, _changed("options", "scale", value=0.03)):
                done = _run(f"--load={good}", f"--compare={self._file(folder, text)}")
                self.assertEqual(done.returncode, 1)
                self.assertIn("nothing was compared", done.stderr)

    def test_a_kept_run_cannot_be_asked_for_less(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = self._file(folder, json.dumps(_GOOD))
            for flag in ("--filter=pair", "--only=glibc", "--quick", "--rounds=2"):
                done = _run(f"--load={file}", flag)
                self.assertEqual((done.returncode, done.stdout), (options.REFUSED, ""))
                self.assertIn(flag, done.stderr)


class WriteTest(unittest.TestCase):
    def test_a_full_disk_costs_one_file(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            kept, other = Path(folder) / "kept.json", Path(folder) / "page.html"
            kept.write_text(json.dumps(_WITH_MEMORY))
            for flag in ("--json", "--html", "--markdown", "--picture"):
                outputs = [f"--html={other}"] if flag != "--html" else []
                done = _run(f"--load={kept}", f"{flag}=/dev/full", *outputs)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, rf"\Abenchmarks: {flag}: [^\n]*/dev/full[^\n]*\n\Z")
                self.assertIn("pair", done.stdout)

    def test_nothing_to_draw(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            kept, picture = Path(folder) / "kept.json", Path(folder) / "picture.svg"
            kept.write_text(json.dumps(_GOOD))
            done = _run(f"--load={kept}", f"--picture={picture}")
            self.assertEqual(done.returncode, 1)
            self.assertIn("--picture: nothing to draw", done.stderr)
            self.assertFalse(picture.exists())

    def test_a_reader_that_has_seen_enough(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            kept = Path(folder) / "kept.json"
            kept.write_text(json.dumps(_GOOD))
            for flags in (["--list"], [f"--load={kept}"]):
                reads, writes = os.pipe()
                os.close(reads)
                done = _run(*flags, stdout=writes)
                os.close(writes)
                self.assertEqual((done.returncode, done.stderr), (options.UNREAD, ""))

    def test_no_colour_where_it_is_not_wanted(self) -> None:
        found = results.Results(
            **{name: _GOOD[name] for name in ("machine", "options", "allocators")}
        )
        for no_colour, coloured in (("", True), ("1", False)):
            with (
                mock.patch.dict(os.environ, {"NO_COLOR": no_colour}),
                mock.patch.object(sys.stdout, "isatty", lambda: True, create=True),
                mock.patch("benchmarks.harness.table.render", return_value="") as render,
            ):
                main.show(found)
            self.assertEqual(render.call_args.kwargs["colour"], coloured)


class HonestyTest(unittest.TestCase):
    def test_an_allocator_needs_a_name(self) -> None:
        done = _run("--smoke", "--filter=^pair$", "--allocator==/bin/true")
        self.assertEqual((done.returncode, done.stdout), (options.REFUSED, ""))
        self.assertIn("--allocator", done.stderr)

    def test_nothing_of_the_callers_environment_steers_what_is_measured(self) -> None:
        steering = ("TBB_VERSION", "TBB_MALLOC_USE_HUGE_PAGES", "PYTHONMALLOC", "LD_PRELOAD",
                    "LD_BIND_NOW", "MALLOC_CONF", "MYMALLOC_HARDEN", "GLIBC_TUNABLES")  # fmt: skip
        with mock.patch.dict(os.environ, {**dict.fromkeys(steering, "1"), "HOME": "/"}):
            left = process.environment()
        self.assertEqual(set(steering) & set(left), set())
        self.assertEqual(left["HOME"], "/")

    def test_a_busy_machine_is_said_to_be(self) -> None:
        for load, said in ((0.2, False), (1.0, True)):
            with (
                mock.patch.object(os, "getloadavg", return_value=(load, 0.0, 0.0)),
                mock.patch.object(os, "sched_getaffinity", return_value={0, 1}),
            ):
                self.assertEqual("BUSY" in machine.busy(), said)

    def test_a_note_is_in_every_output_but_makes_no_run_partial(self) -> None:
        found = results.Results(
            **{name: _GOOD[name] for name in ("machine", "options", "allocators")}
        )
        found.notes.append("A NOTE")
        self.assertEqual((found.caveats(), found.partial()), (["A NOTE"], []))


if __name__ == "__main__":
    unittest.main()
