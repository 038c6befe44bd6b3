#!/usr/bin/python3
"""pack.py RAW OUT.trace.xz [EVENTS]: makes a small trace of what the recorder wrote.

Addresses become the numbers of the allocations, and each thread's events are put together:

    "MTRACE1\n"  threads  allocations  (events  event...) for each thread

All numbers are varints (7 bits a byte, the low ones first). An event is its code, and then
    malloc 0, calloc 1: size        realloc 2: old block, size
    free 3: block                   aligned 4: alignment, size
where a new block's number follows its event's fields, as the difference from this thread's last
one, and an old block is given as how far it is behind this thread's last one (zigzag: a sign in the
lowest bit). EVENTS cuts the trace after so many; what is live then is freed by the replayer.
"""

import lzma
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

MAGIC = b"MTRACE1\n"
RAW_MAGIC = b"malloc events, recorded, 1\n".ljust(32, b"\0")
MALLOC, CALLOC, REALLOC, FREE, ALIGNED = range(5)
_RECORD = struct.Struct("<QQQII")


def varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


class Thread:
    def __init__(self) -> None:
        self.events = 0
        self.last = 0  # The last block's number; the next is given relative to it.
        self.data = bytearray()

    def add(self, op: int, old: int | None, fields: list[int], new: int | None) -> None:
        self.events += 1
        self.data += varint(op)
        if old is not None:
            self.data += varint(zigzag(self.last - old))
        for field in fields:
            self.data += varint(field)
        if new is not None:
            self.data += varint(zigzag(new - self.last))
            self.last = new


def events(raw: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """Result, size, argument, thread and code of each event that the recorder wrote."""
    if not raw.startswith(RAW_MAGIC):
        raise ValueError("it is nothing that tools/trace/recorder wrote")
    for record in _RECORD.iter_unpack(raw[_RECORD.size : len(raw) // _RECORD.size * _RECORD.size]):
        if not any(record):
            return  # The rest of the file was made ready, and never used.
        result, size, argument, thread, code = record
        yield result, size, argument, thread, code


def pack(raw: bytes, limit: int) -> bytes:
    threads: dict[int, Thread] = {}
    live: dict[int, int] = {}  # Address to number.
    count = 0
    for event, record in enumerate(events(raw)):
        if event == limit:
            break
        result, size, argument, number, op = record
        thread = threads.setdefault(number, Thread())
        if op in (REALLOC, FREE) and argument not in live:
            if op == FREE:
                continue  # Allocated before the recording began.
            op = MALLOC
        old = live.pop(argument) if op in (REALLOC, FREE) else None
        if op == FREE:
            thread.add(op, old, [], None)
            continue
        live[result] = count
        thread.add(op, old, [argument, size] if op == ALIGNED else [size], count)
        count += 1
    out = bytearray(MAGIC) + varint(len(threads)) + varint(count)
    for thread in threads.values():
        out += varint(thread.events) + thread.data
    return bytes(out)


def main() -> None:
    if len(sys.argv) not in (3, 4) or not all(limit.isdigit() for limit in sys.argv[3:]):
        sys.exit(__doc__)
    limit = int(sys.argv[3]) if len(sys.argv) == 4 else -1
    try:
        packed = pack(Path(sys.argv[1]).read_bytes(), limit)
    except (OSError, ValueError) as error:
        sys.exit(f"pack.py: {sys.argv[1]}: {getattr(error, 'strerror', '') or error}")
    try:
        Path(sys.argv[2]).write_bytes(lzma.compress(packed, preset=9 | lzma.PRESET_EXTREME))
    except OSError as error:
        sys.exit(f"pack.py: {sys.argv[2]}: {error.strerror}")


if __name__ == "__main__":
    main()
