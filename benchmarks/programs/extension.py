"""Python whose work is done by C extensions: json, re, pickle, zlib, sqlite3, XML.

Argument: how much of it.
"""

import json
import pickle
import re
import sqlite3
import sys
import zlib
from xml.etree import ElementTree


def records(count: int) -> list[dict[str, object]]:
    return [
        {"id": i, "name": f"name {i}", "tags": ["x" * (i % 700), "y"], "value": i / 7}
        for i in range(count)
    ]


def through_sqlite(rows: list[dict[str, object]]) -> int:
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE TABLE record (id INTEGER PRIMARY KEY, body TEXT)")
        db.executemany("INSERT INTO record VALUES (?, ?)", ((r["id"], json.dumps(r)) for r in rows))
        return int(db.execute("SELECT sum(length(body)) FROM record").fetchone()[0])


def through_xml(rows: list[dict[str, object]]) -> int:
    root = ElementTree.Element("records")
    for row in rows:
        ElementTree.SubElement(root, "record", name=str(row["name"])).text = str(row["value"])
    return len(ElementTree.fromstring(ElementTree.tostring(root)))


def main() -> None:
    for _ in range(int(sys.argv[1])):
        rows = records(2000)
        text = json.dumps(rows)
        copies = [json.loads(text), pickle.loads(pickle.dumps(rows))]
        assert all(copy == rows for copy in copies)
        packed = zlib.compress(text.encode(), 1)
        found = len(re.findall(r"name (\d+)", text))
        sums = (through_sqlite(rows), through_xml(rows), len(zlib.decompress(packed)), found)
    print(sums)


main()
