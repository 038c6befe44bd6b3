"""Every test that docs/security.md names exists, in the mode of the table that names it."""

import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(os.environ["TEST_SRCDIR"], os.environ["TEST_WORKSPACE"])
# The end of a case's name, by the heading of the table.
MODES = {
    "Default mode": "_default",
    "Hardened mode": "_hardened",
    "Each hardening option by itself": "",
    "Sampled blocks": "_sampled",
}
LABEL = re.compile(r"//([a-z/_]+):([a-z_]+)((?:\s+`[\w.]+`)*)")


def tests_of(package: str, name: str) -> set[str]:
    """What the program would run: Suite.Test, or the part behind the slash if there is one."""
    program = ROOT / package / name
    listing = subprocess.run(
        [str(program), "--gtest_list_tests"], stdout=subprocess.PIPE, check=True, text=True
    ).stdout
    names, suite = set(), ""
    for line in listing.splitlines():
        word = line.split("#")[0].strip()
        if not line.startswith(" "):
            suite = word
        else:
            names.add(word.split("/")[1] if "/" in word else suite + word)
    return names


def sections() -> list[tuple[str, dict[str, str], dict[str, str]]]:
    """(ending of cases, numbered promises, numbered proofs) for each heading with a table."""
    found = []
    text = (ROOT / "docs/security.md").read_text()
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        rows = re.findall(r"^\| (\d+) \| (.*)", body, re.MULTILINE)
        proofs = re.findall(r"^(\d+)\. (//.*(?:\n +\S.*)*)", body, re.MULTILINE)
        wanted = [str(n + 1) for n in range(len(re.findall(r"^\|", body, re.MULTILINE)) - 2)]
        if not [n for n, _ in rows] == [n for n, _ in proofs] == wanted:
            raise AssertionError(f"{heading}: a promise without its number, or without its proof")
        found.append((MODES[heading], dict(rows), dict(proofs)))
    return found


def promises() -> list[tuple[str, str, str, str]]:
    """(promise, package, test, case) for each that is named."""
    found = []
    for mode, rows, proofs in sections():
        for number, row in rows.items():
            labels = LABEL.findall(proofs[number])
            if not labels or any(not cases for _, _, cases in labels):
                raise AssertionError("no test is named: " + row)
            found += [
                (row, package, test, case + ("" if "." in case else mode))
                for package, test, cases in labels
                for case in re.findall(r"`([\w.]+)`", cases)
            ]
    return found


class PromisesTest(unittest.TestCase):
    def test_every_promise_is_proved_by_tests_that_exist(self) -> None:
        known: dict[tuple[str, str], set[str]] = {}
        for _, package, test, case in promises():
            with self.subTest(test=f"//{package}:{test}", case=case):
                if (package, test) not in known:
                    known[package, test] = tests_of(package, test)
                self.assertIn(case, known[package, test])

    def test_there_are_promises_in_every_mode(self) -> None:
        named = {case for _, _, _, case in promises()}
        self.assertGreater(len(named), 100)
        for mode in MODES.values():
            self.assertTrue(any(case.endswith(mode) for case in named))


if __name__ == "__main__":
    unittest.main()
