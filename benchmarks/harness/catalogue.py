"""All rows: what is run, and how one run of it is measured."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.harness import paths, process
from benchmarks.harness.allocators import Allocator
from benchmarks.harness.options import refuse

TIMEOUT = 60.0
TRIAL_TIMEOUT = 20.0

# Groups. The bars that the project has set itself are about the first two.
WORKLOADS = "workloads"
PROGRAMS = "programs"
SCALING = "scaling"
LATENCY = "latency"
STARTUP = "start-up"
LIMIT = "limit"
TRACES = "traces"
OPERATIONS = "operations"

PERCENTILES = ("p50", "p90", "p99", "p99.9", "p99.99", "max")


@dataclass
class Measured:
    """One run. `checksum` must be the same under every allocator."""

    failure: str = ""
    detail: str = ""
    checksum: str = ""
    figures: dict[str, float] = field(default_factory=dict)
    samples: list[list[float]] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    name: str
    group: str
    what: str
    measure: Callable[[Allocator], Measured]
    weight: float = 0.7  # About how many seconds one run takes.
    skipped: str = ""  # Why this row cannot be run here.
    rounds: int = 0  # Of its own; 0: as many as the others.
    only: str = ""  # The one allocator that it is about; empty: all.


def failed(done: process.Finished) -> Measured:
    return Measured(failure=done.failure, detail=done.detail)


def _wrong_library(allocator: Allocator, used: str) -> str:
    """Compares where malloc came from with where it should have."""
    if allocator.library:
        expected = os.path.realpath(allocator.library)
        return "" if os.path.realpath(used) == expected else f"malloc is that of {used}"
    return "" if "/libc" in used else f"malloc is that of {used}"


def _numbers(report: dict[str, Any]) -> dict[str, float]:
    figures = {name: value for name, value in report.items() if isinstance(value, (int, float))}
    for call, percentiles in report.get("latency_ns", {}).items():
        figures.update({f"{call} {name} ns": value for name, value in percentiles.items()})
    return figures


def measure_workload(
    argv: list[str], allocator: Allocator, timeout: float | None = None
) -> Measured:
    """Runs one of our own workloads, which reports its figures itself."""
    done = process.run(argv, allocator.library, timeout or TIMEOUT, allocator.settings)
    if done.failure:
        return failed(done)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return Measured("failed", "it ended without its report")
    if not report.pop("optimized", False):
        refuse(f"{argv[0]} is built without optimisation; build it with -c opt, or -O2")
    wrong = _wrong_library(allocator, report.pop("malloc_from"))
    if wrong:
        return Measured("not preloaded", wrong)
    return Measured(
        checksum=report["checksum"], figures=_numbers(report), samples=report.get("samples", [])
    )


def try_out(binary: str, allocator: Allocator) -> Measured:
    """A few calls of malloc: whether a program runs under it at all, and the calls reach it."""
    return measure_workload([binary, "pair", "--scale=0.000001"], allocator, TRIAL_TIMEOUT)


# name, group, further flags, description.
_Entry = tuple[str, str, tuple[str, ...], str]

_WORKLOADS: tuple[_Entry, ...] = (
    ("pair", WORKLOADS, (), "malloc and free of 64 bytes"),
    ("batch_fifo", WORKLOADS, (), "batches of 10 000, freed in order"),
    ("batch_lifo", WORKLOADS, (), "batches of 10 000, freed in reverse"),
    ("batch_random", WORKLOADS, (), "batches of 10 000, freed in random order"),
    ("random_small_heap", WORKLOADS, (), "random replacement, 4 K live blocks"),
    ("random_large_heap", WORKLOADS, ("--idle",), "random replacement, 256 K live blocks"),
    ("cold_heap", WORKLOADS, (), "random replacement, 256 K live blocks of 16-527 bytes"),
    ("larson", WORKLOADS, (), "server: threads hand blocks to their successors"),
    ("prodcons_1_1", WORKLOADS, (), "one producer, one consumer"),
    ("prodcons_1_n", WORKLOADS, (), "one producer, three consumers"),
    ("prodcons_n_1", WORKLOADS, (), "three producers, one consumer"),
    ("prodcons_large", WORKLOADS, (), "one producer, one consumer, blocks of 33-300 KiB"),
    ("remote_free", WORKLOADS, (), "remote frees alone, in order of allocation"),
    ("remote_free_shuffled", WORKLOADS, (), "remote frees alone, in random order"),
    ("remote_cycle", WORKLOADS, (), "remote frees and the allocations that follow"),
    ("false_sharing_passive", WORKLOADS, (), "blocks of one thread reused by several"),
    ("false_sharing_active", WORKLOADS, (), "tiny blocks written by several threads"),
    ("realloc_growth", WORKLOADS, (), "two buffers grown to 64 MiB"),
    ("realloc_strings", WORKLOADS, (), "many strings growing by a few bytes"),
    ("medium_written", WORKLOADS, (), "4-256 KiB, written"),
    ("large_turns", WORKLOADS, (), "5-25 MiB in turn"),
    ("calloc_1k_1m", WORKLOADS, (), "calloc of 1 KiB - 1 MiB"),
    ("fragmentation", WORKLOADS, ("--idle",), "long-lived among short-lived"),
    ("phases", WORKLOADS, ("--idle",), "allocated in one phase, freed in another"),
    ("thread_churn", WORKLOADS, (), "20 000 short-lived threads"),
    ("idle_memory", WORKLOADS, ("--idle",), "8 threads, 400 MB, all freed, idle"),
    ("server_latency", LATENCY, (), "larson with each call timed"),
    ("touch_memory", LIMIT, (), "no allocator: first touch of fresh memory"),
)

# Each thread does as much as one alone, so that the time is that of an operation and thread. Three
# bytes of each block are written.
SCALE_LARGE = {"scale_33k_300k": "33-300 KiB", "scale_300k_2m": "300 KiB - 2 MiB"}

IDLE_WEIGHT = 2.0
LIVE_COUNTS = (10**3, 10**4, 10**5, 10**6, 10**7)
QUICK_LIVE_COUNTS = LIVE_COUNTS[:3]


def thread_counts(cores: int) -> list[int]:
    """1 to twice the cores, by doubling."""
    most = 2 * cores
    counts = [1]
    while counts[-1] * 2 < most:
        counts.append(counts[-1] * 2)
    return counts + [most]


def _row(binary: str, entry: _Entry, label: str, scale: float, quick: bool) -> Row:
    name, group, flags, what = entry
    if quick:  # What is left of a small peak says nothing, and takes two seconds each time.
        flags = tuple(flag for flag in flags if flag != "--idle")
    argv = [binary, name, f"--scale={scale}", *flags]
    idles = "--idle" in flags
    return Row(
        name + label,
        group,
        what,
        lambda allocator: measure_workload(argv, allocator),
        weight=0.05 + 0.8 * scale + (IDLE_WEIGHT if idles else 0.0),
    )


def workload_binary() -> str:
    found = paths.artifact("benchmarks/workloads/workload")
    if found is None:
        refuse("the workloads are not built; use `bazel run -c opt //benchmarks`")
    return str(found)


def workload_rows(binary: str, scale: float, quick: bool, cores: int = 0) -> list[Row]:
    """`cores`: as on a machine that has so many; 0: on this one."""
    entries = [(entry, "") for entry in _WORKLOADS]
    counts = thread_counts(cores or len(os.sched_getaffinity(0)))
    for threads in counts:
        what = f"random replacement by {threads} threads, the same work in all"
        entries.append((("scale_threads", SCALING, (f"--threads={threads}",), what), f"/{threads}"))
    for name, sizes in SCALE_LARGE.items():
        for threads in counts:
            what = f"random replacement of {sizes} by {threads} threads, the same work for each"
            entries.append(((name, SCALING, (f"--threads={threads}",), what), f"/{threads}"))
    for live in QUICK_LIVE_COUNTS if quick else LIVE_COUNTS:
        what = f"random replacement, {live} live blocks"
        entries.append((("scale_live", SCALING, (f"--live={live}",), what), f"/{live}"))
    return [_row(binary, entry, label, scale, quick) for entry, label in entries]
