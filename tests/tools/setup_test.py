"""tools/setup: what it would install on a bare system for which tool, what it says, and that each tool asks for its own.

Nothing is installed: dpkg is shown a database of its own, and apt-get and sudo are scripts that write down what they
are asked for. No test may run tools/setup without these, for root's apt-get would do what a mistake in it says.
"""

import os
import pathlib
import re
import shutil
import unittest

from tests.support import source_tree
from tests.support.source_tree import attempt, run

PLAN = """0 upgraded, 7 newly installed, 0 to remove and 3 not upgraded.
Need to get 221 MB/273 MB of archives.
After this operation, 873 MB of additional disk space will be used.
"""
APT_GET = """#!/bin/bash
echo "apt-get $*" >>"$ASKED"
case "$*" in
  *--assume-no*) printf '%s' "$PLAN" ;;
  *' -y install '*) for i in {1..7}; do echo "Get:$i http://somewhere one"; echo "Setting up one ..."; echo noise; done ;;
esac
"""
# What would change the system is written down, but for apt-get, which is the one above.
SUDO = """#!/bin/bash
if [ "$1" = env ]; then exec "$@"; fi
echo "sudo $*" >>"$ASKED"
"""
HERE = """Package: g++
Status: install ok installed
Version: 1
Architecture: amd64
Maintainer: nobody
Description: here
"""
ROOT = "#!/bin/sh\necho 0\n"
NOBODY = "#!/bin/sh\necho 1000\n"

# Of a test or a benchmark, which are no use to who only runs a program.
NOT_FOR_RUNNING = (
    "libgtest-dev libbenchmark-dev redis-server nodejs clang cmake mkdocs chromium".split()
)
TOOLS = ("run", "test", "install", "package", "site", "release", "pictures", "lint", "soak", "fuzz")


def executable(path: pathlib.Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


class Bare(unittest.TestCase):
    """A system on which nothing is installed."""

    def setUp(self) -> None:
        source_tree.need("dpkg-query")
        self.scratch = source_tree.scratch_folder("setup")
        self.tools = self.scratch / "tools"
        shutil.copytree("tools", self.tools)
        self.status = self.scratch / "dpkg" / "status"
        self.status.parent.mkdir()
        self.status.write_text("")
        self.asked = self.scratch / "asked"
        self.asked.write_text("")


class SetupTest(Bare):
    def setUp(self) -> None:
        super().setUp()
        self.shims = self.scratch / "shims"
        self.shims.mkdir()
        for name, text in (("apt-get", APT_GET), ("sudo", SUDO), ("id", NOBODY)):
            executable(self.shims / name, text)

    def shimmed(self, *arguments: str) -> str:
        done = attempt(
            self.tools / "setup",
            *arguments,
            PATH=f"{self.shims}:{os.environ['PATH']}",
            DPKG_ADMINDIR=str(self.status.parent),
            ASKED=str(self.asked),
            PLAN=PLAN,
        )
        return f"{done.stderr}exit code {done.returncode}"

    def listed(self, tool: str) -> set[str]:
        said = self.shimmed("--simulate", tool)
        found = re.search(rf"for {tool} (\d+) Debian packages are missing.*?: (.*)", said)
        assert found, said
        names = found[2].split()
        self.assertEqual(len(names), int(found[1]))
        return set(names)

    def test_running_a_program_takes_bazel_and_libraries_and_no_test_programs(self) -> None:
        listed = self.listed("run")
        self.assertLessEqual({"bazel-bootstrap", "g++", "libabsl-dev", "libdw-dev"}, listed)
        self.assertEqual(listed & set(NOT_FOR_RUNNING), set())

    def test_installing_takes_cmake_and_no_bazel(self) -> None:
        listed = self.listed("install")
        self.assertIn("cmake", listed)
        self.assertNotIn("bazel-bootstrap", listed)

    def test_each_tool_has_packages_and_testing_has_them_all(self) -> None:
        everything = self.listed("test")
        for tool in {*TOOLS, "benchmarks"} - {"test"}:
            listed = self.listed(tool)
            self.assertLessEqual(listed, everything, tool)
            self.assertLess(len(listed), len(everything) / 2, tool)
        self.assertLessEqual(self.listed("run"), self.listed("benchmarks"))
        self.assertLessEqual(self.listed("install"), self.listed("package"))

    def test_no_package_is_listed_for_what_is_no_tool(self) -> None:
        lines = (self.tools / "packages").read_text().splitlines()
        columns = [line.split()[1] for line in lines if line and not line.startswith("#")]
        named = {tool for column in columns for tool in column.split(",")}
        self.assertEqual(named - {*TOOLS, "benchmarks"}, set())

    def test_simulating_asks_for_nothing_to_be_installed(self) -> None:
        self.listed("run")
        self.assertIn("--assume-no", self.asked.read_text())
        self.assertNotIn(" -y ", self.asked.read_text())

    def test_it_says_how_much_and_how_far_and_how_long(self) -> None:
        said = self.shimmed("run")
        self.assertIn("with what they need 7:", said)
        self.assertIn("to fetch: 221 MB; 273 MB with what is at hand", said)
        self.assertIn("on the disk: 873 MB", said)
        self.assertLess(said.index("to fetch"), said.index("fetched 1 of 7"))
        self.assertIn("installed 7 of 7", said)
        self.assertRegex(said, r"installed, in \d+ seconds")
        self.assertIn("exit code 0", said)
        self.assertNotIn("noise", said)

    def test_it_installs_what_is_missing_and_starts_no_daemon(self) -> None:
        self.status.write_text(HERE)
        self.shimmed("benchmarks")
        asked = self.asked.read_text().splitlines()
        installs = [line for line in asked if " -y install " in line]
        self.assertEqual(len(installs), 1, asked)
        self.assertIn(" z3", installs[0])
        self.assertNotIn(" g++", installs[0])
        self.assertIn("sudo update-rc.d redis-server disable", asked)
        if not pathlib.Path("/usr/sbin/policy-rc.d").exists():
            self.assertIn("sudo tee /usr/sbin/policy-rc.d", asked)
            self.assertIn("sudo rm -f /usr/sbin/policy-rc.d", asked)

    def test_an_unknown_tool_is_told(self) -> None:
        said = self.shimmed("--simulate", "nonsense")
        self.assertIn("lists nothing for nonsense\nexit code 1", said)


class PackagesTest(unittest.TestCase):
    # By the lists of packages that this system has, if it has any; only looked up, never by way of tools/setup.
    def test_debian_has_all_of_them(self) -> None:
        source_tree.need("apt-cache")
        lines = pathlib.Path("tools/packages").read_text().splitlines()
        names = [line.split()[0] for line in lines if line and not line.startswith("#")]
        known = set(run("apt-cache", "pkgnames").stdout.split())
        if "bazel-bootstrap" not in known:
            self.skipTest("there are no lists of packages here: apt-get update")
        self.assertEqual(set(names) - known, set())


class EachToolTest(Bare):
    def test_each_tool_sets_up_for_itself(self) -> None:
        executable(self.tools / "setup", '#!/bin/sh\necho "$*" >>"$ASKED"\nexit 3\n')
        executable(self.scratch / "id", ROOT)  # tools/install asks nothing of another user's.
        environment = {
            "PATH": f"{self.scratch}:{os.environ['PATH']}",
            "HOME": str(self.scratch),
            "ASKED": str(self.asked),
        }
        for tool in {*TOOLS} - {"release"}:  # Which looks at its commit first: release_test.py.
            self.asked.write_text("")
            arguments = {"run": ("true",), "install": (f"--prefix={self.scratch}/prefix",)}
            done = attempt(self.tools / tool, *arguments.get(tool, ()), **environment)
            self.assertNotEqual(done.returncode, 0, tool)
            self.assertEqual(self.asked.read_text(), f"{tool}\n", done.stderr)


if __name__ == "__main__":
    unittest.main()
