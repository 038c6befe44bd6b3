"""Programs that use an installed library, each built and run in a way that users build and run theirs."""

import functools
import pathlib
import re
import shutil
import subprocess
import unittest

from tests.support import source_tree
from tests.support.source_tree import need, run

HERE = pathlib.Path("tests/consumers").resolve()
C = HERE / "c"


@functools.cache
def scratch_with_prefix() -> pathlib.Path:
    scratch = source_tree.scratch_folder("consumers")
    sources = source_tree.copy_sources(scratch / "sources")
    run(sources / "tools" / "install", f"--prefix={scratch}/prefix")
    return scratch


class Consumer(unittest.TestCase):
    scratch: pathlib.Path
    prefix: pathlib.Path
    version: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.scratch = scratch_with_prefix()
        cls.prefix = cls.scratch / "prefix"
        cls.version = source_tree.version_of(cls.prefix / "include/mymalloc/mymalloc.h")

    # What is misused in a program of ours is reported, to it too, and it goes on.
    def run_program(
        self, *command: str | pathlib.Path, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        return run(*command, MYMALLOC_ON_ERROR="warn", **environment)

    def check_c(self, program: str | pathlib.Path) -> None:
        done = self.run_program(program)
        self.assertEqual(done.stdout, f"mymalloc {self.version}: 1 report\n")
        self.assertRegex(done.stderr, r"^mymalloc\[\d+\.\d+\]: double free: ")

    def check_cxx(self, program: pathlib.Path) -> None:
        done = self.run_program(program, MYMALLOC_HARDEN="1")
        self.assertEqual(done.stdout, f"mymalloc {self.version}: 1 report\n")
        self.assertRegex(done.stderr, r"^mymalloc\[\d+\.\d+\]: mismatched free: ")

    # Without the unwinding table there would be none.
    def check_stack(self, program: pathlib.Path) -> None:
        report = self.run_program(program, MYMALLOC_HARDEN="1").stderr.partition("freed from:")[0]
        frames = re.findall(rf"#\d+ 0x[0-9a-f]+: {re.escape(str(program))}\+(0x[0-9a-f]+)", report)
        functions = run("addr2line", "--functions", "-e", program, *frames).stdout
        self.assertIn("\nmain\n", functions, report)

    def pkg_config(self, package: str, *flags: str) -> list[str]:
        folder = str(self.prefix / "lib" / "pkgconfig")
        self.assertEqual(
            run("pkg-config", "--modversion", package, PKG_CONFIG_PATH=folder).stdout.strip(),
            self.version,
        )
        asked = ("pkg-config", "--cflags", "--libs", *flags, package)
        return run(*asked, PKG_CONFIG_PATH=folder).stdout.split()

    def build(self, *command: str | pathlib.Path) -> pathlib.Path:
        # Or the compiler leaves out what it knows to be no use, as a block that is only freed.
        program = self.scratch / self.id().rsplit(".", maxsplit=1)[-1]
        run(*command, "-fno-builtin", "-o", program)
        return program


class LinkedTest(Consumer):
    def test_gcc_with_rpath(self) -> None:
        flags = (f"-I{self.prefix}/include", f"-L{self.prefix}/lib")
        rpath = f"-Wl,-rpath,{self.prefix}/lib"
        program = self.build("gcc", C / "consumer.c", *flags, "-lmymalloc", rpath)
        self.check_c(program)
        # The stack begins in the program, not in the library.
        self.assertRegex(self.run_program(program).stderr, rf"#0 0x[0-9a-f]+: {program}\+0x")

    def test_a_library_beside_the_program(self) -> None:
        beside = self.scratch / "beside"
        beside.mkdir()
        library = next((self.prefix / "lib").glob("libmymalloc.so.?"))  # By its major version.
        shutil.copy(library, beside)
        flags = (f"-I{self.prefix}/include", f"-L{self.prefix}/lib", "-lmymalloc")
        program = self.build("gcc", C / "consumer.c", *flags, "-Wl,-rpath,$ORIGIN")
        shutil.move(program, beside)
        self.check_that_it_takes(beside / library.name, beside / program.name)
        # Both together may go elsewhere.
        moved = beside.rename(self.scratch / "elsewhere")
        self.check_that_it_takes(moved / library.name, moved / program.name)

    def check_that_it_takes(self, library: pathlib.Path, program: pathlib.Path) -> None:
        self.check_c(program)
        said = self.run_program(program, LD_DEBUG="libs").stderr
        self.assertIn(f"calling init: {library}\n", said)

    def test_a_program_that_is_linked_with_it_has_it_once_when_it_is_preloaded_too(self) -> None:
        flags = (f"-I{self.prefix}/include", f"-L{self.prefix}/lib", "-lmymalloc")
        program = self.build("gcc", C / "consumer.c", *flags, f"-Wl,-rpath,{self.prefix}/lib")
        other = pathlib.Path("libmymalloc.so").resolve()  # Of the other build, and another name.
        done = self.run_program(program, LD_PRELOAD=str(other), LD_DEBUG="files")
        self.assertIn(f"calling init: {other}\n", done.stderr)
        self.assertNotIn(f"calling init: {self.prefix}", done.stderr)

    def test_pkg_config(self) -> None:
        need("pkg-config")
        rpath = f"-Wl,-rpath,{self.prefix}/lib"
        self.check_c(self.build("gcc", C / "consumer.c", *self.pkg_config("mymalloc"), rpath))

    def test_pkg_config_cxx(self) -> None:
        need("pkg-config")
        flags = (*self.pkg_config("mymalloc"), f"-Wl,-rpath,{self.prefix}/lib")
        self.check_cxx(self.build("g++", C / "consumer.cc", *flags))

    # What allocates is libstdc++: a linker told --as-needed, as some systems' is, must not drop the library.
    def test_a_program_that_allocates_nothing_itself_is_linked_with_it_too(self) -> None:
        need("pkg-config")
        source = self.scratch / "hello.cc"
        source.write_text('#include <iostream>\nint main() { std::cout << "hello"; }\n')
        program = self.build("g++", "-Wl,--as-needed", source, *self.pkg_config("mymalloc"))
        self.assertIn("[libmymalloc.so.", run("readelf", "-d", program).stdout)

    def test_pkg_config_static(self) -> None:
        need("pkg-config")
        flags = self.pkg_config("mymalloc", "--static")
        program = self.build("gcc", "-static", C / "consumer.c", *flags)
        self.check_c(program)
        self.check_stack(program)

    def test_pkg_config_beside_libc(self) -> None:
        need("pkg-config")
        flags = (*self.pkg_config("mymalloc_prefixed"), f"-Wl,-rpath,{self.prefix}/lib")
        self.check_c(self.build("gcc", C / "both.c", *flags))

    def test_pkg_config_osmem(self) -> None:
        need("pkg-config")
        flags = (*self.pkg_config("osmem"), f"-Wl,-rpath,{self.prefix}/lib")
        self.check_c(self.build("gcc", C / "osmem.c", *flags))

    def test_static(self) -> None:
        whole = (f"-I{self.prefix}/include", self.prefix / "lib" / "mymalloc" / "mymalloc.o")
        self.check_c(self.build("gcc", "-static", C / "consumer.c", *whole))

    def test_static_with_stacks(self) -> None:
        whole = (f"-I{self.prefix}/include", self.prefix / "lib" / "mymalloc" / "mymalloc.o")
        flags = ("-static", "-Wl,--eh-frame-hdr")
        program = self.build("gcc", *flags, C / "consumer.c", *whole)
        self.check_c(program)
        self.check_stack(program)

    # A stack that is not known is better than one that is not true.
    def test_static_without_a_table_has_no_stack(self) -> None:
        whole = (f"-I{self.prefix}/include", self.prefix / "lib" / "mymalloc" / "mymalloc.o")
        program = self.build("gcc", "-static", C / "consumer.c", *whole)
        if "GNU_EH_FRAME" in run("readelf", "-lW", program).stdout:
            self.skipTest("this compiler makes the table unasked")
        self.assertNotIn("  stack:\n", self.run_program(program).stderr)

    def test_static_cxx(self) -> None:
        whole = (f"-I{self.prefix}/include", self.prefix / "lib" / "mymalloc" / "mymalloc.o")
        self.check_cxx(self.build("g++", "-static", C / "consumer.cc", *whole))

    def test_static_cxx_from_the_archive(self) -> None:
        flags = (f"-I{self.prefix}/include", f"-L{self.prefix}/lib", "-lmymalloc")
        self.check_cxx(self.build("g++", "-static", C / "consumer.cc", *flags))


class OtherBuildsTest(Consumer):
    def test_other_builds_tell_the_same_version(self) -> None:
        for file in ("MODULE.bazel", "bindings/rust/Cargo.toml"):
            line = f'version = "{self.version}"'
            self.assertIn(line, re.split(r",?\n\s*", pathlib.Path(file).read_text()), file)

    def test_cmake(self) -> None:
        need("cmake")
        shutil.copytree(HERE / "cmake", self.scratch / "projects" / "cmake")
        shutil.copytree(C, self.scratch / "projects" / "c")
        build = self.scratch / "cmake_build"
        flags = (f"-Dwanted={self.version}", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        run("cmake", "-S", self.scratch / "projects" / "cmake", "-B", build, *flags)
        run("cmake", "--build", build)
        for name in ("shared", "object", "prefixed", "osmem"):
            self.check_c(build / name)
        for name in ("shared_cxx", "static_cxx"):
            self.check_cxx(build / name)
        self.check_stack(build / "static_cxx")

    def test_cmake_knows_that_another_version_will_not_do(self) -> None:
        need("cmake")
        build = self.scratch / "cmake_version"
        shutil.copytree(HERE / "cmake", self.scratch / "version" / "cmake")
        flags = ("-Dwanted=99.0", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        done = source_tree.attempt(
            "cmake", "-S", self.scratch / "version" / "cmake", "-B", build, *flags
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"version: {self.version}", done.stderr)

    def test_rust(self) -> None:
        need("rustc", "cargo", "pkg-config")
        crate = self.scratch / "rust" / "bindings" / "rust"
        consumer = self.scratch / "rust" / "tests" / "consumers" / "rust"
        shutil.copytree("bindings/rust", crate)
        shutil.copytree(HERE / "rust", consumer)
        target = self.scratch / "rust_target"
        run(
            *("cargo", "build", "--offline", f"--manifest-path={consumer}/Cargo.toml"),
            CARGO_HOME=str(self.scratch / "cargo"),
            CARGO_TARGET_DIR=str(target),
            PKG_CONFIG_PATH=str(self.prefix / "lib" / "pkgconfig"),
        )
        done = self.run_program(target / "debug" / "consumer")
        self.assertEqual(done.stdout, f"mymalloc {self.version}\n")
        self.assertIn("invalid size: free_sized(", done.stderr)

    def test_python(self) -> None:
        need("python3")
        script = HERE / "python" / "consumer.py"
        done = self.run_program(self.prefix / "bin" / "mymalloc-run", "python3", script)
        self.assertEqual(done.stdout, f"mymalloc {self.version}: 104 bytes\n")
        self.assertIn("double free", done.stderr)

    def test_node(self) -> None:
        need("node")
        script = HERE / "node" / "consumer.js"
        run_on = self.prefix / "bin" / "mymalloc-run"
        stats = self.scratch / "stats"
        said = self.run_program(
            *(run_on, "node", script),
            MYMALLOC_DUMP_SIGNAL="USR2",
            MYMALLOC_STATS="json",
            MYMALLOC_STATS_FILE=str(stats),
        ).stdout
        self.assertRegex(said, rf"^mymalloc {re.escape(self.version)}: \d+ blocks are live\n$")


if __name__ == "__main__":
    unittest.main()
