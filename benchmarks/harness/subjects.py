"""Which allocators are compared, and whether each of them can be."""

import argparse
import dataclasses
import sys

from benchmarks.harness import allocators, catalogue, operations, paths, tree
from benchmarks.harness import options as command_line
from benchmarks.harness.allocators import Allocator
from benchmarks.harness.options import refuse

QUICK_WITHOUT = (allocators.HARDENED, "scudo", allocators.LIMIT)  # As slow as all others together.


def _given(text: str) -> Allocator:
    name, _, library = text.partition("=")
    if not name or not library:
        refuse(f"--allocator wants name=/path/to.so, not {text}")
    return allocators.from_file(name, library)


def named(options: argparse.Namespace) -> set[str]:
    """Those that must be there and run; others are compared if they happen to be installed."""
    if options.only:
        return {allocators.BASELINE, *options.only.split(",")}
    given = {text.partition("=")[0] for text in options.allocator}
    return {allocators.BASELINE, allocators.OURS, allocators.HARDENED, *given}


def chosen(options: argparse.Namespace) -> list[Allocator]:
    """The discovered ones and those given; a given one replaces a discovered one of its name."""
    found = {one.name: one for one in allocators.discover()}
    if options.quick and not options.only:
        found = {name: one for name, one in found.items() if name not in QUICK_WITHOUT}
    found.update({one.name: one for one in map(_given, options.allocator)})
    if options.only:
        wanted = named(options)
        unknown = wanted - set(found)
        if unknown:
            refuse(f"--only: not installed: {', '.join(sorted(unknown))}")
        found = {name: one for name, one in found.items() if name in wanted}
    return list(found.values())


def _tried(allocator: Allocator, binary: str) -> Allocator:
    tried = catalogue.try_out(binary, allocator)
    if not tried.failure:
        return allocator
    return dataclasses.replace(allocator, failure=tried.failure, detail=tried.detail)


def usable(
    options: argparse.Namespace, binary: str, notes: list[str], broken: dict[str, str]
) -> list[Allocator]:
    """Each is tried out. What was asked for and cannot run stays, as `broken`; others are left out."""
    found = chosen(options)
    needed = named(options)
    if allocators.OURS in needed and allocators.OURS not in {one.name for one in found}:
        refuse("libmymalloc.so is not built; use `bazel run -c opt //benchmarks`, or --only")
    kept = []
    for allocator in (_tried(one, binary) for one in found):
        why = f"{allocator.failure} {allocator.detail}".strip()
        if why and allocator.name not in needed:
            notes.append(f"{allocator.name} is left out, as it cannot run: {why}")
            continue
        if why:
            broken[allocator.name] = why
        kept.append(allocator)
    return kept


def parts_not_built(options: argparse.Namespace) -> list[str]:
    """What a whole run would measure, and this one cannot."""
    parts = {program for _, program in operations.PROGRAMS}
    if command_line.whole(options) and not options.tree_binary:
        parts.add(tree.PROGRAM)
    if not options.only and not options.quick:
        parts.add("benchmarks/limit/libbump.so")
    return sorted(part for part in parts if paths.artifact(part) is None)


def say(warnings: list[str]) -> None:
    """At once, as well as with the results: a long run may not be worth its time."""
    for warning in warnings:
        print(f"benchmarks: {warning}", file=sys.stderr)
