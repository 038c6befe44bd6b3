"""Real programs, unchanged, under preload; and what preloading costs one that does nothing."""

import dataclasses
import hashlib
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable

from benchmarks.harness import allocators, catalogue, paths, process
from benchmarks.harness.allocators import Allocator
from benchmarks.harness.catalogue import Measured, Row

_FOLDER = paths.ROOT / "benchmarks" / "programs"


def _program(name: str) -> str | None:
    """Where a program is. A system's own comes first: others may be wrappers in shell."""
    return shutil.which(name, path="/usr/bin:/bin") or shutil.which(name)


def _measure(argv: list[str], allocator: Allocator) -> Measured:
    done = process.run(argv, allocator.library, catalogue.TIMEOUT, allocator.settings)
    if done.failure:
        return catalogue.failed(done)
    checksum = hashlib.sha256(done.stdout).hexdigest()[:16]
    return Measured(checksum=checksum, figures=done.figures)


def _row(name: str, what: str, argv: list[str], weight: float = 0.7) -> Row:
    """A row for the program argv[0], or its being skipped."""
    found = _program(argv[0])
    skipped = "" if found else f"{argv[0]} is not installed"
    command = [found or argv[0], *argv[1:]]
    return Row(
        name,
        catalogue.PROGRAMS,
        what,
        lambda allocator: _measure(command, allocator),
        weight,
        skipped,
    )


def _python_row(name: str, what: str, script: str, count: int, environment: list[str]) -> Row:
    python = _program("python3") or sys.executable
    return _row(
        name,
        what,
        ["env", "PYTHONHASHSEED=0", *environment, python, str(_FOLDER / script), str(count)],
    )


def _sqlite_script(records: int) -> str:
    # The leading newline: an argument that starts with a comment's "--" would be an option.
    return "\n" + (_FOLDER / "sqlite.sql").read_text().replace("SCALE", str(records))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _await(condition: Callable[[], bool], timeout: float) -> bool:
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _drive(client: list[str], server: process.Launched) -> process.Finished:
    """Until either ends: a client would try again and again to reach a server that crashed."""
    with process.Launched(client, "") as driving:
        if not _await(lambda: not (driving.running() and server.running()), catalogue.TIMEOUT):
            return process.Finished("timed out", f"after {catalogue.TIMEOUT:.0f} s")
        return driving.finish(timeout=1)


_REDIS_TESTS = "set,get,incr,lpush,lrange_100,hset,mset"


# What the server then holds must be what the client sent, the same everywhere: how many values are not as the
# first is, and what that is. Some of the keys, so that the asking does not weigh.
_REDIS_CHECK = """
local values = redis.call('LRANGE', 'mylist', 0, 99)
local wrong = 0
for _, key in ipairs(redis.call('KEYS', 'key:*00')) do
  table.insert(values, redis.call('GET', key))
end
for _, value in ipairs(values) do
  if value ~= values[1] then wrong = wrong + 1 end
end
return redis.status_reply(wrong .. ' wrong, ' .. redis.sha1hex(values[1]))
"""


def _ask_redis(port: int, *command: str) -> str:
    """The first line of its answer; nothing if it ends without one, or has ended."""
    words = "".join(f"${len(word)}\r\n{word}\r\n" for word in command)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(f"*{len(command)}\r\n{words}".encode())
            return connection.makefile().readline().strip()
    except OSError:
        return ""  # How it ended says why.


