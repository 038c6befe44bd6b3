"""The command line of the benchmarks."""

import argparse
import re
import sys

from benchmarks.harness import (
    allocators,
    bars,
    catalogue,
    compare,
    machine,
    markdown,
    operations,
    page,
    paths,
    process,
    programs,
    results,
    runner,
    table,
    traces,
    tree,
)
from benchmarks.harness.allocators import Allocator

DEFAULT_ROUNDS = 5
QUICK_ROUNDS = 2
QUICK_STARTUP_ROUNDS = 20
QUICK_SCALE = 0.03
SMOKE_SCALE = 0.002


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
    add("--rounds", type=int, default=0, help=f"rounds per row (default {DEFAULT_ROUNDS})")
    add("--quick", action="store_true", help="less work, 2 rounds: a first impression in a minute")
    add("--smoke", action="store_true", help="one tiny round of everything: does it all work?")
    add("--json", metavar="FILE", help="write the results")
    add("--html", metavar="FILE", help="write them as a page to look at")
    add("--markdown", metavar="FILE", help="write them as Markdown (docs/benchmarks.md)")
    add("--compare", metavar="OLD.json", help="say what changed for mymalloc since that run")
    add("--load", metavar="FILE.json", help="show the results of an earlier run; measure nothing")
    add("--list", action="store_true", help="name the rows and the allocators; measure nothing")
    add("--workload-binary", help=argparse.SUPPRESS)
    add("--operations-binary", help=argparse.SUPPRESS)
    add("--tree-binary", help=argparse.SUPPRESS)
    add("--launcher", help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def chosen_allocators(options: argparse.Namespace) -> list[Allocator]:
    """The discovered ones and those given; a given one replaces a discovered one of its name."""
    found = {one.name: one for one in allocators.discover()}
    for given in options.allocator:
        name, _, library = given.partition("=")
        if not library:
            raise SystemExit(f"benchmarks: --allocator wants name=/path/to.so, not {given}")
        found[name] = allocators.from_file(name, library)
    if options.quick:
        found.pop(allocators.LIMIT, None)  # It takes as long as all the others.
    if options.only:
        wanted = {allocators.BASELINE, *options.only.split(",")}
        unknown = wanted - set(found)
        if unknown:
            raise SystemExit(f"benchmarks: not installed: {', '.join(sorted(unknown))}")
        found = {name: one for name, one in found.items() if name in wanted}
    return list(found.values())


def usable(found: list[Allocator]) -> list[Allocator]:
    """Those whose preload takes effect; the others are named on stderr."""
    kept = []
    for allocator in found:
        failure = allocators.preload_failure(allocator)
        if failure:
            print(f"benchmarks: left out {allocator.name}: {failure}", file=sys.stderr)
        else:
            kept.append(allocator)
    return kept


def scale_of(options: argparse.Namespace) -> float:
    if options.smoke:
        return SMOKE_SCALE
    return QUICK_SCALE if options.quick else 1.0


def rounds_of(options: argparse.Namespace) -> int:
    if options.rounds:
        return int(options.rounds)
    if options.smoke:
        return 1
    return QUICK_ROUNDS if options.quick else DEFAULT_ROUNDS


def startup_rounds(options: argparse.Namespace) -> int:
    if options.smoke:
        return 1
    return QUICK_STARTUP_ROUNDS if options.quick else programs.STARTUP_ROUNDS


def chosen_rows(options: argparse.Namespace) -> list[catalogue.Row]:
    small = options.quick or options.smoke
    binary = options.workload_binary or catalogue.workload_binary()
    scale = scale_of(options)
    rows = catalogue.workload_rows(binary, scale, small)
    rows += traces.rows(binary, scale) + programs.rows(scale)
    rows.append(programs.startup_row(startup_rounds(options)))
    rows += operations.rows(options.operations_binary, small)
    wanted = re.compile(options.filter)
    return [row for row in rows if wanted.search(row.name) or wanted.search(row.group)]


def measure(options: argparse.Namespace) -> results.Results:
    rows = chosen_rows(options)
    if not rows:
        raise SystemExit(f"benchmarks: no row matches {options.filter!r}; --list names them")
    found = usable(chosen_allocators(options))
    rounds = rounds_of(options)
    small = options.quick or options.smoke
    about = machine.describe()
    return results.Results(
        machine=about,
        options={"rounds": rounds, "scale": scale_of(options), "filter": options.filter},
        allocators={one.name: one.version for one in found},
        rows=runner.run(rows, found, rounds),
        tree=tree.measure(options.tree_binary) if not (small or options.filter) else {},
    )


def list_all(options: argparse.Namespace) -> None:
    for allocator in chosen_allocators(options):
        print(f"{allocator.name:12} {allocator.version}  {allocator.library}")
    for row in chosen_rows(options):
        print(f"{row.group:12} {row.name:24} {row.skipped or row.what}")


def main(argv: list[str]) -> int:
    options = parse(argv)
    if options.launcher:
        process.set_launcher(options.launcher)
    if options.list:
        list_all(options)
        return 0
    if options.load:
        found = results.load(paths.user_path(options.load))
    else:
        found = measure(options)
    print(table.render(found, colour=sys.stdout.isatty()))
    verdicts = bars.judge(found)
    if verdicts and found.options["scale"] < 1:
        print("the bars, on a fraction of the work: an impression, no verdict")
    for bar in verdicts:
        print(bar)
    if options.compare:
        print(compare.render(results.load(paths.user_path(options.compare)), found))
    if options.html:
        paths.user_path(options.html).write_text(page.render(found))
    if options.markdown:
        paths.user_path(options.markdown).write_text(markdown.render(found))
    if options.json:
        found.save(paths.user_path(options.json))
    failures = runner.failures(found.rows)
    for failure in failures:
        print(f"FAILED  {failure}")
    return 1 if failures else 0
