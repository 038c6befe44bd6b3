"""Measures what the command line asks for, or loads it, and shows it."""

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
from benchmarks.harness import options as command_line
from benchmarks.harness.allocators import Allocator
from benchmarks.harness.options import refuse

QUICK_WITHOUT = (allocators.HARDENED, "scudo", allocators.LIMIT)  # As slow as all others together.


def chosen_allocators(options: argparse.Namespace) -> list[Allocator]:
    """The discovered ones and those given; a given one replaces a discovered one of its name."""
    found = {one.name: one for one in allocators.discover()}
    if options.quick and not options.only:
        found = {name: one for name, one in found.items() if name not in QUICK_WITHOUT}
    for given in options.allocator:
        name, _, library = given.partition("=")
        if not library:
            refuse(f"--allocator wants name=/path/to.so, not {given}")
        found[name] = allocators.from_file(name, library)
    if options.only:
        wanted = {allocators.BASELINE, *options.only.split(",")}
        unknown = wanted - set(found)
        if unknown:
            refuse(f"--only: not installed: {', '.join(sorted(unknown))}")
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


def all_rows(options: argparse.Namespace, cores: int = 0) -> list[catalogue.Row]:
    small = options.quick or options.smoke
    binary = options.workload_binary or catalogue.workload_binary()
    scale = command_line.scale(options)
    rows = catalogue.workload_rows(binary, scale, small, cores)
    rows += traces.rows(binary, scale) + programs.rows(scale)
    rows.append(programs.startup_row(command_line.startup_rounds(options)))
    return rows + operations.rows(options.operations_binary, small)


def chosen_rows(options: argparse.Namespace) -> list[catalogue.Row]:
    wanted = re.compile(options.filter)
    rows = all_rows(options)
    found = [row for row in rows if wanted.search(row.name) or wanted.search(row.group)]
    if not found:
        refuse(f"no row matches --filter={options.filter}; --list names them")
    return found


def measure(options: argparse.Namespace) -> results.Results:
    rows = chosen_rows(options)
    found = usable(chosen_allocators(options))
    rounds = command_line.rounds(options)
    kept = results.Results(
        machine=machine.describe(),
        options={
            "rounds": rounds,
            "scale": command_line.scale(options),
            "asked": command_line.asked(options),
            "rows": len(rows),
        },
        allocators={one.name: one.version for one in found},
    )
    try:
        for row in runner.run(rows, found, rounds):
            kept.rows.append(row)
        if not (options.quick or options.smoke or options.filter):
            kept.tree = tree.measure(options.tree_binary)
    except KeyboardInterrupt:
        kept.interrupted = True
    return kept


def list_all(options: argparse.Namespace) -> None:
    for allocator in chosen_allocators(options):
        print(f"{allocator.name:12} {allocator.version}  {allocator.library}")
    for row in chosen_rows(options):
        print(f"{row.group:12} {row.name:24} {row.skipped or row.what}")


def show(options: argparse.Namespace, found: results.Results, old: results.Results | None) -> None:
    print(table.render(found, colour=sys.stdout.isatty()))
    verdicts = bars.judge(found)
    if verdicts and bars.caveat(found):
        print(f"the bars, {bars.caveat(found)}")
    for bar in verdicts:
        print(bar)
    if old is not None:
        print(compare.render(old, found))
    if options.html:
        paths.user_path(options.html).write_text(page.render(found))
    if options.markdown:
        paths.user_path(options.markdown).write_text(markdown.render(found))


def _load(path: str | None) -> results.Results | None:
    return results.load(paths.user_path(path)) if path else None


def run(options: argparse.Namespace) -> int:
    command_line.check(options)
    old = _load(options.compare)
    found = _load(options.load) or measure(options)
    if options.json:  # Before anything else can go wrong.
        found.save(paths.user_path(options.json))
    show(options, found, old)
    failures = runner.failures(found.rows)
    for failure in failures:
        print(f"FAILED  {failure}")
    for caveat in found.caveats():
        print(caveat)
    if found.interrupted:
        return command_line.INTERRUPTED
    return 1 if failures else 0


def main(argv: list[str]) -> int:
    options = command_line.parse(argv)
    if options.launcher:
        process.set_launcher(options.launcher)
    try:
        if options.list:
            list_all(options)
            return 0
        return run(options)
    except KeyboardInterrupt:
        print("benchmarks: interrupted", file=sys.stderr)
        return command_line.INTERRUPTED
