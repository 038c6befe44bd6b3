"""Commands for gdb: mymalloc find, types, heap, stats, check and leaks, of the process or the core file that is debugged.

    (gdb) source mymalloc-gdb.py      # not needed where it was installed under /usr
    (gdb) mymalloc find p
    (gdb) mymalloc types

They are those of the command `mymalloc`, which must be in the path, or named by

    (gdb) set $mymalloc_command = "/path/to/mymalloc"

Addresses may be expressions. What the library's types hold is printed so that it can be read: those of mymalloc.h and,
where there is debug information of the library, its tags, page headers, magazines and heaps. Where the system lets nobody but the debugger look into the process, it is
looked at by a core file that is written and removed again.
"""

# Only gdb itself has its module.
# pylint: disable=c-extension-no-member

import os
import re
import subprocess
import tempfile
from typing import Any, Callable, Iterator, Optional

import gdb  # type: ignore[import]  # pylint: disable=import-error

SUBCOMMANDS = {
    "find": "What addresses are: which block, its state, what it looks like. mymalloc find EXPRESSION...",
    "heap": "The heap at a glance: what it holds, and of which types it is.",
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
    if subcommand == "heap":
        answer("stats", arguments)
        gdb.write("\n")
        answer("types", ["--limit=10", *arguments])
        return
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


# ---- What the library's types hold ----

Value = Any  # gdb.Value, of which mypy knows nothing.

SLOTS_IN_LINE = 64
# As in mymalloc/page/tag.h.
CLASS_BITS = 8
SLOT_BITS = 8
HEAP_BITS = 14
LOW_BITS = CLASS_BITS + SLOT_BITS + HEAP_BITS + 1
NOTE_BITS = 18
SLACK_BITS = 15
NO_HEAP = (1 << HEAP_BITS) - 128
LARGE_CLASS = (1 << CLASS_BITS) - 1


def human(count: int) -> str:
    size = float(count)
    for unit in ["B", "KiB", "MiB", "GiB"]:
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def atomic(value: Value) -> int:
    """What a std::atomic of a number or a pointer holds."""
    while value.type.strip_typedefs().code == gdb.TYPE_CODE_STRUCT:
        fields = value.type.strip_typedefs().fields()
        value = value[next(field for field in fields if hasattr(field, "bitpos"))]  # no static one
    return int(value)


def mask_of(bitmap: Value) -> list[int]:
    return [atomic(bitmap["words_"][word]) for word in range(4)]


def has(mask: list[int], slot: int) -> bool:
    return mask[slot // 64] >> slot % 64 & 1 != 0


def drawn(letter: Callable[[int], str], slots: int = 256) -> str:
    lines = []
    for first in range(0, slots, SLOTS_IN_LINE):
        lines.append(
            f"  {first:3d} " + "".join(letter(s) for s in range(first, first + SLOTS_IN_LINE))
        )
    return "\n".join(lines)


def number(value: Value) -> str:
    """A class, a heap, a slot, so many slots."""
    return str(int(value["value_"]))


def tag(value: Value) -> str:
    low = int(value["low_"])
    if low >> (LOW_BITS + NOTE_BITS):
        return f"no tag of the block: {int(value['bits_']):#x}"
    size_class = low & LARGE_CLASS
    slot = low >> CLASS_BITS & ((1 << SLOT_BITS) - 1)
    heap = low >> (CLASS_BITS + SLOT_BITS) & ((1 << HEAP_BITS) - 1)
    state = "live" if low >> (LOW_BITS - 1) & 1 else "free"
    slack = low >> LOW_BITS & ((1 << SLACK_BITS) - 1)
    noted = f", {slack} bytes more than were asked for" if slack else ""
    if size_class == LARGE_CLASS:
        return f"{state}, a large block{noted}"
    if heap > NO_HEAP:
        return f"{state}, {heap - NO_HEAP} slots from slot {slot} on, class {size_class}"
    return f"{state}, slot {slot}, class {size_class}, heap {heap}{noted}"


def bitmap_slots(value: Value) -> str:
    mask = mask_of(value)
    count = sum(bin(word).count("1") for word in mask)
    return f"{count} of 256 set\n" + drawn(lambda slot: "1" if has(mask, slot) else "-")


def page_header(value: Value) -> str:
    free, clean, remote = (mask_of(value[name]) for name in ("free", "clean", "remote"))

    def letter(slot: int) -> str:
        if has(free, slot):
            return "~" if has(clean, slot) else "."
        return "r" if has(remote, slot) else "#"

    page = int(value.address) & ~0xFFF if value.address is not None else 0
    return (
        f"page {page:#x}, class {int(value['class_number'])}, heap {int(value['heap_number'])}: "
        f"{int(value['free_count'])} free of {int(value['capacity'])} slots, "
        f"touched below {int(value['high_water'])}\n{drawn(letter)}\n"
        "      # taken, or no place for a block  . free  ~ free and not resident"
        "  r freed by another thread"
    )


def in_magazine(value: Value) -> int:
    entry = 8
    return (atomic(value["top_"]) - int(value["stolen_end_"])) // entry


def magazine(value: Value) -> str:
    count = in_magazine(value)
    if count == 0:
        return "no blocks at hand"
    last = gdb.Value(atomic(value["top_"]) - 8).cast(gdb.lookup_type("unsigned long").pointer())
    return f"{count} blocks at hand, the next {int(last.dereference()) & ~1:#x}"


def heap_of_thread(value: Value) -> str:
    items = value["magazines_"]["items"]
    first, last = items.type.strip_typedefs().range()
    at_hand = [(c, in_magazine(items[c])) for c in range(first, last + 1)]
    pages = value["pages_"]["items"]
    first, last = pages.type.strip_typedefs().range()
    of_class = [(c, int(pages[c])) for c in range(first, last + 1)]
    parked = ", parked: its thread has ended" if atomic(value["parked_"]) else ""
    return (
        f"heap {number(value['id_'])}{parked}\n  pages by class: {listed(of_class)}"
        f"\n  blocks at hand by class: {listed(at_hand)}"
    )


def listed(counts: list[tuple[int, int]]) -> str:
    return ", ".join(f"{key}: {count}" for key, count in counts if count) or "none"


def large_block(value: Value) -> str:
    state = "live" if atomic(value["live"]) else "free"
    length = int(value["end"]) - int(value["block"])
    return (
        f"{state}, {human(length)} at {int(value['block']):#x}, {int(value['requested'])} asked for"
    )


def enumerator(value: Value) -> str:
    """An enumerator of mymalloc.h, as MYMALLOC_NEVER_USED, in plain letters."""
    return str(value).removeprefix("MYMALLOC_").lower().replace("_", " ")


def info(value: Value) -> str:
    kind = enumerator(value["kind"])
    base = int(value["base"])
    size = int(value["usable_size"])
    if str(value["kind"]) == "MYMALLOC_NOT_OURS":
        return kind
    text = f"{kind}: {size} bytes at {base:#x}"
    if str(value["state"]) != "MYMALLOC_NO_STATE":
        text += f", {enumerator(value['state'])}"
    if int(value["page"]) != 0:
        text += f", slot {int(value['slot'])} of the page at {int(value['page']):#x}"
        text += f", heap {int(value['heap'])}"
    if int(value["freed_at"]) != 0:
        text += f", freed at {value['freed_at']}"
    return text


def misuse(value: Value) -> str:
    return str(value["message"].string()).strip() if int(value["message"]) else "nothing"


def thread_counts(value: Value) -> str:
    allocated, deallocated = int(value["allocated"]), int(value["deallocated"])
    return f"{human(allocated)} allocated, {human(deallocated)} freed, {human(int(value['peak']))} at most"


class TextPrinter:
    def __init__(self, value: Value, text: Callable[[Value], str]) -> None:
        self.value = value
        self.text = text

    def to_string(self) -> str:
        return self.text(self.value)


class FiguresPrinter:
    """A struct of figures, without those that are 0; those of bytes as people write them."""

    def __init__(self, value: Value) -> None:
        self.value = value

    def children(self) -> Iterator[tuple[str, Any]]:
        for field in self.value.type.strip_typedefs().fields():
            count = int(self.value[field.name])
            if count == 0 or field.name == "struct_size":
                continue
            of_bytes = field.name.endswith("_bytes") or field.name.endswith("_limit")
            yield field.name, gdb.Value(human(count)) if of_bytes else self.value[field.name]


PRINTERS: dict[str, Callable[[Value], str]] = {
    r"mymalloc::Tag": tag,
    r"mymalloc::(Number|Count|Ordinal)<.*>": number,
    r"mymalloc::(SlotSet|SlotBitmap|AtomicSlotBitmap)": bitmap_slots,
    r"mymalloc::PageHeader": page_header,
    r"mymalloc::Magazine": magazine,
    r"mymalloc::Heap": heap_of_thread,
    r"mymalloc::LargeBlock": large_block,
    r"mymalloc_info": info,
    r"mymalloc_misuse": misuse,
    r"mymalloc_thread_counts": thread_counts,
}
FIGURES = r"mymalloc_(statistics|class_stats)"


class Printers:
    """For gdb's list of printers."""

    name = "mymalloc"
    enabled = True

    def __call__(self, value: Value) -> Optional[object]:
        name = value.type.strip_typedefs().unqualified().tag
        if name is None or not name.startswith("mymalloc"):
            return None
        if re.fullmatch(FIGURES, name):
            return FiguresPrinter(value)
        for pattern, text in PRINTERS.items():
            if re.fullmatch(pattern, name):
                return TextPrinter(value, text)
        return None


# A thread's heap is longer than gdb takes a value to be by itself.
LONGEST_VALUE = 1 << 18
if 0 <= (gdb.parameter("max-value-size") or -1) < LONGEST_VALUE:
    gdb.execute(f"set max-value-size {LONGEST_VALUE}", to_string=True)

gdb.pretty_printers[:] = [p for p in gdb.pretty_printers if getattr(p, "name", "") != "mymalloc"]
gdb.pretty_printers.insert(0, Printers())

Prefix()
for each, help_text in SUBCOMMANDS.items():
    Subcommand(each, help_text)
