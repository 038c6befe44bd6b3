"""Memory over time, all allocators on one axis, so that what is live can be read beside what is resident.

A faster allocator comes to the same place of the work earlier: on a clock, the one's resident memory would
lie beside what another still had to allocate. Samples are taken at the same places of the work under all,
so these are the axis: 0 to 1 is the work, and after it come the seconds of idling.
"""

from benchmarks.harness.results import RowResult

IDLE_SECOND = 0.25  # The room on the axis for one second, when the whole of the work has 1.

Samples = list[list[float]]
Points = list[tuple[float, float]]  # Place and bytes.


def _idle_from(samples: Samples) -> int:
    """Where all is freed for good."""
    used = [place for place, (_, live, _) in enumerate(samples) if live]
    return used[-1] + 1 if used else 0


def _places(samples: Samples) -> list[float]:
    idle = _idle_from(samples)
    start = samples[idle][0] if idle < len(samples) else 0.0
    first = 1.0 if idle else 0.0
    work = [place / idle for place in range(idle)]
    return work + [first + (seconds - start) * IDLE_SECOND for seconds, _, _ in samples[idle:]]


def resident(row: RowResult) -> dict[str, Points]:
    """Per allocator."""
    return {
        name: [(place, one[2]) for place, one in zip(_places(cell.samples), cell.samples)]
        for name, cell in row.cells.items()
        if cell.samples
    }


def live(row: RowResult) -> Points:
    """What the program has asked for and not freed; where threads make that differ, the least."""
    runs = [cell.samples for cell in row.cells.values() if cell.samples]
    if not runs:
        return []
    shortest = min(runs, key=len)
    least = [min(one[1] for one in samples) for samples in zip(*runs)]
    return list(zip(_places(shortest), least))


def ticks(row: RowResult) -> list[tuple[float, str]]:
    """The marks of the axis."""
    runs = [cell.samples for cell in row.cells.values() if cell.samples]
    worked = any(_idle_from(samples) for samples in runs)
    first = 1.0 if worked else 0.0
    last = max(_places(samples)[-1] for samples in runs)
    found = [(0.0, "0%"), (0.5, "50%"), (1.0, "all done")] if worked else [(0.0, "all done")]
    seconds = int((last - first) / IDLE_SECOND + 0.01)
    if seconds:
        found.append((first + seconds * IDLE_SECOND, f"+{seconds} s"))
    return found
