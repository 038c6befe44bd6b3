"""limit_inside.py: limits its own address space, runs out of memory several times, and goes on.

At the limit it must be told by MemoryError, and what malloc does not have is there for threads and
modules.
"""

import resource
import sys
import threading

LEFT = 64 << 20


def virtual_bytes() -> int:
    """The size of this process's address space."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[0]) * resource.getpagesize()


def fill(size: int) -> list[bytes]:
    """Objects of the size until there are no more, or there are clearly too many."""
    kept: list[bytes] = []
    try:
        while len(kept) * size < 4 * LEFT:
            kept.append(bytes(size))
    except MemoryError:
        return kept
    sys.exit(f"{len(kept)} objects of {size} bytes, and still no MemoryError")


def fill_often() -> None:
    for size in 1000, 20000, 200000, 4 << 20:
        for _ in range(2):
            got = len(fill(size)) * size
            assert got >= LEFT // 4, (size, got)


limit = virtual_bytes() + LEFT
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
fill_often()
thread = threading.Thread(target=lambda: fill(100000))
thread.start()
thread.join()
import ctypes  # pylint: disable=wrong-import-position,wrong-import-order

assert ctypes.sizeof(ctypes.c_long) == 8
print("survived")
