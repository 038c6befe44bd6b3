"""Counts the test cases of one `bazel test`: prints PASSED FAILED SKIPPED, and names what was skipped.

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


def count_cases(xml_uri, label):
    """The passed, failed and skipped cases that one test.xml reports."""
    path = urllib.request.url2pathname(urllib.parse.urlparse(xml_uri).path)
    root = xml.etree.ElementTree.parse(path).getroot()
    passed = failed = skipped = 0
    for suite in root.iter("testsuite"):
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        idle = int(suite.get("disabled", 0)) + int(suite.get("skipped", 0))
        failed += bad
        skipped += idle
        passed += int(suite.get("tests", 0)) - bad - idle
    tell_skipped(root, label)
    return passed, failed, skipped


def tell_skipped(root, label):
    """Names the first case for each reason, which googletest gives below the place in the source."""
    cases = {}
    for case in root.iter("testcase"):
        for skipped in case.iter("skipped"):
            reason = " ".join(skipped.get("message", "").splitlines()[1:])
            cases.setdefault(reason, []).append(f"{case.get('classname')}.{case.get('name')}")
    for reason, names in cases.items():
        more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
        print(f"skipped: {label} {names[0]}{more}: {reason}", file=sys.stderr)


def count_result(result, label):
    """One run of one shard. What ends badly after its last case, or before its first, is one failure."""
    outputs = {output["name"]: output.get("uri") for output in result.get("testActionOutput", [])}
    try:
        passed, failed, skipped = count_cases(outputs["test.xml"], label)
    except (KeyError, OSError, xml.etree.ElementTree.ParseError):
        passed, failed, skipped = 0, 0, 0
    if result.get("status") != "PASSED":
        return passed, max(failed, 1), skipped
    return (passed, 0, skipped) if passed + skipped > 0 else (1, 0, 0)


def count_events(events):
    counts = [0, 0, 0]
    last_attempt = {}
    for event in events:
        identity = event["id"]
        if "testResult" in event:
            key = identity["testResult"]
            last_attempt[key["label"], key.get("shard"), key.get("run")] = event["testResult"]
        elif "targetCompleted" in identity and not event.get("completed", {}).get("success"):
            print("not built:", identity["targetCompleted"]["label"], file=sys.stderr)
            counts[1] += 1
    for (label, _, _), result in last_attempt.items():
        counts = [sum(pair) for pair in zip(counts, count_result(result, label))]
    return counts


def main():
    events, status = sys.argv[1], int(sys.argv[2])
    passed, failed, skipped = count_events(read_events(events))
    if status != 0 and failed == 0:
        failed = 1
    print(passed, failed, skipped)


if __name__ == "__main__":
    main()
