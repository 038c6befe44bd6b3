"""Threads that build, serialise and store; results in an order of their own."""

import json
import re
import sqlite3
import threading
import zlib


def document(seed: int) -> dict[str, object]:
    return {
        "id": seed,
        "words": [f"word{seed * i % 97}" for i in range(200)],
        "nested": [{f"k{i}": [i] * (i % 17)} for i in range(100)],
    }


def work(seed: int, results: dict[int, tuple[bool, int, int, int]]) -> None:
    text = json.dumps([document(seed + i) for i in range(20)])
    again = json.dumps(json.loads(text))
    packed = zlib.compress(text.encode())
    found = len(re.findall(r"word\d+", text))
    results[seed] = (again == text, zlib.crc32(packed), found, len(zlib.decompress(packed)))


def threads() -> None:
    results: dict[int, tuple[bool, int, int, int]] = {}
    workers = [threading.Thread(target=work, args=(seed, results)) for seed in range(1, 25)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    print(json.dumps(sorted(results.items())))


def database() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t(a integer, b text)")
    connection.executemany(
        "insert into t values(?, ?)", ((i, "x" * (i % 50)) for i in range(20000))
    )
    print(connection.execute("select count(*), sum(length(b)) from t").fetchone())
    print(
        connection.execute("select b, count(*) from t group by b order by 2, 1 limit 5").fetchall()
    )


def growth() -> None:
    block = bytearray()
    for i in range(2000):
        block += bytes([i % 251]) * (i + 1)
    print(len(block), zlib.crc32(block))
    print(sum(2**4000 // (i + 1) % 1000003 for i in range(200)))


threads()
database()
growth()
