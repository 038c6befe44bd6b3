"""A copy of what is built without Bazel (//:sources), and what tools/install makes of it."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

FILES = ("CHANGELOG.md", "CMakeLists.txt", "LICENSE")
FOLDERS = ("bitmap", "mymalloc", "packaging", "third_party", "tools", "tree")


def scratch_folder(name: str) -> pathlib.Path:
    return pathlib.Path(tempfile.mkdtemp(prefix=name, dir=os.environ.get("TEST_TMPDIR"))).resolve()


def need(*tools: str) -> None:
    """Skips the test where one of the tools is missing."""
    for tool in tools:
        if not shutil.which(tool):
            raise unittest.SkipTest(f"there is no {tool}: tools/setup installs it")


def need_set_up(tool: str) -> None:
    """Skips the test where the tool would install packages: a test must not change the system."""
    if "nothing is missing" not in attempt("tools/setup", "--simulate", tool).stderr:
        raise unittest.SkipTest(f"packages are missing: tools/setup {tool}")


def copy_sources(target: pathlib.Path) -> pathlib.Path:
    """Files, where the runfiles have links: a tool looks for the project from where it is itself."""
    need("cmake", "make", "c++")
    if os.geteuid() == 0:  # Another user's tools/install installs no packages then.
        need_set_up("install")
    for folder in FOLDERS:
        shutil.copytree(folder, target / folder)
    for file in FILES:
        shutil.copy(file, target)
    return target


def run(*command: str | pathlib.Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Fails the test, with all that was said, if the command fails."""
    done = attempt(*command, **environment)
    if done.returncode != 0:
        raise AssertionError(f"{command} failed ({done.returncode}):\n{done.stdout}\n{done.stderr}")
    return done


def attempt(*command: str | pathlib.Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def version_of(header: pathlib.Path) -> str:
    found = re.search(r'#define MYMALLOC_VERSION "(.*)"', header.read_text())
    assert found, header
    return found[1]
