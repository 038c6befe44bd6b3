"""pictures.py BAZEL_BIN FOLDER: what tools/pictures makes, by the library, the command and the programs that are built."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.command.chromium import Chromium
from tools.terminal_picture import picture

# Where the program of the report is said to lie, in place of a folder that is gone when somebody reads it.
_HOME = "/home/me/"
_WIDTH = 1200
_TO_THE_MAP = "document.querySelector('[aria-label=Map]').scrollIntoView()"


class Studio:
    """The programs, a folder for what is made on the way, and a browser."""

    def __init__(self, built: Path, output: Path, scratch: Path) -> None:
        self.output = output
        self.scratch = scratch
        self._command = built / "tools" / "mymalloc"
        self._library = built / "libmymalloc.so"
        self._programs = built / "tests" / "look"
        self._browser = Chromium()

    def close(self) -> None:
        self._browser.close()

    def program(self, name: str, called: str) -> Path:
        return Path(shutil.copy(self._programs / name, self.scratch / called))

    def start(self, name: str, called: str) -> subprocess.Popen[str]:
        """Returns when the program has said a first word; it goes on at the next byte."""
        program = subprocess.Popen(  # pylint: disable=consider-using-with
            [self.program(name, called)],
            env={**os.environ, "LD_PRELOAD": str(self._library)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.listen(program)
        return program

    def listen(self, program: subprocess.Popen[str]) -> None:
        assert program.stdout and program.stdout.readline()

    def go_on(self, program: subprocess.Popen[str]) -> None:
        assert program.stdin
        program.stdin.write("x")
        program.stdin.flush()
        self.listen(program)

    def said(self, *arguments: str) -> str:
        """By the command, to a user: the two streams as a terminal shows them."""
        done = subprocess.run(
            [str(self._command), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout

    def report(self, name: str, called: str) -> str:
        """With names, of a program that misuses the heap."""
        library = f"--library={self._library}"
        said = self.said("run", library, "--harden", "--", str(self.program(name, called)))
        return said.partition("with names:\n")[2].replace(f"{self.scratch}/", _HOME)

    def map(self, target: str, name: str) -> Path:
        """The page."""
        page = self.scratch / f"{name}.html"
        self.said("map", target, "-o", str(page))
        page.write_text(page.read_text().replace(f"{self.scratch}/", _HOME))
        return page

    def shoot(self, page: Path, name: str, *, height: int, address: int = 0) -> None:
        """From its top, or the map with what the address is."""
        self._browser.look(_WIDTH, height)
        self._browser.open(page, f"#{address:#x}" if address else "")
        if address:
            self._browser.evaluate(_TO_THE_MAP)
        self._browser.frame()
        (self.output / f"{name}.png").write_bytes(self._browser.screenshot())


def _report(studio: Studio) -> None:
    text = f"$ mymalloc run --harden -- ./shop\n{studio.report('cancelled_twice', 'shop')}"
    about = "A block is freed twice: what mymalloc says of it"
    (studio.output / "report.svg").write_text(picture(text, about))


def _fragmentation(studio: Studio) -> None:
    program = studio.start("scattered", "scattered")
    studio.shoot(studio.map(str(program.pid), "dense"), "dense", height=640)
    studio.go_on(program)
    studio.shoot(studio.map(str(program.pid), "scattered"), "scattered", height=640)
    program.kill()


def _session_of(studio: Studio, pid: int) -> int:
    """The address of a session that nothing reaches."""
    found = re.search(r"class shop::Session  \(0x([0-9a-f]+)\)", studio.said("leaks", str(pid)))
    assert found
    return int(found[1], 16)


def _freed_block(studio: Studio, target: str) -> int:
    """The address of one that a thread keeps for its next malloc, among live ones."""
    for page in json.loads(studio.said("map", target, "--format=json"))["pages"]:
        if page["states"].count("L") > page["slots"] // 2 and "C" in page["states"]:
            return int(page["address"], 16) + int(page["states"].index("C") * page["stride"])
    raise AssertionError("nothing is free")


def _leak_and_crash(studio: Studio) -> None:
    program = studio.start("leaky_server", "shop")
    page = studio.map(str(program.pid), "leak")
    studio.shoot(page, "leak", height=830, address=_session_of(studio, program.pid))
    core = f"{studio.scratch}/core"
    gcore = ["gcore", "-o", core, str(program.pid)]
    subprocess.run(gcore, check=True, capture_output=True)
    program.kill()
    core += f".{program.pid}"
    address = _freed_block(studio, core) + 8
    studio.shoot(studio.map(core, "crash"), "crash", height=830, address=address)


def main() -> int:
    built, output = map(Path, sys.argv[1:])
    with tempfile.TemporaryDirectory() as scratch:
        studio = Studio(built, output, Path(scratch))
        try:
            for scene in (_report, _fragmentation, _leak_and_crash):
                scene(studio)
        finally:
            studio.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
