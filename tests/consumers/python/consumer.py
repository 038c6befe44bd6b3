"""Asks the library that is preloaded, through ctypes; and misuses the heap, which is reported."""

import ctypes
import sys

# Of mymalloc/mymalloc.h.
SMALL = 1
LIVE = 1
CACHED = 3


class Info(ctypes.Structure):
    _fields_ = [
        ("kind", ctypes.c_int),
        ("state", ctypes.c_int),
        ("base", ctypes.c_void_p),
        ("usable_size", ctypes.c_size_t),
        ("rest", ctypes.c_byte * 256),  # More than the struct has so far.
    ]


LIBRARY = ctypes.CDLL(None)
LIBRARY.mymalloc_version.restype = ctypes.c_char_p
LIBRARY.malloc.restype = ctypes.c_void_p
LIBRARY.free.argtypes = [ctypes.c_void_p]
LIBRARY.mymalloc_find.argtypes = [ctypes.c_void_p, ctypes.POINTER(Info)]


def find(address: int) -> Info:
    info = Info()
    if LIBRARY.mymalloc_find(address, ctypes.byref(info)) != 0:
        raise RuntimeError("cannot be told now")
    return info


def main() -> int:
    block = LIBRARY.malloc(100)
    found = find(block + 50)
    if (found.kind, found.state, found.base) != (SMALL, LIVE, block):
        return 1
    LIBRARY.free(block)
    if find(block).state != CACHED:
        return 1
    print(f"mymalloc {LIBRARY.mymalloc_version().decode()}: {found.usable_size} bytes", flush=True)
    LIBRARY.free(block)  # With MYMALLOC_ON_ERROR=warn it is reported, and the program goes on.
    return 0


if __name__ == "__main__":
    sys.exit(main())
