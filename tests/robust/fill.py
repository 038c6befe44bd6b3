"""fill.py MIB: runs out of memory several times, in large and in small objects, and goes on."""

import sys
from collections.abc import Callable, Sized


def fill(make: Callable[[int], Sized]) -> list[Sized]:
    kept: list[Sized] = []
    try:
        while True:
            kept.append(make(len(kept)))
    except MemoryError:
        pass
    return kept


def check(make: Callable[[int], Sized], size: int) -> None:
    amounts = []
    for _ in range(3):
        kept = fill(make)
        amounts.append(len(kept))
        for _ in range(len(kept) // 2):
            kept.pop()  # Deleting a slice would need memory itself.
        for i in range(len(kept) // 2):
            kept.append(make(i))
        assert all(len(item) == size for item in kept)
        del kept
    assert min(amounts) * size >= LEAST, amounts
    assert min(amounts) >= max(amounts) * 0.9, amounts


LEAST = int(sys.argv[1]) << 20
check(lambda i: bytearray(4 << 20), 4 << 20)
check(lambda i: bytes(20000), 20000)
check(lambda i: b"x" * 1000 + str(i).zfill(10).encode(), 1010)
print("survived")
