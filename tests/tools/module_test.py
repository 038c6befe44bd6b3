"""MODULE.bazel, which no Bazel of ours reads: that it is what a Bazel can read, and that it names what WORKSPACE does.

Both are of a language that Python's parser takes, too; what they call is recorded.
"""

import pathlib
import unittest
from collections.abc import Callable
from typing import Any

# Newer ones have these within, or the other way in which they are told of them is their own.
ONLY_IN_WORKSPACE = {"remote_coverage_tools", "rules_java", "rules_proto", "clang_toolchain"}

Call = dict[str, Any]


class Calls:
    """By the name of what is called: the arguments of each call."""

    def __init__(self, file: str) -> None:
        self.made: dict[str, list[Call]] = {}
        text = pathlib.Path(file).read_text()
        names: dict[str, Any] = {
            name: self.recorder(name)
            for name in ("bazel_dep", "clang_toolchain", "local_repository", "module", "workspace")
        }
        names["load"] = names["register_toolchains"] = lambda *labels: None
        names["use_repo_rule"] = lambda file, rule: self.recorder(rule)
        exec(compile(text, file, "exec"), names)  # pylint: disable=exec-used

    def recorder(self, function: str) -> Callable[..., None]:
        return lambda **arguments: self.made.setdefault(function, []).append(arguments)

    def of(self, *functions: str) -> list[Call]:
        return [call for function in functions for call in self.made.get(function, [])]


class ModuleTest(unittest.TestCase):
    def test_it_has_all_repositories_that_workspace_has(self) -> None:
        module = Calls("MODULE.bazel")
        there = {call.get("repo_name", call["name"]) for call in module.of("bazel_dep")}
        there |= {call["name"] for call in module.of("local_repository")}
        wanted = Calls("WORKSPACE").of("local_repository", "clang_toolchain")
        self.assertGreater(len(wanted), 5)
        self.assertEqual({call["name"] for call in wanted} - there, ONLY_IN_WORKSPACE)

    def test_both_are_called_the_same(self) -> None:
        module = Calls("MODULE.bazel").of("module")
        self.assertEqual([call["name"] for call in module], ["mymalloc"])
        self.assertEqual(Calls("WORKSPACE").of("workspace"), [{"name": "mymalloc"}])

    def test_each_dependency_has_a_version(self) -> None:
        for call in Calls("MODULE.bazel").of("bazel_dep"):
            self.assertRegex(call["version"], r"^[0-9]+(\.[0-9a-z]+)*$")
            self.assertLessEqual(set(call), {"name", "version", "repo_name", "dev_dependency"})


if __name__ == "__main__":
    unittest.main()
