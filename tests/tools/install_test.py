"""tools/install and tools/uninstall: what is there after the one, and is not after the other."""

import functools
import os
import pathlib
import re
import shlex
import shutil
import unittest

from tests.support import document, small_system, source_tree
from tests.support.source_tree import attempt, run

PREFIX = "/opt/my"
INSTALL_MD = "docs/install.md"

# A version's name is not a surprise in each of them.
FILES = """
bin/mymalloc bin/mymalloc-run
include/mymalloc/mymalloc.h include/mymalloc/osmem.h
lib/libmymalloc.a lib/libmymalloc.so lib/libmymalloc.so.MAJOR lib/libmymalloc.so.VERSION
lib/libmymalloc_compat.so.MAJOR lib/libmymalloc_compat.so.VERSION
lib/libmymalloc_prefixed.so lib/libmymalloc_prefixed.so.MAJOR lib/libmymalloc_prefixed.so.VERSION
lib/libosmem.so lib/libosmem.so.MAJOR lib/libosmem.so.VERSION
lib/mymalloc/mymalloc.o
lib/pkgconfig/mymalloc.pc lib/pkgconfig/mymalloc_prefixed.pc lib/pkgconfig/osmem.pc
lib/cmake/mymalloc/mymalloc-config.cmake lib/cmake/mymalloc/mymalloc-config-version.cmake
lib/cmake/mymalloc/mymalloc-targets.cmake
share/bash-completion/completions/mymalloc share/bash-completion/completions/mymalloc-run
share/man/man1/mymalloc.1 share/man/man1/mymalloc-run.1
share/man/man3/mymalloc.3 share/man/man3/osmem.3 share/man/man7/mymalloc-options.7
share/mymalloc/manifest share/mymalloc/mymalloc-gdb.py
"""

LIBRARIES = ("libmymalloc.so", "libmymalloc_prefixed.so", "libosmem.so")
RUNNERS: tuple[tuple[str, ...], ...] = (("mymalloc-run",), ("mymalloc", "run", "--"))


