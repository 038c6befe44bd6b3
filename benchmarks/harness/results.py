"""What a run of the benchmarks found, as it is kept in JSON."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.harness import stats, tree, typed
from benchmarks.harness.options import refuse
from benchmarks.harness.stats import Spread

FORMAT = 1


@dataclass
class Cell:
    """One row under one allocator. `failure` is empty when every round ended well."""

    failure: str = ""
    detail: str = ""
    figures: dict[str, list[float]] = field(default_factory=dict)  # One value per round.
    samples: list[list[float]] = field(default_factory=list)  # Of one round: seconds, live, RSS.

    def add(self, figures: dict[str, float]) -> None:
        for name, value in figures.items():
            self.figures.setdefault(name, []).append(value)

    def spread(self, figure: str) -> Spread | None:
        values = self.figures.get(figure)
        return stats.spread(values) if values and not self.failure else None

    def median(self, figure: str) -> float | None:
        found = self.spread(figure)
        return found.median if found else None


@dataclass
class RowResult:
    name: str
    group: str
    what: str
    cells: dict[str, Cell] = field(default_factory=dict)
    skipped: str = ""  # Why the row was not run at all.

    def ratio(self, allocator: str, figure: str, base: str) -> float | None:
        """The median of `allocator` by that of `base`."""
        ours = self.median(allocator, figure)
        theirs = self.median(base, figure)
        return ours / theirs if ours and theirs else None

    def median(self, allocator: str, figure: str) -> float | None:
        cell = self.cells.get(allocator)
        return cell.median(figure) if cell else None

    def spread(self, allocator: str, figure: str) -> Spread | None:
        cell = self.cells.get(allocator)
        return cell.spread(figure) if cell else None


@dataclass
class Results:
    machine: dict[str, str]
    options: dict[str, Any]
    allocators: dict[str, str]  # Name to version, in the order of the columns.
    rows: list[RowResult] = field(default_factory=list)
    interrupted: bool = False  # Then the rows are those that were measured until then.
    # What could not be measured at all, an allocator or a part of the run, and why.
    broken: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)  # What else weakens the figures.
    # What the tree costs: per operation and structure, [number of ranges, nanoseconds].
    tree: dict[str, dict[str, list[list[float]]]] = field(default_factory=dict)

    def about(self) -> dict[str, str]:
        """Everything without which the figures are worth nothing."""
        scale = self.options["scale"]
        run = {
            "rounds": str(self.options["rounds"]),
            "work": "all of it" if scale == 1 else f"{100 * scale:g}% of it: a first impression",
        }
        return {**self.machine, **run, **self.allocators}

    def caveats(self) -> list[str]:
        """Whatever the reader must know before the figures."""
        return [*self.partial(), *self.notes]

    def partial(self) -> list[str]:
        """Why these are not the figures of a whole run; nothing if they are."""
        found = [f"FAILED: {what}: {why}" for what, why in self.broken.items()]
        if self.interrupted:
            asked = self.options["rows"]
            found.append(f"INTERRUPTED: {len(self.rows)} of the {asked} rows asked for are here.")
        flags = self.options.get("asked", [])
        if flags:
            found.append(f"NOT THE WHOLE RUN: asked for with {' '.join(flags)}")
        return found

    def text(self) -> str:
        """As it is kept."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=None) + "\n"

    def in_groups(self, *groups: str) -> list[RowResult]:
        return [row for row in self.rows if row.group in groups and not row.skipped]

    def row(self, name: str) -> RowResult | None:
        return next((row for row in self.rows if row.name == name), None)


def _check_options(given: dict[str, Any], interrupted: bool) -> None:
    kinds = {"rounds": int, "scale": float, "asked": list[str], "named": list[str], "rows": int}
    for name in ("rounds", "scale", *(("rows",) if interrupted else ())):
        if name not in given:
            raise ValueError(f"options.{name} is missing")
    for name, kind in kinds.items():
        if name in given:
            typed.read(kind, given[name], f"options.{name}")


def _check_tree(given: dict[str, dict[str, list[list[float]]]]) -> None:
    for operation, structures in given.items():
        if operation not in tree.OPERATIONS or not structures:
            raise ValueError(f"tree.{operation} is no operation that was measured")
        counts = [[point[:-1] for point in points] for points in structures.values()]
        pairs = all(len(point) == 2 for points in structures.values() for point in points)
        if not pairs or any(other != counts[0] for other in counts):
            raise ValueError(f"tree.{operation} has not the same numbers of ranges everywhere")
        if any(min(point) <= 0 for points in structures.values() for point in points):
            raise ValueError(f"tree.{operation} has a figure that is not above 0")


def _check_cell(cell: Cell, where: str) -> None:
    for figure, values in cell.figures.items():
        if figure in ("seconds", "peak_rss") and min(values, default=1) <= 0:
            raise ValueError(f"{where}: {figure} is not above 0")
        if min(values, default=0) < 0:
            raise ValueError(f"{where}: {figure} is below 0")
    if any(len(sample) != 3 for sample in cell.samples):
        raise ValueError(f"{where}: a sample is not three numbers")


def _parse(text: str) -> Results:
    raw = typed.read(dict[str, Any], json.loads(text), "it")
    if raw.pop("format", None) != FORMAT:
        raise ValueError("it is of another version")
    if "IntervalTree" in raw.get("tree", {}):  # Runs once had one operation of the tree.
        raw["tree"] = {"Stab hit": raw["tree"]}
    found: Results = typed.read(Results, raw, "run")
    _check_options(found.options, found.interrupted)
    _check_tree(found.tree)
    for row in found.rows:
        for name, cell in row.cells.items():
            _check_cell(cell, f"{row.name} under {name}")
    return found


def load(path: Path) -> Results:
    try:
        return _parse(path.read_text())
    except OSError as error:
        refuse(f"cannot read {path}: {error.strerror}")
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        refuse(f"{path} is not a result of this version of the benchmarks: {error}")
