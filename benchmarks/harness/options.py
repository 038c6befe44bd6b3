"""The command line: what may be asked for, and whether it can be done, before anything is measured."""

import argparse
import os
import re
import sys
from pathlib import Path
from typing import NoReturn

from benchmarks.harness import paths

REFUSED = 2  # Exit codes.
INTERRUPTED = 130
UNREAD = 141  # As of a program that SIGPIPE ended.

DEFAULT_ROUNDS = 5
QUICK_ROUNDS = 2
QUICK_STARTUP_ROUNDS = 20
STARTUP_ROUNDS = 200
QUICK_SCALE = 0.03
SMOKE_SCALE = 0.002

OUTPUTS = ("json", "html", "markdown", "picture", "readme")


def refuse(why: str) -> NoReturn:
    """One line, and the end."""
    print(f"benchmarks: {why}", file=sys.stderr)
    raise SystemExit(REFUSED)


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bazel run -c opt //benchmarks --",
        description="Compares mymalloc with glibc and every other allocator that is installed.",
    )
    add = parser.add_argument
    add(
        "--allocator",
        action="append",
        default=[],
        metavar="NAME=/PATH.so",
        help="one more allocator, or another build of one; repeatable",
    )
    add("--only", metavar="NAME,NAME", help="these allocators only (glibc is always there)")
    add("--filter", default="", metavar="REGEX", help="rows whose name or group matches")
    add("--rounds", type=int, help=f"rounds per row (default {DEFAULT_ROUNDS})")
    add("--quick", action="store_true", help="less work, 2 rounds: a first impression in a minute")
    add("--smoke", action="store_true", help="one tiny round of everything: does it all work?")
    add("--json", metavar="FILE", help="write the results")
    add("--html", metavar="FILE", help="write them as a page to look at")
    add("--markdown", metavar="FILE", help="write them as Markdown (docs/benchmarks.md)")
    add("--picture", metavar="FILE", help="draw the verdict as SVG; --markdown then shows it")
    add("--readme", metavar="FILE", help="put the means into a README that has a place for them")
    add("--compare", metavar="OLD.json", help="say what changed for mymalloc since that run")
    add("--load", metavar="FILE.json", help="show the results of an earlier run; measure nothing")
    add("--list", action="store_true", help="name the rows and the allocators; measure nothing")
    add("--tree-binary", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def _check_writable(flag: str, path: Path) -> None:
    """Opens it for writing as it will be opened, and leaves all as it was."""
    existed = os.path.lexists(path)
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o666))
    except OSError as error:
        refuse(f"--{flag}: cannot write {path}: {error.strerror}")
    if not existed:
        path.unlink()


def check(options: argparse.Namespace) -> None:
    """Refuses what can be seen to be wrong without measuring."""
    if options.rounds is not None and options.rounds < 1:
        refuse(f"--rounds must be 1 or more, not {options.rounds}")
    try:
        re.compile(options.filter)
    except re.error as error:
        refuse(f"--filter={options.filter} is not a regular expression: {error}")
    if options.load and measuring(options):
        flags = " ".join(measuring(options))
        refuse(f"--load shows a kept run as it is; it cannot be with {flags}")
    for flag in OUTPUTS:
        if getattr(options, flag):
            _check_writable(flag, paths.user_path(getattr(options, flag)))


def scale(options: argparse.Namespace) -> float:
    if options.smoke:
        return SMOKE_SCALE
    return QUICK_SCALE if options.quick else 1.0


def rounds(options: argparse.Namespace) -> int:
    if options.rounds is not None:
        return int(options.rounds)
    if options.smoke:
        return 1
    return QUICK_ROUNDS if options.quick else DEFAULT_ROUNDS


def startup_rounds(options: argparse.Namespace) -> int:
    if options.smoke:
        return 1
    return QUICK_STARTUP_ROUNDS if options.quick else STARTUP_ROUNDS


def whole(options: argparse.Namespace) -> bool:
    """Whether everything is measured that is not of one allocator."""
    return not (options.quick or options.smoke or options.filter)


def less(options: argparse.Namespace) -> list[str]:
    """The flags that make a run less than the whole one."""
    found = [f"--{flag}" for flag in ("quick", "smoke") if getattr(options, flag)]
    found += [
        f"--{flag}={given}" for flag in ("only", "filter") if (given := getattr(options, flag))
    ]
    if options.rounds is not None and options.rounds < DEFAULT_ROUNDS:
        found.append(f"--rounds={options.rounds}")
    return found


def measuring(options: argparse.Namespace) -> list[str]:
    """The flags that say what to measure."""
    more = options.rounds is not None and options.rounds >= DEFAULT_ROUNDS
    found = less(options) + ([f"--rounds={options.rounds}"] if more else [])
    return found + [f"--allocator={given}" for given in options.allocator]
