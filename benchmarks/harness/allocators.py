"""The allocators that are compared: what is installed here, and which versions."""

import glob
import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import paths, process
from benchmarks.harness.options import refuse

LIBRARY_FOLDERS = ("/usr/lib/*-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib")

# The names of the peers' libraries, newest first where there are several.
PEERS = {
    "jemalloc": ("libjemalloc.so.2",),
    "mimalloc": ("libmimalloc.so.3", "libmimalloc.so.2"),
    "tcmalloc": ("libtcmalloc_minimal.so.4",),
    "tbbmalloc": ("libtbbmalloc_proxy.so.2",),
    "scudo": (
        "../llvm-*/lib/clang/*/lib/linux/libclang_rt.scudo_standalone-x86_64.so",
        "../llvm-*/lib/clang/*/lib/linux/libclang_rt.scudo_standalone-aarch64.so",
    ),
}

OURS = "mymalloc"
HARDENED = "hardened"  # the same library, with every option that hardens
BASELINE = "glibc"
LIMIT = "bump"


@dataclass(frozen=True)
class Allocator:
    name: str
    library: str  # What is preloaded; empty: nothing.
    version: str
    settings: process.Settings = ()  # of the environment
    failure: str = ""  # Why nothing can be measured under it, and the detail; empty: it can.
    detail: str = ""


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def package_version(path: str) -> str:
    """The distribution's package that a file is of, and its version."""
    real = os.path.realpath(path)
    # A package may still list its files as they were before /lib became /usr/lib.
    for name in (path, real, real.removeprefix("/usr")):
        owner = _output("dpkg-query", "-S", name).split(": ")[0]
        if owner:
            return _output("dpkg-query", "-W", "-f", "${Package} ${Version}", owner)
    return ""


def _file_version(path: str) -> str:
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return f"file {os.path.basename(path)}, sha256 {digest[:12]}"


def _find_library(patterns: tuple[str, ...]) -> str:
    for pattern in patterns:
        for folder in LIBRARY_FOLDERS:
            found = sorted(glob.glob(f"{folder}/{pattern}"))
            if found:
                return os.path.normpath(found[-1])
    return ""


def commit() -> str:
    where = ("git", "-C", str(paths.checkout()))
    name = _output(*where, "describe", "--always", "--dirty", "--abbrev=12")
    return name or "unknown"


def from_file(name: str, library: str) -> Allocator:
    path = str(paths.user_path(library).resolve())
    if not os.path.exists(path):
        refuse(f"--allocator={name}: there is no file {path}")
    return Allocator(name, path, package_version(path) or _file_version(path))


def discover() -> list[Allocator]:
    """glibc first, then ours, then the peers that are installed, then the limit."""
    # glibc is preloaded, too: some programs are linked with another allocator (Debian's redis-server
    # with jemalloc), whose malloc would come before libc's.
    libc = _find_library(("libc.so.6",))
    found = [Allocator(BASELINE, libc, package_version(libc) or "unknown")]
    ours = paths.artifact("libmymalloc.so")
    if ours is not None:
        version = f"commit {commit()}"
        found.append(Allocator(OURS, str(ours), version))
        harden = (("MYMALLOC_HARDEN", "1"),)
        found.append(
            Allocator(HARDENED, str(ours), f"mymalloc, MYMALLOC_HARDEN=1, {version}", harden)
        )
    for name, patterns in PEERS.items():
        library = _find_library(patterns)
        if library:
            found.append(Allocator(name, library, package_version(library) or "unknown"))
    limit = paths.artifact("benchmarks/limit/libbump.so")
    if limit is not None:
        found.append(Allocator(LIMIT, str(limit), "never frees; measured in one round only"))
    return found
