"""Each step of docs/tour.md is an allocator: real programs run on it, and it finds what it says it finds."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from benchmarks.harness import paths, process
from benchmarks.steps import tour
from tests.benchmarks import support

_FOLDER = paths.ROOT / "benchmarks" / "steps"
_MOST_LINES = 200
_PATIENCE = 60.0

_LIBRARIES = {
    number: support.artifact(f"benchmarks/steps/libstep{number}_{step}.so")
    for number, step in enumerate(tour.STEPS, 1)
}

_PYTHON = """
import json, os, subprocess, threading
def work(n):
    return json.dumps([{str(i): "x" * (i % 300)} for i in range(n)])
found = []
threads = [threading.Thread(target=lambda n=n: found.append(len(work(n)))) for n in (3000, 4000, 5000)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(sorted(found), subprocess.run(["echo", "from a child"], capture_output=True).stdout)
"""

_SQL = """
CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT);
WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 2000)
INSERT INTO t SELECT n, 'line ' || n * 7919 % 2003 FROM c;
CREATE INDEX i ON t (b);
SELECT count(*), sum(length(b)), max(b) FROM t; DELETE FROM t WHERE a % 3 = 0; SELECT sum(a) FROM t;
"""

_GIT = """
git init -q r && cd r && for i in 1 2 3 4 5; do echo line $i >>f && git add f &&
git -c user.name=n -c user.email=e@localhost commit -q -m "commit $i"; done
git log --format=%s --stat && git gc -q && git fsck && git diff HEAD~2 | tail -2
"""

_PROGRAMS: dict[str, tuple[list[str], str]] = {
    "ls": (["ls", "-lR", "/usr/include/linux"], ""),
    "python3": (["/usr/bin/python3", "-c", _PYTHON], ""),
    "sqlite3": (["sqlite3", ":memory:"], _SQL),
    "git": (["bash", "-ec", _GIT], ""),
    "sort": (
        ["sort", "--parallel=4", "--buffer-size=1M"],
        "".join(f"{i * 2654435761 % 2**32}\n" for i in range(20000)),
    ),
    "bash": (["bash", "-c", "for i in $(seq 20); do (echo $i; echo $i | wc -c); done"], ""),
}


def _run(argv: list[str], given: str, library: str) -> tuple[int, str, str]:
    """How it ended, and what it wrote."""
    environment = {**process.environment(), "PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    if library:
        environment["LD_PRELOAD"] = library
    with tempfile.TemporaryDirectory() as folder:
        environment["HOME"] = folder
        done = subprocess.run(
            argv,
            input=given,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    return done.returncode, done.stdout, done.stderr


class StepsTest(unittest.TestCase):
    def test_no_step_is_longer_than_it_may_be(self) -> None:
        sources = sorted(_FOLDER.glob("step[0-9]_*.cc"))
        self.assertEqual(
            [re.sub(r"step\d_|\.cc", "", one.name) for one in sources], list(tour.STEPS)
        )
        for source in sources:
            self.assertLessEqual(len(source.read_text().splitlines()), _MOST_LINES, source.name)

    def test_it_is_the_step_that_is_asked(self) -> None:
        for library in _LIBRARIES.values():
            code, maps, _ = _run(["cat", "/proc/self/maps"], "", str(library))
            self.assertEqual(code, 0)
            self.assertIn(os.path.basename(library), maps)

    def test_real_programs_do_what_they_do_without(self) -> None:
        for name, (argv, given) in _PROGRAMS.items():
            if shutil.which(argv[0], path="/usr/bin:/bin") is None:
                continue
            without = _run(argv, given, "")
            self.assertEqual(without[0], 0, without)
            self.assertNotEqual(without[1], "", "nothing to compare")
            for number, library in _LIBRARIES.items():
                with self.subTest(program=name, step=number):
                    self.assertEqual(_run(argv, given, str(library)), without)

    def test_alignment_contents_threads_and_fork(self) -> None:
        program = str(support.artifact("tests/benchmarks/step_program"))
        for number, library in _LIBRARIES.items():
            with self.subTest(step=number):
                self.assertEqual(_run([program], "", str(library)), (0, "all is well\n", ""))

    def test_which_bad_frees_each_finds(self) -> None:
        program = str(support.artifact("benchmarks/steps/bad_frees"))
        found = {}
        for number, library in _LIBRARIES.items():
            code, report, _ = _run([program], "", str(library))
            self.assertEqual(code, 0)
            found[number] = json.loads(report)
        self.assertEqual([found[number]["found"] for number in (1, 2, 3)], [0, 0, 0])
        twice = [kind for kind in found[4] if kind.startswith("freed twice")]
        self.assertEqual([found[4][kind] for kind in twice], [1] * len(twice))
        for number in (5, 6, 7):
            self.assertEqual(found[number]["found"], found[number]["misuses"], found[number])


if __name__ == "__main__":
    unittest.main()
