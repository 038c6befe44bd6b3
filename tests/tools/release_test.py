"""tools/release: what it makes of a commit, and which commits it refuses."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import unittest

from tests.support import source_tree
from tests.support.source_tree import attempt, run

# A release is made of all that git knows: of the checkout, from which the runfiles are.
CHECKOUT = pathlib.Path("README.md").resolve().parent

DAY = "2001-02-03T04:05:06+00:00"
EPOCH = 981173106
SOMEBODY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "A Person"), ("EMAIL", "person@example.com"), ("DATE", DAY))
}


class Repository:
    """With one commit of the files of this one, as they are."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        listing = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in run("git", "-C", CHECKOUT, *listing).stdout.split("\0"):
            if name and (CHECKOUT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(CHECKOUT / name, folder / name)
        self.git("init", "--quiet")
        self.commit()

    def git(self, *words: str) -> str:
        return run("git", "-C", self.folder, *words, **SOMEBODY).stdout

    def commit(self) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=a commit")

    def release(self, output: pathlib.Path, *flags: str) -> subprocess.CompletedProcess[str]:
        tool = self.folder / "tools" / "release"
        return attempt(tool, f"--output={output}", *flags, HOME=str(self.folder.parent))

    def replace(self, name: str, before: str, after: str) -> None:
        text = (self.folder / name).read_text()
        assert re.search(before, text), before
        (self.folder / name).write_text(re.sub(before, after, text, count=1))


def members(path: pathlib.Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(path) as archive:
        return {member.name: member for member in archive}


def digest(path: pathlib.Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class ReleaseTest(unittest.TestCase):
    repository: Repository
    output: pathlib.Path
    version: str
    stem: str

    @classmethod
    def setUpClass(cls) -> None:
        source_tree.need_set_up("release")
        scratch = source_tree.scratch_folder("release")
        cls.repository = Repository(scratch / "repository")
        cls.output = scratch / "output"
        done = cls.repository.release(cls.output)
        assert done.returncode == 0, done.stdout + done.stderr
        cls.version = source_tree.version_of(cls.repository.folder / "mymalloc" / "mymalloc.h")
        cls.stem = f"mymalloc-{cls.version}"

    def test_all_is_there(self) -> None:
        found = {re.sub(r"_.*\.deb$", ".deb", path.name) for path in self.output.iterdir()}
        library = f"libmymalloc{self.version.split('.', maxsplit=1)[0]}"
        packages = (
            library,
            f"{library}-dbgsym",
            "libmymalloc-dev",
            "mymalloc-tools",
            "mymalloc-tools-dbgsym",
        )
        archives = (".tar.gz", "-site.tar.gz", "-linux-x86_64.tar.gz", "-linux-x86_64.tar.zst")
        self.assertEqual(
            found,
            {f"{package}.deb" for package in packages}
            | {self.stem + archive for archive in archives}
            | {"RELEASE_NOTES.md", "SHA256SUMS"},
        )

    def test_the_sums_are_of_all_files(self) -> None:
        lines = (self.output / "SHA256SUMS").read_text().splitlines()
        sums = {name: digest_of for digest_of, name in (line.split("  ") for line in lines)}
        files = {path.name for path in self.output.iterdir()} - {"SHA256SUMS"}
        self.assertEqual(sums, {name: digest(self.output / name) for name in files})

    def test_the_sources_are_those_of_the_commit(self) -> None:
        found = members(self.output / f"{self.stem}.tar.gz")
        files = {name for name, member in found.items() if member.isfile()}
        known = self.repository.git("ls-files").splitlines()
        self.assertEqual(files, {f"{self.stem}/{name}" for name in known})
        self.assertEqual({member.mtime for member in found.values()}, {EPOCH})
        self.assertEqual({member.uid for member in found.values()}, {0})
        self.assertTrue(found[f"{self.stem}/tools/run"].mode & 0o100)

    def test_the_site_is_the_same_from_the_repository(self) -> None:
        unpacked = source_tree.scratch_folder("site")
        with tarfile.open(self.output / f"{self.stem}-site.tar.gz") as archive:
            self.assertEqual({member.mtime for member in archive}, {EPOCH})
            archive.extractall(unpacked)
        again = unpacked / "again"
        tool = self.repository.folder / "tools" / "site"
        run(tool, f"--output={again}", SOURCE_DATE_EPOCH=str(EPOCH))
        different = run("diff", "--recursive", "--brief", unpacked / f"{self.stem}-site", again)
        self.assertEqual(different.stdout, "")
        self.assertIn("mymalloc", (again / "index.html").read_text())

    def test_the_notes_are_of_this_version_and_no_other(self) -> None:
        notes = (self.output / "RELEASE_NOTES.md").read_text()
        self.assertRegex(notes, rf"\A# mymalloc {re.escape(self.version)}, \d{{4}}-\d\d-\d\d\n")
        self.assertIn("### Added\n", notes)
        self.assertIn(self.repository.git("rev-parse", "HEAD").strip(), notes)
        self.assertNotIn("\n## ", notes)


class RefusedTest(unittest.TestCase):
    def setUp(self) -> None:
        source_tree.need_set_up("release")  # Lest it is not refused, and goes on.
        scratch = source_tree.scratch_folder("refused")
        self.output = scratch / "output"
        self.repository = Repository(scratch / "repository")

    def refused(self) -> str:
        done = self.repository.release(self.output)
        self.assertNotEqual(done.returncode, 0)
        self.assertFalse(self.output.exists())
        return done.stderr

    def test_a_tree_with_changes(self) -> None:
        (self.repository.folder / "README.md").write_text("changed")
        said = self.refused()
        self.assertIn("changes that no commit has", said)
        self.assertIn(" M README.md", said)

    def test_a_version_that_the_changelog_does_not_have(self) -> None:
        self.repository.replace("CHANGELOG.md", r"\n## [\d.]+, ", "\n## 0.0.1, ")
        self.repository.commit()
        self.assertRegex(self.refused(), r"CHANGELOG\.md says nothing of \d+\.\d+\.\d+")

    def test_a_version_without_its_day(self) -> None:
        self.repository.replace("CHANGELOG.md", r"(\n## [\d.]+), .*", r"\1, not released yet")
        self.repository.commit()
        self.assertIn("has no day for", self.refused())

    def test_a_version_that_is_tagged_as_another_commit(self) -> None:
        header = self.repository.folder / "mymalloc" / "mymalloc.h"
        self.repository.git("tag", f"v{source_tree.version_of(header)}")
        (self.repository.folder / "README.md").write_text("later")
        self.repository.commit()
        self.assertIn("is tagged already", self.refused())

    # tests/tools/setup_test.py has the other tools.
    def test_it_sets_up_for_itself_what_is_a_release(self) -> None:
        asked = self.output.parent / "asked"
        setup = self.repository.folder / "tools" / "setup"
        setup.write_text(f'#!/bin/sh\necho "$*" >>{asked}\nexit 3\n')
        self.repository.commit()
        self.refused()
        self.assertEqual(asked.read_text(), "release\n")

    def test_a_folder_of_somebody_elses(self) -> None:
        self.output.mkdir()
        (self.output / "letter").write_text("dear")
        done = self.repository.release(self.output)
        self.assertIn("was not made by tools/release", done.stderr)
        self.assertEqual(os.listdir(self.output), ["letter"])


if __name__ == "__main__":
    unittest.main()
