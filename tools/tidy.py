"""Runs clang-tidy on each file given, headers too; files that passed before are not looked at again.

A result is remembered under a hash of all that it depends on inside the project (the file, what it
includes, the configuration) and of clang-tidy's version.
"""

import concurrent.futures
import hashlib
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
FLAGS = ["-xc++", "-std=c++17", "-I.", "-Wall", "-Wextra", "-Wno-pragma-once-outside-header"]


def cache_directory() -> pathlib.Path:
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    directory = pathlib.Path(base) / "mymalloc" / "tidy"
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def included_files(name: str) -> dict[str, bytes]:
    """The file and all project files that it includes, directly or not."""
    seen: dict[str, bytes] = {}
    pending = [name]
    while pending:
        current = pending.pop()
        if current in seen or not (ROOT / current).is_file():
            continue
        seen[current] = (ROOT / current).read_bytes()
        pending += [match.decode() for match in INCLUDE.findall(seen[current])]
    return seen


def result_key(name: str, common: bytes) -> str:
    digest = hashlib.sha256(common)
    for included, content in sorted(included_files(name).items()):
        digest.update(f"{included}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def check(name: str) -> bool:
    result = subprocess.run(
        ["clang-tidy", "--quiet", name, "--"] + FLAGS,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
    )
    if result.returncode:
        sys.stderr.buffer.write(result.stdout + result.stderr)
    return result.returncode == 0


def main() -> int:
    version = subprocess.run(["clang-tidy", "--version"], stdout=subprocess.PIPE, check=True).stdout
    common = version + (ROOT / ".clang-tidy").read_bytes() + " ".join(FLAGS).encode()
    cache = cache_directory()
    markers = {name: cache / result_key(name, common + name.encode()) for name in sys.argv[1:]}
    names = [name for name, marker in markers.items() if not marker.exists()]
    print(f"clang-tidy: {len(names)} of {len(markers)} files to check", file=sys.stderr)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        passed = dict(zip(names, pool.map(check, names)))
    for name in names:
        if passed[name]:
            markers[name].touch()
    return 0 if all(passed.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
