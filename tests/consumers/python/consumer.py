"""Asks the library that is preloaded, through ctypes; and misuses the heap, which is reported."""

import ctypes
import sys


def main() -> int:
    library = ctypes.CDLL(None)
    library.mymalloc_version.restype = ctypes.c_char_p
    library.malloc.restype = ctypes.c_void_p
    library.malloc_usable_size.restype = ctypes.c_size_t
    for function in (library.free, library.malloc_usable_size):
        function.argtypes = [ctypes.c_void_p]
    block = library.malloc(100)
    print(
        f"mymalloc {library.mymalloc_version().decode()}: {library.malloc_usable_size(block)} bytes"
    )
    library.free(block)
    sys.stdout.flush()
    library.free(block)  # With MYMALLOC_ON_ERROR=warn it is reported, and the program goes on.
    return 0


if __name__ == "__main__":
    sys.exit(main())
