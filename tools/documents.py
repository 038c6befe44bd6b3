"""Whether what the documents name is there: links and their anchors, pictures, targets, tools, subcommands, the version.

Of every Markdown file that git knows. What a command does is not tried here: tests/tools/readme_test.py does that.
"""

import re
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath

_LINK = re.compile(r"\[[^\[\]]*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.*?) *#* *$", re.MULTILINE)
_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`[^`]*`")
_LABEL = re.compile(r"(?<![\w@:/])//([\w/]*)(?::([\w.]+))?(/?\.\.\.)?")
_TOOL = re.compile(r"(?<![\w/])(?:tools|\.ci)/([a-z_]+)(?![\w/.])")
_SUBCOMMAND = re.compile(r"^ *(?:\$ )?mymalloc ([a-z]+)\b", re.MULTILINE)
_SONAME = re.compile(r"libmymalloc(?:_\w+)?\.so\.(\d)|`libmymalloc(\d)`|libmymalloc(\d)_")


def blocks(text: str) -> str:
    """What stands in blocks of code."""
    indented = [line for line in _FENCED.sub("", text).splitlines() if line.startswith("    ")]
    return "\n".join([*indented, *_FENCED.findall(text)])


def prose(text: str) -> str:
    lines = _FENCED.sub("", text).splitlines()
    return "\n".join("" if line.startswith("    ") else line for line in lines)


def anchors(text: str) -> set[str]:
    """Of its headings, as the places that show Markdown name them."""
    found: set[str] = set()
    for heading in _HEADING.findall(prose(text)):
        words = re.sub(r"[^\w\- ]", "", _LINK.sub("", heading).lower()).replace(" ", "-")
        again = (f"{words}-{count}" for count in range(1, 100))
        found.add(words if words not in found else next(one for one in again if one not in found))
    return found


class Tree:
    """The repository, as git has it."""

    def __init__(self, root: Path, files: Collection[str]) -> None:
        self.root = root
        self.files = set(files)
        self.folders = {str(above) for file in files for above in PurePosixPath(file).parents}

    def read(self, name: str) -> str:
        return (self.root / name).read_text()

    def has_target(self, package: str, name: str) -> bool:
        """Whether its BUILD has such a name between quotes, at least up to what it adds there; or the file is there."""
        build = f"{package}/BUILD".lstrip("/")
        if f"{package}/{name}".lstrip("/") in self.files:
            return True
        if build not in self.files:
            return False
        text = self.read(build)
        added = {suffix for suffix in re.findall(r'\+ "([\w.]+)"', text) if name.endswith(suffix)}
        return any(f'"{name.removesuffix(suffix)}"' in text for suffix in {"", *added})

    def subcommands(self) -> set[str]:
        sources = [name for name in self.files if name.startswith("tools/command/")]
        text = "".join(self.read(name) for name in sources if name.endswith(".cc"))
        return {name.lower() for name in re.findall(r"\b([A-Z]\w+)Command\(\) *{", text)}

    def major(self) -> str:
        found = re.search(r"MYMALLOC_VERSION_MAJOR (\d+)", self.read("mymalloc/mymalloc.h"))
        return found[1] if found else ""


def _of_links(tree: Tree, name: str, text: str) -> Iterator[str]:
    for target in _LINK.findall(_SPAN.sub("", prose(text))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = _joined(PurePosixPath(name).parent, path) if path else name
        if place not in tree.files and place not in tree.folders:
            yield f"{target} leads nowhere"
        elif anchor and anchor not in anchors(tree.read(place)):
            yield f"{target}: there is no such heading"


def _joined(folder: PurePosixPath, path: str) -> str:
    parts: list[str] = []
    for part in (folder / path).parts:
        if part == ".." and parts:
            parts.pop()
        else:
            parts.append(part)
    return str(PurePosixPath(*parts))


def _of_targets(tree: Tree, text: str, *, commands: bool) -> Iterator[str]:
    """In a command //folder is its target of that name; elsewhere it may be the folder itself."""
    for package, name, below in _LABEL.findall(text):
        package = package.rstrip("/")
        if below:
            if package and package not in tree.folders:
                yield f"//{package}/...: there is no such folder"
        elif not name and not commands:
            if f"{package}/BUILD" not in tree.files:
                yield f"//{package}: there is no such package"
        elif not tree.has_target(package, name or PurePosixPath(package).name):
            yield f"//{package}{':' if name else ''}{name}: there is no such target"


def _of_commands(tree: Tree, text: str) -> Iterator[str]:
    for tool in _TOOL.findall(text):
        if (
            not tree.files & {f"tools/{tool}", f".ci/{tool}"}
            and f"tools/{tool}" not in tree.folders
        ):
            yield f"tools/{tool}: there is no such tool"
    known = tree.subcommands()
    for subcommand in _SUBCOMMAND.findall(blocks(text)):
        if subcommand not in known:
            yield f"mymalloc {subcommand}: there is no such subcommand"


def _of_version(tree: Tree, text: str) -> Iterator[str]:
    for found in _SONAME.finditer(text):
        if tree.major() not in found.groups():
            yield f"{found[0]}: the major version is {tree.major()}"


def faults_of(tree: Tree) -> list[str]:
    """Where, and what is wrong."""
    faults = []
    documents = sorted(name for name in tree.files if name.endswith(".md"))
    for name in documents:
        text = tree.read(name)
        found = [
            *_of_links(tree, name, text),
            *_of_targets(tree, blocks(text), commands=True),
            *_of_targets(tree, "\n".join(_SPAN.findall(prose(text))), commands=False),
            *_of_commands(tree, text),
            *_of_version(tree, text),
        ]
        faults += [f"{name}: {fault}" for fault in found]
    shown = "".join(map(tree.read, documents))
    for picture in sorted(name for name in tree.files if name.startswith("docs/pictures/")):
        if f"/{PurePosixPath(picture).name})" not in shown:
            faults.append(f"{picture}: no document shows it")
    return faults


def main() -> int:
    root = Path(__file__).resolve().parent.parent
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=root, capture_output=True, text=True, check=True).stdout
    faults = faults_of(Tree(root, [name for name in listed.splitlines() if (root / name).exists()]))
    for fault in faults:
        print(f"tools/documents.py: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
