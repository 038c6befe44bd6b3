"""Measures what the command line asks for, or loads it, and shows it."""

import argparse
import os
import re
import sys
from collections.abc import Callable

from benchmarks.harness import (
    bars,
    catalogue,
    compare,
    machine,
    markdown,
    operations,
    output,
    page,
    paths,
    programs,
    readme,
    results,
    runner,
    subjects,
    table,
    traces,
    tree,
    verdict,
)
from benchmarks.harness import options as command_line
from benchmarks.harness.allocators import Allocator
from benchmarks.harness.options import refuse
from benchmarks.harness.progress import Progress


def all_rows(options: argparse.Namespace, cores: int = 0) -> list[catalogue.Row]:
    small = options.quick or options.smoke
    binary = catalogue.workload_binary()
    scale = command_line.scale(options)
    rows = catalogue.workload_rows(binary, scale, small, cores)
    rows += traces.rows(binary, scale) + programs.rows(scale)
    rows.append(programs.startup_row(command_line.startup_rounds(options)))
    return rows + operations.rows(small)


def chosen_rows(options: argparse.Namespace) -> list[catalogue.Row]:
    wanted = re.compile(options.filter)
    rows = all_rows(options)
    found = [row for row in rows if wanted.search(row.name) or wanted.search(row.group)]
    if not found:
        refuse(f"no row matches --filter={options.filter}; --list names them")
    return found


def _prepare(options: argparse.Namespace, rows: int) -> tuple[results.Results, list[Allocator]]:
    """The results without a row yet, and the allocators that the rows are for."""
    binary = catalogue.workload_binary()
    notes = [f"{part} is not built: not measured" for part in subjects.parts_not_built(options)]
    busy = machine.busy()
    notes += [busy] if busy else []
    broken: dict[str, str] = {}
    found = subjects.usable(options, binary, notes, broken)
    subjects.say([*notes, *(f"{name} cannot run: {why}" for name, why in broken.items())])
    kept = results.Results(
        machine=machine.describe(),
        options={
            "rounds": command_line.rounds(options),
            "scale": command_line.scale(options),
            "asked": command_line.less(options),
            "named": sorted(subjects.named(options)),
            "rows": rows,
        },
        allocators={one.name: one.version for one in found},
        broken=broken,
        notes=notes,
    )
    return kept, found


def _measure_tree(kept: results.Results, binary: str, progress: Progress) -> None:
    try:
        kept.tree = tree.measure(binary, progress)
    # pylint: disable-next=broad-exception-caught  # The rows are worth more than it is.
    except Exception as error:
        kept.broken["the tree"] = str(error)


def measure(options: argparse.Namespace) -> results.Results:
    rows = chosen_rows(options)
    kept, found = _prepare(options, len(rows))
    rounds = command_line.rounds(options)
    tree_binary = tree.program(options.tree_binary) if command_line.whole(options) else ""
    total = runner.weight(rows, found, rounds) + tree.weight(tree_binary)
    kept.interrupted = True  # Until it is over, also in what is on the disk by then.
    try:
        with Progress(total) as progress:
            for row in runner.run(rows, found, rounds, progress):
                kept.rows.append(row)
                if options.json:
                    output.save_so_far(kept, options.json)
            if tree_binary:
                _measure_tree(kept, tree_binary, progress)
        kept.interrupted = False
    except KeyboardInterrupt:
        pass
    return kept


def list_all(options: argparse.Namespace) -> None:
    for allocator in subjects.chosen(options):
        print(f"{allocator.name:12} {allocator.version}  {allocator.library}")
    for row in chosen_rows(options):
        print(f"{row.group:12} {row.name:24} {row.skipped or row.what}")


def _from_the_markdown(options: argparse.Namespace) -> str:
    """Where the picture is, if there is one."""
    if not options.picture:
        return ""
    beside = paths.user_path(options.markdown).parent
    return os.path.relpath(paths.user_path(options.picture), beside)


def _check_readme(options: argparse.Namespace) -> None:
    """Before anything is measured."""
    if options.readme and not readme.has_place(paths.user_path(options.readme)):
        refuse(f"--readme={options.readme} has no place for the figures: {readme.BEGIN}")


def _readme_with(options: argparse.Namespace, found: results.Results) -> str:
    return readme.updated(paths.user_path(options.readme).read_text(), found)


def _write(options: argparse.Namespace, found: results.Results) -> bool:
    """Whether all that was asked for could be written."""
    makers: dict[str, Callable[[results.Results], str]] = {
        "json": results.Results.text,
        "html": page.render,
        "markdown": lambda given: markdown.render(given, _from_the_markdown(options)),
        "picture": verdict.drawing,
        "readme": lambda given: _readme_with(options, given),
    }
    written = [
        output.write(flag, getattr(options, flag), make(found))
        for flag, make in makers.items()
        if getattr(options, flag)
    ]
    return all(written)


def show(found: results.Results) -> None:
    print(table.render(found, colour=sys.stdout.isatty() and not os.environ.get("NO_COLOR")))
    verdicts = bars.judge(found)
    if verdicts and bars.caveat(found):
        print(f"the bars, {bars.caveat(found)}")
    for bar in verdicts:
        print(bar)


def _compare(old: results.Results, found: results.Results) -> bool:
    """Whether there was anything to compare."""
    obstacle = compare.obstacle(old, found)
    if obstacle:
        print(f"benchmarks: nothing was compared: {obstacle}", file=sys.stderr)
        return False
    print(compare.render(old, found))
    return True


def _load(path: str | None) -> results.Results | None:
    return results.load(paths.user_path(path)) if path else None


def run(options: argparse.Namespace) -> int:
    old = _load(options.compare)
    found = _load(options.load) or measure(options)
    good = _write(options, found)  # Before anything else can go wrong.
    show(found)
    if old is not None:
        good = _compare(old, found) and good
    for failure in runner.failures(found):
        print(f"FAILED  {failure}")
    named = found.options.get("named") or subjects.named(options)
    fatal = runner.failures(found, set(named))
    for caveat in found.caveats():
        print(caveat)
    if found.interrupted:
        return command_line.INTERRUPTED
    return 0 if good and not fatal and not found.broken else 1


def main(argv: list[str]) -> int:
    options = command_line.parse(argv)
    command_line.check(options)
    _check_readme(options)
    try:
        code = 0
        if options.list:
            list_all(options)
        else:
            code = run(options)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read has seen enough. Nothing is left for Python to write when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return command_line.UNREAD
