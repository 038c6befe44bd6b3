"""The machine, kernel, compiler and commit: no figure is worth anything without them."""

import datetime
import os
import platform
import subprocess
from pathlib import Path

from benchmarks.harness import allocators

BUSY_PART = 0.25  # Of the cores: a load average above it is not ours.


def _first_line(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.splitlines()[0] if done.stdout else "unknown"


def _field(path: str, name: str) -> str:
    try:
        for line in Path(path).read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() == name:
                return value.strip()
    except OSError:
        pass
    return "unknown"


def _whole(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return "unknown"


def _os_name() -> str:
    for line in _whole("/etc/os-release").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return "unknown"


def busy() -> str:
    """Says so when others are at work here; they slow down whom they will."""
    load, cores = os.getloadavg()[0], len(os.sched_getaffinity(0))
    if load <= BUSY_PART * cores:
        return ""
    return f"BUSY MACHINE: a load of {load:.2f} on {cores} cores at the start; the figures are weak"


def describe() -> dict[str, str]:
    memory_kib = _field("/proc/meminfo", "MemTotal").split()[0]
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": allocators.commit(),
        "cpu": _field("/proc/cpuinfo", "model name"),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(memory_kib) / 2**20:.1f} GiB" if memory_kib.isdigit() else "unknown",
        "kernel": platform.release(),
        "system": _os_name(),
        "compiler": _first_line("gcc", "--version"),
        "huge pages": _whole("/sys/kernel/mm/transparent_hugepage/enabled"),
        "load at start": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }
