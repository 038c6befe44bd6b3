"""What tools/test says at its end: what has passed, failed, and not been run."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path("tools")

XML = """<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="{failed}" name="AllTests">
  <testsuite name="Suite" tests="{tests}" failures="{failed}" disabled="0" skipped="{skipped}" errors="0">
    {cases}
  </testsuite>
</testsuites>
"""
SKIPPED = """<testcase name="Case{number}" classname="Suite" status="run" result="skipped">
  <skipped message="suite.cc:119&#x0A;only where there is a moon"/>
</testcase>"""

# As bazel writes it for a test that wrote none.
ENDED_BADLY = """<testsuites><testsuite name="tests/number_0" tests="1" failures="0" errors="1">
  <testcase name="tests/number_0" status="run"><error message="exited with error code 134"></error>
  </testcase></testsuite></testsuites>"""
FAILED = """<testcase name="Case" classname="Bad" status="run" result="completed">
  <failure message="suite.cc:7&#x0A;Expected: day" type=""><![CDATA[suite.cc:7
Expected: day
Which is: night]]></failure>
</testcase>"""


def suite(passed: int = 0, failed: int = 0, skipped: int = 0) -> str:
    cases = "".join(SKIPPED.format(number=i) for i in range(skipped))
    cases += FAILED * failed
    return XML.format(tests=passed + failed + skipped, failed=failed, skipped=skipped, cases=cases)


class CountTestsTest(unittest.TestCase):
    said = ""  # By the tool, besides the counts.

    def count(
        self, *targets: tuple[str, str | None], status: int = 0, log: str | None = None
    ) -> str:
        """Targets: (bazel's status, test.xml or None). Returns what the tool prints."""
        with tempfile.TemporaryDirectory() as folder:
            events = pathlib.Path(folder, "events.json")
            results = [
                self.result(folder, f"number_{number}", outcome, {"test.xml": xml, "test.log": log})
                for number, (outcome, xml) in enumerate(targets)
            ]
            events.write_text("\n".join(json.dumps(result) for result in results))
            command = [sys.executable, str(TOOLS / "count_tests.py"), str(events), str(status)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            self.said = done.stderr
            return done.stdout.strip()

    @staticmethod
    def result(
        folder: str, name: str, outcome: str, files: dict[str, str | None]
    ) -> dict[str, object]:
        """As bazel tells it."""
        outputs = []
        for file, text in files.items():
            if text is None:
                continue
            path = pathlib.Path(folder, f"{name}.{file}")
            path.write_text(text)
            outputs.append({"name": file, "uri": path.as_uri()})
        key = {"label": f"//tests:{name}", "run": 1, "shard": 1}
        return {
            "id": {"testResult": key},
            "testResult": {"status": outcome, "testActionOutput": outputs},
        }

    def test_cases_are_added_up(self) -> None:
        self.assertEqual(self.count(("PASSED", suite(3)), ("FAILED", suite(2, failed=1))), "5 1 0")

    def test_a_target_that_skips_everything_has_not_passed(self) -> None:
        self.assertEqual(self.count(("PASSED", suite(skipped=5))), "0 0 5")

    def test_what_was_skipped_is_named_with_the_reason(self) -> None:
        self.assertEqual(self.count(("PASSED", suite(2, skipped=1))), "2 0 1")
        self.assertIn(
            "skipped: //tests:number_0 Suite.Case0: only where there is a moon", self.said
        )

    def test_a_reason_is_told_once_for_each_target(self) -> None:
        self.count(("PASSED", suite(skipped=5)))
        self.assertEqual(self.said.count("moon"), 1)
        self.assertIn("and 4 more", self.said)

    def test_a_target_without_cases_is_one(self) -> None:
        self.assertEqual(self.count(("PASSED", None), ("FAILED", None)), "1 1 0")

    def test_what_ends_badly_has_failed_whatever_it_skipped(self) -> None:
        self.assertEqual(self.count(("TIMEOUT", suite(skipped=5))), "0 1 5")

    def test_what_failed_is_named_with_the_message(self) -> None:
        self.count(("PASSED", suite(1)), ("FAILED", suite(2, failed=1)), log="a log")
        self.assertIn("failed: //tests:number_1 Bad.Case\n    suite.cc:7\n", self.said)
        self.assertIn("    Which is: night\n", self.said)
        self.assertNotIn("a log", self.said)

    def test_of_what_ended_in_another_way_the_end_of_the_log_is_told(self) -> None:
        for xml in (None, ENDED_BADLY):
            counts = self.count(("TIMEOUT", xml), log="first\n" + "word\n" * 100 + "last\n")
            self.assertEqual(counts, "0 1 0")
            self.assertIn("failed: //tests:number_0\n    word\n", self.said)
            self.assertIn("    last\n", self.said)
            self.assertNotIn("first", self.said)
        self.count(("TIMEOUT", suite(2)))
        self.assertIn("failed: //tests:number_0, and there is no log", self.said)

    def test_bazels_own_failure_counts(self) -> None:
        self.assertEqual(self.count(("PASSED", suite(1)), status=1), "1 1 0")


class SummaryTest(unittest.TestCase):
    def summary(self, *counts: int) -> str:
        script = '. "$1"; shift; summary "$@"'
        command = ["bash", "-c", script, "bash", str(TOOLS / "common.sh"), *map(str, counts)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def test_skipped_cases_are_told_if_there_are_any(self) -> None:
        self.assertEqual(self.summary(12, 1, 0), "12 passed, 1 failed\n")
        self.assertEqual(self.summary(12, 0, 5), "12 passed, 0 failed, 5 skipped\n")


if __name__ == "__main__":
    unittest.main()