def _measure_redis(server: str, client: str, requests: int, allocator: Allocator) -> Measured:
    """The server is what is preloaded and weighed, and the time is what it took of the processors.

    The client's time, which is kept as `elapsed`, is several times as long whenever the machine
    lets the two wait for each other.
    """
    port = _free_port()
    serve = [server, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    drive = [client, "-p", str(port), "-q", "-t", _REDIS_TESTS, "-n", str(requests), "-d", "200",
             "-r", "20000", "-P", "16", "-c", "20"]  # fmt: skip
    with process.Launched(
        serve, allocator.library, allocator.settings, cwd=tempfile.gettempdir()
    ) as running:
        if not _await(lambda: _answers(port) or not running.running(), timeout=10):
            return Measured("timed out", "the server does not answer")
        driven = _drive(drive, running)
        held = "" if driven.failure else _ask_redis(port, "EVAL", _REDIS_CHECK, "0")
        _ask_redis(port, "SHUTDOWN", "NOSAVE")
        served = running.finish(timeout=10)
    for done in (served, driven):  # The client of a server that crashed fails, too.
        if done.failure:
            return catalogue.failed(done)
    if not held.startswith("+0 wrong,"):
        return Measured("wrong result", f"what redis holds: {held or 'no answer'}")
    answered = driven.stdout.count(b"requests per second")
    figures = {
        **served.figures,
        "seconds": served.figures["cpu_seconds"],
        "elapsed": driven.figures["seconds"],
    }
    return Measured(checksum=f"{answered} tests, {held}", figures=figures)


def _redis_row(requests: int) -> Row:
    programs = {name: _program(name) for name in ("redis-server", "redis-benchmark")}
    missing = [name for name, found in programs.items() if not found]
    server, client = (found or "" for found in programs.values())
    return Row(
        "redis",
        catalogue.PROGRAMS,
        "redis-server, driven by redis-benchmark: the server's processor time",
        lambda allocator: _measure_redis(server, client, requests, allocator),
        1.5,
        f"{', '.join(missing)} not installed" if missing else "",
    )


def rows(scale: float) -> list[Row]:
    def count(whole: int) -> int:
        return max(1, round(whole * scale))

    source = paths.ROOT / "benchmarks" / "workloads" / "server.cc"
    found = [
        _row("compile", f"g++ -O1 on a file of these benchmarks, {source.name}",
             ["g++", "-std=c++17", "-O1", f"-I{paths.ROOT}", "-S", "-o", "-", str(source)],
             weight=1.0),
        _row("sqlite", "sqlite3: insert, index, join, update in memory",
             ["sqlite3", ":memory:", _sqlite_script(count(100000))]),
        _python_row("python_pure", "python3 with PYTHONMALLOC=malloc: objects, dicts, strings",
                    "pure.py", count(100), ["PYTHONMALLOC=malloc"]),
        _python_row("python_extension", "python3: json, pickle, zlib, sqlite3, XML",
                    "extension.py", count(10), []),
        _row("perl", "perl: hashes, arrays, substitutions",
             ["perl", str(_FOLDER / "strings.pl"), str(count(12))]),
        _redis_row(count(15000)),
        _row("z3", "z3: two problems of quasigroups, in integers and one function",
             ["z3", str(_FOLDER / "quasigroups.smt2")], weight=1.2),
        _row("ghostscript", "gs: pages of text and curves, drawn in grey at 72 dpi",
             ["gs", "-q", "-dBATCH", "-dNOPAUSE", "-sDEVICE=pgmraw", "-r72", "-sOutputFile=-",
              f"-dPages={count(12)}", str(_FOLDER / "pages.ps")]),
    ]  # fmt: skip
    if scale == 1.0:
        return found
    # Starting a program and reading headers does not shrink with the work: once must do.
    return [dataclasses.replace(row, rounds=1, weight=row.weight / 3) for row in found]


def startup_row(rounds: int) -> Row:
    command = [_program("true") or "true"]

    def measure(allocator: Allocator) -> Measured:
        if allocator.name == allocators.BASELINE:  # what the others are compared with is no preload
            allocator = dataclasses.replace(allocator, library="")
        return _measure(command, allocator)

    return Row(
        "start-up",
        catalogue.STARTUP,
        "/bin/true: what preloading costs a process",
        measure,
        weight=0.006,
        rounds=rounds,
    )
