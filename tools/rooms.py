"""The rooms of the engine, from the lowest floor up: who includes whom, and that no arrow climbs.

A header counts with its source, and with the sources that carry its name further (heap.h, heap.cc, heap_runs.cc).
Fails on an include that leads to a higher room, on a circle within one, and on a room that holds a quarter of all
lines.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

# From the lowest. Rooms of one floor do not know of each other.
FLOORS = (
    ("mymalloc",),  # the public header, mymalloc.h: the ground
    ("base",),
    ("os", "fault"),
    ("page",),
    ("supply",),
    ("heap",),
    ("large",),
    ("misuse",),
    ("process",),
    ("front",),
    ("report",),
    ("answer",),
    # compat and osmem are libraries of their own; compat stands on the public header alone
    ("override", "compat", "osmem"),
)
LARGEST_SHARE = 0.25

_INCLUDE = re.compile(r'^#include "mymalloc/([^"]+)"', re.MULTILINE)
_LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}

Arrows = dict[str, set[str]]


def room_of(name: str) -> str:
    return name.split("/")[0].removesuffix(".h")


def units_of(names: Iterable[str]) -> dict[str, str]:
    """Of each file ("heap/heap_runs.cc") the header that it counts with, without ending ("heap/heap")."""
    headers = {str(PurePosixPath(name).with_suffix("")) for name in names if name.endswith(".h")}
    units = {}
    for name in names:
        stem = str(PurePosixPath(name).with_suffix(""))
        while stem not in headers and "_" in PurePosixPath(stem).name:
            stem = stem.rpartition("_")[0]
        units[name] = stem if stem in headers else str(PurePosixPath(name).with_suffix(""))
    return units


def arrows_of(texts: Mapping[str, str]) -> Arrows:
    """Which unit includes which others. `texts`: by name below mymalloc/."""
    units = units_of(list(texts))
    arrows: Arrows = {unit: set() for unit in units.values()}
    for name, text in texts.items():
        for included in _INCLUDE.findall(text):
            if included.endswith(".inc"):  # A part of who includes it.
                continue
            target = units[included]
            if target != units[name]:
                arrows[units[name]].add(target)
    return arrows


def climbing(arrows: Arrows) -> list[str]:
    found = []
    for unit, targets in sorted(arrows.items()):
        for target in sorted(targets):
            here, there = room_of(unit), room_of(target)
            if here != there and _LEVEL[there] >= _LEVEL[here]:
                found.append(f"{unit} includes {target}: {there}/ is not below {here}/")
    return found


def circle(arrows: Arrows) -> list[str]:
    """The units of one, the first again at the end; empty if there is none."""
    done: set[str] = set()
    path: list[str] = []

    def visit(unit: str) -> list[str]:
        if unit in path:
            return [*path[path.index(unit) :], unit]
        if unit in done:
            return []
        path.append(unit)
        for target in sorted(arrows[unit]):
            if found := visit(target):
                return found
        path.pop()
        done.add(unit)
        return []

    for unit in sorted(arrows):
        if found := visit(unit):
            return found
    return []


def faults_of(texts: Mapping[str, str]) -> list[str]:
    unknown = sorted({room_of(name) for name in texts} - set(_LEVEL))
    if unknown:
        return [f"{room}/ is on no floor: tools/rooms.py lists them" for room in unknown]
    lost = [
        f"{name} includes {included}, which is not there"
        for name, text in texts.items()
        for included in _INCLUDE.findall(text)
        if included not in texts and not included.endswith(".inc")
    ]
    if lost:
        return lost
    arrows = arrows_of(texts)
    faults = climbing(arrows)
    if found := circle(arrows):
        faults.append("a circle: " + " -> ".join(found))
    lines = lines_of(texts)
    whole = sum(lines.values())
    for room, count in lines.items():
        if count >= whole * LARGEST_SHARE:
            faults.append(f"{room}/ holds {count / whole:.0%} of all lines")
    return faults


def lines_of(texts: Mapping[str, str]) -> dict[str, int]:
    lines = dict.fromkeys(_LEVEL, 0)
    for name, text in texts.items():
        lines[room_of(name)] += text.count("\n")
    return lines


def floors(texts: Mapping[str, str]) -> str:
    """The house, the roof first."""
    lines = lines_of(texts)
    whole = max(1, sum(lines.values()))
    return "\n".join(
        "  ".join(f"{room}/ {lines[room]} lines, {lines[room] / whole:.0%}" for room in rooms)
        for rooms in reversed(FLOORS)
    )


def read(root: Path) -> dict[str, str]:
    listed = subprocess.run(
        ["git", "ls-files", "mymalloc/*.h", "mymalloc/*.cc"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name for name in listed.stdout.split() if (root / name).exists()]
    return {name.removeprefix("mymalloc/"): (root / name).read_text() for name in names}


def main() -> int:
    texts = read(Path(__file__).resolve().parent.parent)
    faults = faults_of(texts)
    print(floors(texts))
    for fault in faults:
        print(f"tools/rooms.py: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
