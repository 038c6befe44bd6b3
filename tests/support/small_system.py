"""A system of a test's own: a root with a few of this system's programs, in namespaces (bubblewrap). What a command
does to it changes nothing outside of it, and root in it is nobody outside."""

import pathlib
import re
import shutil
import subprocess
import unittest

from tests.support.source_tree import attempt, need

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class SmallSystem:
    """Skips the test where none can be made."""

    def __init__(self, root: pathlib.Path, *programs: str) -> None:
        need("bwrap")
        self.root = root
        self.mounts: list[str] = []  # bwrap's own flags
        for name in ("bin", "sbin", "lib", "lib64"):
            (root / "usr" / name).mkdir(parents=True)
            (root / name).symlink_to(f"usr/{name}")
        for name in ("etc", "proc", "dev", "tmp"):
            (root / name).mkdir()
        for program in programs:
            self.add_program(program)
        done = attempt(*self.command(programs[0], "--version"))
        if done.returncode != 0:
            raise unittest.SkipTest(f"bwrap can make no system of its own here: {done.stderr}")

    def add_program(self, name: str) -> None:
        path = shutil.which(name, path=PATH)
        if not path:
            raise unittest.SkipTest(f"there is no {name} in {PATH}")
        self.add(pathlib.Path(path), path)

    def add(self, file: pathlib.Path, path: str) -> None:
        """With the libraries that it needs, if it is a program."""
        self._copy(file, path)
        for library in re.findall(r"(/\S+) \(0x", attempt("ldd", file).stdout):
            self._copy(pathlib.Path(library), library)

    def _copy(self, file: pathlib.Path, path: str) -> None:
        target = self.root / path[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)

    def command(self, *words: str, **environment: str) -> list[str]:
        namespaces = ("--unshare-user", "--uid", "0", "--gid", "0", "--bind", str(self.root), "/")
        command = ["bwrap", *namespaces, "--proc", "/proc", "--dev", "/dev", "--clearenv"]
        command += self.mounts
        for name, value in {"PATH": PATH, **environment}.items():
            command += ["--setenv", name, value]
        return [*command, *words]

    def shell(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A shell with what the script says; as root, which needs no sudo to be it."""
        script = f'sudo() {{ "$@"; }}\n{script}'
        return attempt(*self.command("sh", "-c", script, **environment))


def compile_double_free(folder: pathlib.Path) -> pathlib.Path:
    """A program that frees a block twice, and else ends well."""
    source = folder / "twice.c"
    source.write_text(
        "#include <malloc.h>\nint main(void) { void* p = malloc(9); free(p); free(p); return 0; }\n"
    )
    program = folder / "twice"
    attempt("gcc", "-g", "-O0", "-fno-builtin", source, "-o", program).check_returncode()
    return program
