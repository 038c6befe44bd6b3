"""The commands of README, as they stand there: those that install and link, and those that look at a heap."""

import os
import pathlib
import re
import subprocess
import unittest

from tests.support import document, source_tree

README = "README.md"
PROGRAM = (
    "#include <stdlib.h>\nint main(void) { void* volatile p = malloc(9); free(p); return 0; }\n"
)


class InstallingTest(unittest.TestCase):
    def test_it_is_installed_run_and_linked_with_as_it_says(self) -> None:
        scratch = source_tree.scratch_folder("readme")
        source_tree.copy_sources(scratch)
        (scratch / "prog.c").write_text(PROGRAM)
        commands = document.commands(README, "Installing it, linking with it")
        self.assertEqual(len(commands.splitlines()), 5, commands)
        done = subprocess.run(
            ["bash", "-exc", commands],
            cwd=scratch,
            env={**os.environ, "HOME": str(scratch / "home")},
            input="echo in $LD_PRELOAD; cat /proc/self/maps",
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn(f"in {scratch}/home/.local/lib/libmymalloc.so.", done.stdout)
        self.assertRegex(
            done.stdout, rf"{scratch}/home/\.local/lib/libmymalloc\.so\.\d+\.\d+\.\d+\n"
        )
        self.assertRegex(done.stdout, rf"calling init: {scratch}/(\./)?libmymalloc\.so\.\d\n")


class LookingTest(unittest.TestCase):
    def test_the_command_does_what_it_is_shown_to_do(self) -> None:
        scratch = source_tree.scratch_folder("looking")
        tools = pathlib.Path("tools").resolve()
        library = pathlib.Path("libmymalloc.so").resolve()
        with subprocess.Popen(
            [pathlib.Path("tests/look/leaky_server").resolve()],
            env={**os.environ, "LD_PRELOAD": str(library)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as server:
            assert server.stdin and server.stdout
            self.assertEqual(server.stdout.readline(), "ready\n")
            maps = pathlib.Path(f"/proc/{server.pid}/maps").read_text()
            commands = document.commands(README, "When memory is the question")
            commands = commands.replace("PID", str(server.pid)).replace("prog argument", "true")
            commands = commands.replace("ADDRESS", maps.partition("-")[0])
            done = subprocess.run(
                ["bash", "-exc", commands.replace("run --", f"run --library={library} --")],
                cwd=scratch,
                env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
                capture_output=True,
                text=True,
                check=False,
            )
            server.stdin.close()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("leaky_server", (scratch / "F.html").read_text())
        self.assertRegex(done.stdout, r"0x[0-9a-f]+: not the heap's")

    def test_the_other_subcommands_that_are_named_are_there(self) -> None:
        named = re.search(
            r"also ([\w, ]+)", document.commands(README, "When memory is the question")
        )
        assert named
        for name in named[1].split(", "):
            help_text = source_tree.run(pathlib.Path("tools/mymalloc"), name, "--help").stdout
            self.assertIn(f"usage: mymalloc {name}", help_text)


if __name__ == "__main__":
    unittest.main()
