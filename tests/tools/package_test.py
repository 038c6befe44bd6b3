"""tools/package: what the packages have in them, that they can be installed and removed, and are the same each time."""

import os
import pathlib
import shutil
import subprocess
import tarfile
import unittest

from tests.support import document, small_system, source_tree
from tests.support.source_tree import attempt, need, run

EPOCH = 1700000000
INSTALL_MD = "docs/install.md"


def package(sources: pathlib.Path, output: pathlib.Path) -> str:
    """What it says."""
    return run(
        *(sources / "tools" / "package", f"--output={output}"),
        SOURCE_DATE_EPOCH=str(EPOCH),
        DEBFULLNAME="A Person",
        DEBEMAIL="person@example.com",
    ).stderr


class PackageTest(unittest.TestCase):
    scratch: pathlib.Path
    output: pathlib.Path
    said: str
    version: str
    major: str

    @classmethod
    def setUpClass(cls) -> None:
        source_tree.need_set_up("package")
        cls.scratch = source_tree.scratch_folder("package")
        sources = source_tree.copy_sources(cls.scratch / "sources")
        cls.output = cls.scratch / "output"
        cls.said = package(sources, cls.output)
        cls.version = next(cls.output.glob("mymalloc-tools_*")).name.split("_")[1]
        cls.major = cls.version.split(".", maxsplit=1)[0]

    def file(self, name: str) -> pathlib.Path:
        architecture = run("dpkg", "--print-architecture").stdout.strip()
        return self.output / f"{name}_{self.version}_{architecture}.deb"

    def all_packages(self) -> list[pathlib.Path]:
        library = f"libmymalloc{self.major}"
        names = (library, f"{library}-dbgsym", "libmymalloc-dev")
        return [self.file(name) for name in (*names, "mymalloc-tools", "mymalloc-tools-dbgsym")]

    def test_they_are_the_same_bytes_from_another_folder(self) -> None:
        sources = source_tree.copy_sources(self.scratch / "a" / "rather" / "longer" / "place")
        for path in sources.rglob("*"):
            os.utime(path, (EPOCH - 5, EPOCH - 5))
        again = self.scratch / "again"
        package(sources, again)
        names = sorted(path.name for path in self.output.iterdir())
        self.assertEqual(len(names), 7, names)
        self.assertEqual(names, sorted(path.name for path in again.iterdir()))
        different = [
            name
            for name in names
            if (self.output / name).read_bytes() != (again / name).read_bytes()
        ]
        self.assertEqual(different, [])

    def test_no_tool_that_it_runs_complains(self) -> None:
        strange = [line for line in self.said.splitlines() if not line.startswith("mymalloc: ")]
        self.assertEqual(strange, [])

    def test_nothing_says_where_it_was_built(self) -> None:
        tree = self.extract(*self.all_packages())
        for path in tree.rglob("*"):
            if path.is_file():
                self.assertFalse(str(self.scratch).encode() in path.read_bytes(), path)

    def extract(self, *packages: pathlib.Path) -> pathlib.Path:
        tree = source_tree.scratch_folder("tree")
        for file in packages:
            run("dpkg-deb", "--extract", file, tree)
        return tree

    def test_lintian_finds_no_errors(self) -> None:
        need("lintian")
        done = attempt("lintian", "--allow-root", "--fail-on", "error", *self.all_packages())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("\nE: ", "\n" + done.stdout)

    def test_the_debug_information_is_found_by_the_build_id(self) -> None:
        tree = self.extract(*self.all_packages())
        script = tree / "usr" / "bin" / "mymalloc-run"
        program = small_system.compile_double_free(self.scratch)
        report = attempt(script, program).stderr
        self.assertIn("double free", report)
        library = next((tree / "usr/lib").rglob("libmymalloc.so.*.*"))
        sections = run("readelf", "-SW", library).stdout
        self.assertIn(".gnu_debuglink", sections)
        self.assertNotIn(".debug_info", sections)
        debug = [str(path) for path in (tree / "usr/lib/debug").rglob("*.debug")]
        self.assertEqual(len(debug), 5, debug)  # of four libraries and the command
        for file in debug:
            self.assertIn(".debug_info", run("readelf", "-SW", file).stdout)

    # Into a system of its own, which has nothing: so that neither root nor the packages of ours are needed.
    def test_they_are_installed_and_removed(self) -> None:
        system = source_tree.scratch_folder("system")
        database = system / "var" / "lib" / "dpkg"
        for folder in ("info", "updates", "triggers"):
            (database / folder).mkdir(parents=True)
        for file in ("status", "available"):
            (database / file).write_text("")
        before = self.files_of(system)
        forced = ("--force-not-root", "--force-bad-path", "--force-depends")
        dpkg = ("dpkg", *forced, f"--root={system}", f"--log={self.scratch}/log")
        run(*dpkg, "--install", *self.all_packages())
        listed = run(*dpkg, "--list").stdout
        for name in (f"libmymalloc{self.major}", "libmymalloc-dev", "mymalloc-tools"):
            self.assertRegex(listed, rf"(?m)^ii  {name}\S* +{self.version} ")
        self.assertEqual(self.run_in(system), 7)
        packages = [file.name.split("_")[0] for file in self.all_packages()]
        run(*dpkg, "--purge", *packages)
        self.assertEqual(self.files_of(system), before)

    def run_in(self, system: pathlib.Path) -> int:
        done = attempt(system / "usr" / "bin" / "mymalloc", "run", "--", "sh", "-c", "exit 7")
        return done.returncode

    def files_of(self, system: pathlib.Path) -> set[str]:
        return {
            str(path)
            for path in system.rglob("*")
            if not path.is_dir() and "/var/lib/dpkg/" not in str(path)
        }

    # A root with this system's dpkg stands for the image that it is made from.
    def test_the_container_in_the_docs(self) -> None:
        folder = source_tree.scratch_folder("container")
        shutil.copytree(self.output, folder / "dist")
        image = self.image(folder / "root")
        environment: dict[str, str] = {}
        for line in document.file(INSTALL_MD, "dockerfile").splitlines():
            step, rest = line.split(maxsplit=1)
            if step == "FROM":
                self.assertEqual(rest, "debian:12")
            elif step == "COPY":
                pattern, target = rest.split()
                for file in folder.glob(pattern):
                    shutil.copy(file, image.root / target[1:])
            elif step == "RUN":
                done = image.shell(rest, **environment)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            else:
                self.assertEqual(step, "ENV")
                name, value = rest.split("=", maxsplit=1)
                environment[name] = value
        self.assertEqual(list((image.root / "tmp").iterdir()), [])
        self.assertIn(
            f"/libmymalloc.so.{self.version.split('-', maxsplit=1)[0]}\n",
            image.shell("cat /proc/self/maps", **environment).stdout,
        )
        done = image.shell("/twice", **environment)
        self.assertEqual(done.returncode, 134, done.stderr)
        self.assertIn("double free", done.stderr)

    def image(self, root: pathlib.Path) -> small_system.SmallSystem:
        ours = ("cat", "sh", "rm")
        dpkgs = ("dpkg", "dpkg-deb", "dpkg-split", "tar", "diff", "ldconfig", "start-stop-daemon")
        image = small_system.SmallSystem(root, *ours, *dpkgs)
        image.add(small_system.compile_double_free(source_tree.scratch_folder("twice")), "/twice")
        database = root / "var" / "lib" / "dpkg"
        for folder in ("info", "updates", "triggers"):
            (database / folder).mkdir(parents=True)
        # What the package depends on is there, and dpkg knows it.
        (database / "status").write_text(run("dpkg-query", "--status", "libc6").stdout)
        (database / "available").write_text("")
        return image

    def test_the_archive_is_an_installation_for_any_prefix(self) -> None:
        upstream = self.version.split("-", maxsplit=1)[0]
        name = f"mymalloc-{upstream}-linux-x86_64"
        folder = source_tree.scratch_folder("archive")
        with tarfile.open(self.output / f"{name}.tar.gz") as archive:
            self.assertEqual({member.uid for member in archive}, {0})
        run("tar", "-C", folder, "--zstd", "-xf", self.output / f"{name}.tar.zst")
        done = run(folder / name / "bin" / "mymalloc-run", "cat", "/proc/self/maps")
        self.assertIn(f"/{name}/lib/libmymalloc.so.{upstream}\n", done.stdout)
        need("pkg-config")
        flags = subprocess.run(
            ["pkg-config", "--define-prefix", "--cflags", "mymalloc"],
            env={**os.environ, "PKG_CONFIG_PATH": f"{folder}/{name}/lib/pkgconfig"},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        self.assertEqual(flags.strip(), f"-I{folder}/{name}/include")


if __name__ == "__main__":
    unittest.main()
