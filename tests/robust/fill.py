"""Runs out of memory several times, in large and in small objects, and goes on each time."""


def fill(make):
    kept = []
    try:
        while True:
            kept.append(make(len(kept)))
    except MemoryError:
        pass
    return kept


def check(least, make, size):
    amounts = []
    for _ in range(3):
        kept = fill(make)
        amounts.append(len(kept))
        del kept[::2]
        kept.extend(make(i) for i in range(len(kept) // 2))
        assert all(len(item) == size for item in kept)
        del kept
    assert min(amounts) * size >= least << 20, amounts
    assert min(amounts) >= max(amounts) * 0.9, amounts


check(256, lambda i: bytearray(4 << 20), 4 << 20)
check(256, lambda i: bytes(20000), 20000)
check(150, lambda i: b"x" * 300 + str(i).zfill(10).encode(), 310)
print("survived")
