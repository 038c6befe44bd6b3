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


def path_of(uri: str) -> str:
    return urllib.request.url2pathname(urllib.parse.urlparse(uri).path)


def read_report(outputs: dict[str, str]) -> ElementTree.Element:
    """What test.xml has; nothing where it is none."""
    try:
        return ElementTree.parse(path_of(outputs["test.xml"])).getroot()
    except (KeyError, OSError, ElementTree.ParseError):
        return ElementTree.Element("testsuites")


def count_cases(report: ElementTree.Element) -> Counts:
    """The passed, failed and skipped cases that it reports."""
    passed = failed = skipped = 0
    for suite in report.iter("testsuite"):
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        idle = int(suite.get("disabled", 0)) + int(suite.get("skipped", 0))
        failed += bad
        skipped += idle
        passed += int(suite.get("tests", 0)) - bad - idle
    return passed, failed, skipped


def tell_failed(report: ElementTree.Element, outputs: dict[str, str], label: str) -> None:
    """Of a test without a report of its own (bazel then makes one, with an error) the log's end."""
    told = False
    for case in report.iter("testcase"):
        for failure in case.iter("failure"):
            name = f"{case.get('classname')}.{case.get('name')}"
            tell_lines(f"failed: {label} {name}", failure.text or "")
            told = True
    if not told:
        tell_log(outputs, label)


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
    report = read_report(outputs)
    passed, failed, skipped = count_cases(report)
    tell_skipped(report, label)
    if result.get("status") != "PASSED":
        tell_failed(report, outputs, label)
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
