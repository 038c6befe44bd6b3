"""Counts the test cases of one `bazel test`: prints PASSED FAILED.

Usage: count_tests.py EVENTS STATUS, with the file of --build_event_json_file and bazel's exit status.
The events name the test.xml of every test target, also of those whose result was cached.
"""

import json
import sys
import urllib.parse
import urllib.request
import xml.etree.ElementTree


def read_events(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def count_cases(xml_uri):
    """The passed and failed cases that one test.xml reports."""
    path = urllib.request.url2pathname(urllib.parse.urlparse(xml_uri).path)
    passed = failed = 0
    for suite in xml.etree.ElementTree.parse(path).getroot().iter("testsuite"):
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        idle = int(suite.get("disabled", 0)) + int(suite.get("skipped", 0))
        failed += bad
        passed += int(suite.get("tests", 0)) - bad - idle
    return passed, failed


def count_result(result):
    """One run of one shard. What ends badly after its last case, or before its first, is one failure."""
    outputs = {output["name"]: output.get("uri") for output in result.get("testActionOutput", [])}
    try:
        passed, failed = count_cases(outputs["test.xml"])
    except (KeyError, OSError, xml.etree.ElementTree.ParseError):
        passed, failed = 0, 0
    if result.get("status") == "PASSED":
        return max(passed, 1), 0
    return passed, max(failed, 1)


def count_events(events):
    passed = failed = 0
    last_attempt = {}
    for event in events:
        identity = event["id"]
        if "testResult" in event:
            key = identity["testResult"]
            last_attempt[key["label"], key.get("shard"), key.get("run")] = event["testResult"]
        elif "targetCompleted" in identity and not event.get("completed", {}).get("success"):
            print("not built:", identity["targetCompleted"]["label"], file=sys.stderr)
            failed += 1
    for result in last_attempt.values():
        good, bad = count_result(result)
        passed += good
        failed += bad
    return passed, failed


def main():
    events, status = sys.argv[1], int(sys.argv[2])
    passed, failed = count_events(read_events(events))
    if status != 0 and failed == 0:
        failed = 1
    print(passed, failed)


if __name__ == "__main__":
    main()
