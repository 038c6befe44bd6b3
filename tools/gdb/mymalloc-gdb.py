"""Commands for gdb: mymalloc find, types, stats, check and leaks, of the process or the core file that is debugged.

    (gdb) source mymalloc-gdb.py      # not needed where it was installed under /usr
    (gdb) mymalloc find p
    (gdb) mymalloc types

They are those of the command `mymalloc`, which must be in the path, or named by

    (gdb) set $mymalloc_command = "/path/to/mymalloc"

Addresses may be expressions. Where the system lets nobody but the debugger look into the process, it is
looked at by a core file that is written and removed again.
"""

# Only gdb itself has its module.
# pylint: disable=c-extension-no-member

import os
import subprocess
import tempfile

import gdb  # type: ignore[import]  # pylint: disable=import-error

SUBCOMMANDS = {
    "find": "What addresses are: which block, its state, what it looks like. mymalloc find EXPRESSION...",
    "types": "Live memory by C++ class, function pointers, text and the rest.",
    "stats": "What the heap holds: live, free and why, by class and by heap.",
    "check": "Whether the heap is sound.",
    "leaks": "Blocks that nothing reaches any more.",
}


def core_file() -> str:
    """The path of the core file that is debugged; empty if it is none."""
    for line in gdb.execute("info files", to_string=True).splitlines():
        line = line.strip().rstrip(".")
        if line.startswith("`") and ", file type" in line and "core" in line:
            return str(line[1:].split("', file type")[0])
    return ""


def command() -> str:
    path = gdb.convenience_variable("mymalloc_command")
    return "mymalloc" if path is None else str(path.string())


def ask(subcommand: str, target: str, arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(
            [command(), subcommand, target, *arguments], capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise gdb.GdbError(
            f"there is no command {command()}: set $mymalloc_command to its path"
        ) from error


def ask_by_core(subcommand: str, arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    """Of a process that only its debugger may look into."""
    with tempfile.TemporaryDirectory(prefix="mymalloc-gdb.") as directory:
        path = os.path.join(directory, "core")
        gdb.execute(f"generate-core-file {path}", to_string=True)
        return ask(subcommand, path, arguments)


def answer(subcommand: str, arguments: list[str]) -> None:
    process = gdb.selected_inferior().pid
    core = core_file()
    if core:
        result = ask(subcommand, core, arguments)
    elif process == 0:
        raise gdb.GdbError("there is no process and no core file")
    elif subcommand == "leaks":  # It would have to stop the process, which the debugger has done.
        result = ask_by_core(subcommand, arguments)
    else:
        result = ask(subcommand, str(process), arguments)
        if result.returncode != 0 and not result.stdout:
            result = ask_by_core(subcommand, arguments)
    gdb.write(result.stdout)
    if result.stderr:
        gdb.write(result.stderr, gdb.STDERR)


class Prefix(gdb.Command):  # type: ignore[misc]
    """Questions of a heap on mymalloc."""

    def __init__(self) -> None:
        super().__init__("mymalloc", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


class Subcommand(gdb.Command):  # type: ignore[misc]
    def __init__(self, name: str, text: str) -> None:
        self.__doc__ = text
        self.name = name
        super().__init__(f"mymalloc {name}", gdb.COMMAND_DATA, gdb.COMPLETE_EXPRESSION)

    def invoke(self, argument: str, _from_tty: bool) -> None:
        words = gdb.string_to_argv(argument)
        if self.name == "find":
            if not words:
                raise gdb.GdbError("which address? mymalloc find EXPRESSION...")
            words = [w if w.startswith("--") else hex(int(gdb.parse_and_eval(w))) for w in words]
        answer(self.name, words)


Prefix()
for each, help_text in SUBCOMMANDS.items():
    Subcommand(each, help_text)
