"""The table of docs/scaling.md: at how many cores each lock would be held all the time.

A core needs some time for a pair of malloc and free, with what the workload does besides; for a part of it
a lock is held. Their ratio is the number of cores that keep the lock busy: more of them wait. To be run on an
idle machine: a thread that is interrupted holds its locks meanwhile.
"""

from tests.scaling import lock_counts
from tests.scaling.lock_counts import Counted

SCALE = 0.5
WORST = 3  # Workloads for each lock.
FEWEST = 50  # Acquisitions that say something.


def _saturated_at(counted: Counted, lock: str) -> float:
    held = counted.held_ns[lock]
    return float("inf") if held <= 0 else counted.cpu_seconds * 1e9 / held


def _line(lock: str, name: str, counted: Counted) -> str:
    times = counted.acquisitions[lock]
    pair = counted.cpu_seconds * 1e9 / counted.operations
    return (
        f"| {lock} | {name} | {counted.per_1000(lock):.2f} | {counted.mean_hold(lock):.0f} | {pair:.0f} | "
        f"{counted.longest_ns[lock] / 1000:.0f} | {counted.waits[lock]:.0f} of {times:.0f} | "
        f"{_saturated_at(counted, lock):,.0f} |"
    )


def _worst(lock: str, found: dict[str, Counted]) -> list[str]:
    """The names of those that would keep the lock busy with the fewest cores."""
    return sorted(found, key=lambda name: _saturated_at(found[name], lock))[:WORST]


def main() -> None:
    found = {name: lock_counts.steady(name, SCALE) for name in lock_counts.names()}
    heads = ["Lock", "Workload", "Taken in 1,000 operations", "Held, ns", "An operation, ns"]
    heads += ["Longest, µs", "Waits", "Busy at, cores"]
    print(f"| {' | '.join(heads)} |\n| --- | --- |{' ---: |' * (len(heads) - 2)}")
    locks = next(iter(found.values())).acquisitions
    for lock in locks:
        if not lock_counts.is_shared(lock):
            continue
        taken = {
            name: one
            for name, one in found.items()
            if one.acquisitions[lock] >= FEWEST and one.cpu_seconds > 0
        }
        if not taken:
            print(f"| {lock} | each | fewer than {FEWEST} times in all |")
        for name in _worst(lock, taken):
            print(_line(lock, name, taken[name]))


if __name__ == "__main__":
    main()
