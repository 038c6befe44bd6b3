"""Counts the test cases of one `bazel test`: prints PASSED FAILED SKIPPED, and names what was skipped, and
what failed with the message: of a failure that does not come again no more may be left.

Usage: count_tests.py EVENTS STATUS, with the file of --build_event_json_file and bazel's exit status.
The events name the test.xml of every test target, also of those whose result was cached.
"""

import json
import sys
import urllib.parse
import urllib.request
from typing import Any
from xml.etree import ElementTree

Counts = tuple[int, int, int]  # Passed, failed, skipped.
Event = dict[str, Any]  # As bazel's JSON has it.

LINES_TOLD = 30  # Of one failure.


def read_events(path: str) -> list[Event]:
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def count_cases(xml_uri: str, label: str) -> Counts:
    """The passed, failed and skipped cases that one test.xml reports."""
    root = ElementTree.parse(path_of(xml_uri)).getroot()
    passed = failed = skipped = 0
    for suite in root.iter("testsuite"):
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        idle = int(suite.get("disabled", 0)) + int(suite.get("skipped", 0))
        failed += bad
        skipped += idle
        passed += int(suite.get("tests", 0)) - bad - idle
    tell_skipped(root, label)
    return passed, failed, skipped


def path_of(uri: str) -> str:
    return urllib.request.url2pathname(urllib.parse.urlparse(uri).path)


def tell_failed(outputs: dict[str, str], label: str) -> None:
    """Of a test without a report of its own (bazel then makes one, with an error) the log's end."""
    try:
        failures = failures_in(outputs["test.xml"])
    except (KeyError, OSError, ElementTree.ParseError):
        failures = []
    for case, text in failures:
        tell_lines(f"failed: {label} {case}", text)
    if not failures:
        tell_log(outputs, label)


def failures_in(xml_uri: str) -> list[tuple[str, str]]:
    """Names of cases, and what is said of each failure."""
    return [
        (f"{case.get('classname')}.{case.get('name')}", failure.text or "")
        for case in ElementTree.parse(path_of(xml_uri)).getroot().iter("testcase")
        for failure in case.iter("failure")
    ]


def tell_lines(title: str, text: str) -> None:
    lines = text.strip().splitlines()[-LINES_TOLD:]
    print("\n".join([title, *("    " + line for line in lines)]), file=sys.stderr)


def tell_log(outputs: dict[str, str], label: str) -> None:
    try:
        with open(path_of(outputs["test.log"]), encoding="utf-8", errors="replace") as log:
            tell_lines(f"failed: {label}", log.read())
    except (KeyError, OSError):
        print(f"failed: {label}, and there is no log", file=sys.stderr)


def tell_skipped(root: ElementTree.Element, label: str) -> None:
    """Names the first case for each reason, which googletest gives below the place in the source."""
    cases: dict[str, list[str]] = {}
    for case in root.iter("testcase"):
        for skipped in case.iter("skipped"):
            reason = " ".join(skipped.get("message", "").splitlines()[1:])
            cases.setdefault(reason, []).append(f"{case.get('classname')}.{case.get('name')}")
    for reason, names in cases.items():
        more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
        print(f"skipped: {label} {names[0]}{more}: {reason}", file=sys.stderr)


def count_result(result: Event, label: str) -> Counts:
    """One run of one shard. What ends badly after its last case, or before its first, is one failure."""
    outputs = {output["name"]: output.get("uri") for output in result.get("testActionOutput", [])}
    try:
        passed, failed, skipped = count_cases(outputs["test.xml"], label)
    except (KeyError, OSError, ElementTree.ParseError):
        passed, failed, skipped = 0, 0, 0
    if result.get("status") != "PASSED":
        tell_failed(outputs, label)
        return passed, max(failed, 1), skipped
    return (passed, 0, skipped) if passed + skipped > 0 else (1, 0, 0)


def count_events(events: list[Event]) -> list[int]:
    counts = [0, 0, 0]
    last_attempt: dict[tuple[str, int, int], Event] = {}
    for event in events:
        identity = event["id"]
        if "testResult" in event:
            key = identity["testResult"]
            last_attempt[key["label"], key.get("shard", 0), key.get("run", 0)] = event["testResult"]
        elif "targetCompleted" in identity and not event.get("completed", {}).get("success"):
            print("not built:", identity["targetCompleted"]["label"], file=sys.stderr)
            counts[1] += 1
    for (label, _, _), result in last_attempt.items():
        counts = [sum(pair) for pair in zip(counts, count_result(result, label))]
    return counts


def main() -> None:
    events, status = sys.argv[1], int(sys.argv[2])
    passed, failed, skipped = count_events(read_events(events))
    if status != 0 and failed == 0:
        failed = 1
    print(passed, failed, skipped)


if __name__ == "__main__":
    main()