def names_below(folder: pathlib.Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@functools.cache
def scratch_with_destination() -> pathlib.Path:
    """The sources, and what was installed; another program was there before."""
    scratch = source_tree.scratch_folder("install")
    sources = source_tree.copy_sources(scratch / "sources")
    (scratch / "destination" / "opt" / "other").mkdir(parents=True)
    install(sources, scratch / "destination")
    return scratch


def install(sources: pathlib.Path, destination: pathlib.Path, **environment: str) -> str:
    flags = (f"--prefix={PREFIX}", f"--destdir={destination}")
    return run(sources / "tools" / "install", *flags, **environment).stderr


class Installed(unittest.TestCase):
    scratch: pathlib.Path
    sources: pathlib.Path
    destination: pathlib.Path
    version: str
    major: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = scratch_with_destination()
        cls.sources = cls.scratch / "sources"
        cls.destination = cls.scratch / "destination"
        cls.version = source_tree.version_of(cls.installed("include/mymalloc/mymalloc.h"))
        cls.major = cls.version.split(".", maxsplit=1)[0]

    @classmethod
    def installed(cls, name: str) -> pathlib.Path:
        return cls.destination / PREFIX[1:] / name


class InstallTest(Installed):
    def uninstall(self, destination: pathlib.Path) -> str:
        flags = (f"--prefix={PREFIX}", f"--destdir={destination}")
        return attempt(self.sources / "tools" / "uninstall", *flags).stderr

    def copy(self, name: str) -> pathlib.Path:
        return pathlib.Path(shutil.copytree(self.destination, self.scratch / name, symlinks=True))

    def test_all_is_there_and_only_below_the_prefix(self) -> None:
        for name in FILES.split():
            name = name.replace("VERSION", self.version).replace("MAJOR", self.major)
            self.assertTrue(self.installed(name).is_file(), name)
        outside = {name for name in names_below(self.destination) if not name.startswith("opt/my")}
        self.assertEqual(outside, {"opt", "opt/other"})

    def test_the_library_is_known_by_its_major_version_and_needs_nothing_but_libc(self) -> None:
        for name in LIBRARIES:
            dynamic = run("readelf", "-d", self.installed(f"lib/{name}")).stdout
            self.assertIn(f"[{name}.{self.major}]", dynamic)
            self.assertEqual(dynamic.count("(NEEDED)"), 1, dynamic)
            self.assertIn("[libc.so.6]", dynamic)

    def test_both_builds_call_the_libraries_the_same(self) -> None:
        for name in LIBRARIES:
            sonames = {
                line
                for library in (str(self.installed(f"lib/{name}")), name)
                for line in run("readelf", "-d", library).stdout.splitlines()
                if "(SONAME)" in line
            }
            self.assertEqual(len(sonames), 1, sonames)

    # People who learn write one of that name themselves.
    def test_what_is_linked_in_has_no_os_malloc(self) -> None:
        names = run("nm", "--extern-only", self.installed("lib/mymalloc/mymalloc.o")).stdout
        self.assertIn(" T malloc\n", names)
        self.assertNotIn("os_malloc", names)

    def test_programs_run_on_the_library(self) -> None:
        for name, *words in RUNNERS:
            program = self.installed(f"bin/{name}")
            done = run(program, *words, "cat", "/proc/self/maps")
            self.assertIn(f"/libmymalloc.so.{self.version}\n", done.stdout)
            self.assertEqual(attempt(program, *words, "sh", "-c", "exit 7").returncode, 7)

    def test_mymalloc_run_keeps_what_was_preloaded_before(self) -> None:
        other = self.installed("lib/libmymalloc_prefixed.so")
        done = run(
            self.installed("bin/mymalloc-run"), "cat", "/proc/self/maps", LD_PRELOAD=str(other)
        )
        self.assertIn("/libmymalloc.so.", done.stdout)
        self.assertIn("/libmymalloc_prefixed.so.", done.stdout)

    def test_mymalloc_run_explains_why_it_cannot(self) -> None:
        script = self.installed("bin/mymalloc-run")
        self.assertIn("usage", attempt(script).stderr)
        lonely = self.scratch / "lonely" / "mymalloc-run"
        lonely.parent.mkdir()
        shutil.copy(script, lonely)
        done = attempt(lonely, "true")
        self.assertEqual(done.returncode, 125)
        self.assertIn("there is no library", done.stderr)
        blank = attempt(self.copy("with blank") / PREFIX[1:] / "bin" / "mymalloc-run", "true")
        self.assertEqual(blank.returncode, 125)
        self.assertIn("a blank or a colon", blank.stderr)

    def test_the_manual_says_what_its_sources_say(self) -> None:
        source_tree.need("man")
        pages = {}
        for name in ("man1/mymalloc.1", "man1/mymalloc-run.1", "man3/mymalloc.3", "man3/osmem.3"):
            pages[name] = self.page(name)
        pages["options"] = self.page("man7/mymalloc-options.7")
        self.assertIn("void mymalloc_on_misuse(", pages["man3/mymalloc.3"])
        self.assertIn("void* os_realloc(void* pointer, size_t n);", pages["man3/osmem.3"])
        self.assertIn("osmem, os_malloc, os_calloc,", pages["man3/osmem.3"])
        self.assertIn("#define MMAP_THRESHOLD (", pages["man3/osmem.3"])
        self.assertIn("\n       o one that grows takes", pages["man3/osmem.3"])
        for name in ("man3/mymalloc.3", "man3/osmem.3"):
            self.assertNotIn("NOLINT", pages[name])
            self.assertNotIn("MYMALLOC_NOTHROW", pages[name])
        self.assertIn("--[no-]symbolize", pages["man1/mymalloc.1"])
        for option in ("on_error", "harden", "report_file"):
            self.assertIn(f"\n       {option}", pages["options"])

    def page(self, name: str) -> str:
        page = self.installed(f"share/man/{name}")
        done = run("man", "--warnings", "-l", page, MANWIDTH="100", LC_ALL="C", TERM="dumb")
        self.assertEqual(done.stderr, "", name)
        return done.stdout

    def test_the_shell_completes_what_the_command_offers(self) -> None:
        self.assertEqual(self.completions("mymalloc", "sy"), ["symbolize"])
        self.assertEqual(self.completions("mymalloc", "run", "--ha"), ["--harden"])
        self.assertEqual(
            self.completions("mymalloc", "run", "--no"),
            ["--no-harden", "--no-stats", "--no-symbolize"],
        )
        self.assertIn("readelf", self.completions("mymalloc", "run", "--harden", "reade"))
        self.assertIn("readelf", self.completions("mymalloc-run", "reade"))

    def completions(self, *words: str) -> list[str]:
        script = (
            'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
            'compopt() { :; }; "_${1/-/_}" "$1"; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        completion = self.installed(f"share/bash-completion/completions/{words[0]}")
        path = f"{self.installed('bin')}:{os.environ['PATH']}"
        return run("bash", "-c", script, "bash", completion, *words, PATH=path).stdout.split()

    def test_uninstalling_leaves_nothing_but_what_is_not_ours(self) -> None:
        destination = self.copy("uninstalled")
        ours = destination / PREFIX[1:]
        (ours / "lib" / "not_ours").write_text("")
        self.assertIn("removed", self.uninstall(destination))
        self.assertEqual(
            names_below(destination),
            {"opt", "opt/other", "opt/my", "opt/my/lib", "opt/my/lib/not_ours"},
        )
        self.assertIn("nothing was installed there", self.uninstall(destination))

    # Such as after an update, on a system that has no Abseil any more: then without the command.
    def test_installing_again_replaces_what_is_there(self) -> None:
        destination = self.copy("again")
        ours = destination / PREFIX[1:]
        library = ours / "lib" / "libmymalloc.so"
        in_use = library.open("rb")
        shim = self.scratch / "path" / "cmake"
        shim.parent.mkdir()
        shim.write_text(
            '#!/bin/sh\n[ "$1" != -S ] || set -- "$@" -DCMAKE_DISABLE_FIND_PACKAGE_absl=ON\n'
            f'exec {shutil.which("cmake")} "$@"\n'
        )
        shim.chmod(0o755)
        before = names_below(destination)
        path = f"{shim.parent}:{os.environ['PATH']}"
        said = install(
            self.sources, destination, PATH=path, CMAKE_BUILD_TYPE="Debug"
        )  # It takes less time.
        self.assertIn("The command mymalloc is left out", said)
        self.assertEqual(
            before - names_below(destination),
            {
                f"opt/my/{name}"
                for name in (
                    "lib/cmake/mymalloc/mymalloc-targets-relwithdebinfo.cmake",  # Now -debug.
                    "bin/mymalloc",
                    "share/man/man1/mymalloc.1",
                    "share/bash-completion/completions/mymalloc",
                )
            },
        )
        with in_use:  # A program that runs has the file that it had.
            self.assertNotEqual(os.fstat(in_use.fileno()).st_ino, library.stat().st_ino)
        self.uninstall(destination)
        self.assertEqual(names_below(destination), {"opt", "opt/other"})


class AsTheDocsSayTest(Installed):
    def test_all_programs_of_a_system_run_on_it_as_the_docs_say(self) -> None:
        preload = document.commands(INSTALL_MD, "All programs of a system")
        undo = self.documented(r"To undo it: `(.*?)`")
        system = self.small_system("all", self.library_in(preload))
        script = f"{preload}; cat /proc/self/maps; /twice; echo ended with $?; {undo}; /twice"
        done = system.shell(f"{script}; cat /proc/self/maps; true")
        before, _, after = done.stdout.partition("ended with 134\n")
        self.assertIn("/libmymalloc.so.", before)
        self.assertTrue(after, done.stdout + done.stderr)
        self.assertNotIn("/libmymalloc.so.", after)
        self.assertEqual(len(re.findall(r"mymalloc\[.*: double free: ", done.stderr)), 1)
        done = system.shell(f"{preload}; {self.documented('MYMALLOC_ON_ERROR=[a-z]*')} /twice")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("double free", done.stderr)

    def test_without_the_file_programs_run_and_say_so(self) -> None:
        preload = document.commands(INSTALL_MD, "All programs of a system")
        system = self.small_system("without", self.library_in(preload))
        system.shell(f"{preload}; rm {self.library_in(preload)}")
        done = system.shell("cat /proc/self/maps")
        self.assertEqual(done.returncode, 0)
        self.assertNotIn("/libmymalloc.so.", done.stdout)
        self.assertIn("cannot be preloaded", done.stderr)

    def test_a_shell_helps_where_no_program_starts(self) -> None:
        preload = document.commands(INSTALL_MD, "All programs of a system")
        repair = self.documented("still can, by\\s+`(.*?)`")
        system = self.small_system("broken", self.library_in(preload))
        source = self.scratch / "broken.c"
        source.write_text("__attribute__((constructor)) void f(void) { __builtin_trap(); }")
        broken = system.root / self.library_in(preload)[1:]
        broken.unlink()
        run("gcc", "-shared", "-fPIC", source, "-o", broken)
        done = system.shell(f"{preload}; cat /dev/null && echo starts")
        self.assertNotIn("starts", done.stdout)
        (system.root / "etc" / "ld.so.preload").unlink()  # Or no further shell would start.
        done = system.shell(f"{preload}; {repair}; cat /dev/null && echo starts")
        self.assertIn("starts", done.stdout)

    def test_uninstall_refuses_while_all_programs_run_on_it(self) -> None:
        system = self.small_system("refusing", f"{PREFIX}/lib/libmymalloc.so.{self.major}")
        shutil.copytree(self.sources / "tools", system.root / "tools")
        for program in ("bash", "dirname", "env", "grep", "readlink", "rmdir", "sed"):
            system.add_program(program)
        manifest = system.root / PREFIX[1:] / "share" / "mymalloc" / "manifest"
        manifest.parent.mkdir(parents=True)
        shutil.copy(self.installed("share/mymalloc/manifest"), manifest)
        listed = system.root / "etc" / "ld.so.preload"
        listed.write_text(f"{PREFIX}/lib/libmymalloc.so.{self.major}\n")
        done = system.shell(f"bash /tools/uninstall --prefix={PREFIX}")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("/etc/ld.so.preload names the library", done.stderr)
        self.assertTrue(manifest.is_file())
        listed.unlink()
        self.assertIn("removed", system.shell(f"bash /tools/uninstall --prefix={PREFIX}").stderr)
        self.assertFalse((system.root / PREFIX[1:] / "lib").exists())

    # With the library where the docs have it, and a program that frees a block twice.
    def small_system(self, name: str, library: str) -> small_system.SmallSystem:
        programs = ("cat", "sh", "rm", "tee")
        system = small_system.SmallSystem(self.scratch / f"system_{name}", *programs)
        system.add(self.installed(f"lib/libmymalloc.so.{self.major}"), library)
        folder = self.scratch / f"twice_{name}"
        folder.mkdir()
        system.add(small_system.compile_double_free(folder), "/twice")
        return system

    def library_in(self, command: str) -> str:
        found = re.search(r"(/\S*/libmymalloc\.so\.\d+)", command)
        assert found, command
        return found[1]

    def documented(self, pattern: str) -> str:
        found = re.search(pattern, pathlib.Path(INSTALL_MD).read_text())
        assert found, pattern
        return found[found.re.groups]

    def test_a_container_that_gets_the_library_from_outside(self) -> None:
        flags = self.documented(r"`docker run (.*) IMAGE`")
        found = re.fullmatch(r"-v /usr/local/lib:(\S+):ro -e LD_PRELOAD=(\S+)", flags)
        assert found, flags
        system = self.small_system("container", "/unused.so")
        system.mounts = ["--ro-bind", str(self.installed("lib")), found[1]]
        done = system.shell("cat /proc/self/maps; /twice", LD_PRELOAD=found[2])
        self.assertIn(f"/libmymalloc.so.{self.version}\n", done.stdout)
        self.assertEqual(done.returncode, 134, done.stderr)
        self.assertIn("double free", done.stderr)

    def test_the_unit_in_the_docs_is_one_that_systemd_takes(self) -> None:
        source_tree.need("systemd-analyze")
        unit = self.scratch / "server.service"
        unit.write_text(f"{document.file(INSTALL_MD, 'ini')}ExecStart=/bin/true\n")
        done = run("systemd-analyze", "verify", unit)
        self.assertEqual((done.stdout, done.stderr), ("", ""))

    def test_what_such_a_unit_starts_runs_on_the_library(self) -> None:
        environment = self.environment_of(document.file(INSTALL_MD, "ini"))
        system = self.small_system("service", environment["LD_PRELOAD"])
        done = system.shell("/twice", MYMALLOC_VERBOSE="1", **environment)
        self.assertEqual(done.returncode, 134, done.stderr)
        self.assertIn("double free", done.stderr)
        self.assertIn("sample=5000", done.stderr)
        # In a unit a per cent sign is written twice.
        option = self.documented(r"`report_file=(\S+%%p)`")
        (system.root / option[1:]).parent.mkdir(parents=True)
        line = f"Environment=MYMALLOC_REPORT_FILE={option}"
        named = self.environment_of(f"{document.file(INSTALL_MD, 'ini')}{line}\n")
        system.shell("/twice", **named)
        reports = list((system.root / option[1:]).parent.iterdir())
        self.assertEqual(len(reports), 1)
        self.assertRegex(reports[0].name, r"^heap\.\d+$")

    # As systemd reads it.
    def environment_of(self, unit: str) -> dict[str, str]:
        words = [
            word
            for line in unit.splitlines()
            if line.startswith("Environment=")
            for word in shlex.split(line.removeprefix("Environment="))
        ]
        pairs = (word.replace("%%", "%").partition("=") for word in words)
        return {name: value for name, _, value in pairs}


if __name__ == "__main__":
    unittest.main()
