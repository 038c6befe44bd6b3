"""site_pages.py ROOT FOLDER: the documents as pages for a browser, by mkdocs. What tools/site does.

The pages lie in the folder as the documents do in the repository, so their links hold. A file that is no document, but
that one links to, becomes a page that shows it; a folder one that shows all its files.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

_NAVIGATION: dict[str, tuple[str, ...]] = {
    "Using it": (
        "docs/install.md",
        "docs/use.md",
        "docs/options.md",
        "docs/look.md",
        "docs/security.md",
    ),
    "Learning": ("docs/learn.md", "docs/tour.md"),
    "How it works": ("docs/design.md", "docs/scaling.md", "docs/size_classes.md", "tree/README.md"),
    "How fast": ("docs/benchmarks.md", "docs/others.md"),
    "The project": ("CHANGELOG.md", "CONTRIBUTING.md"),
}
_REST = "More"
_SLUGS = "!!python/name:pymdownx.slugs.gfm "  # Anchors are called as where the documents are read otherwise.

_TARGET = re.compile(r"(?<=\]\()([^()\s]+)(?=\))")
_LANGUAGES = {
    ".h": "c",
    ".cc": "cpp",
    ".c": "c",
    ".py": "python",
    ".rs": "rust",
    ".toml": "toml",
    ".js": "js",
}


def listed(root: Path) -> list[str]:
    """What git knows, and what is new; where there is no git, as in an archive, all files."""
    if not (root / ".git").exists():
        files = (
            path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts
        )
        return sorted(str(path.relative_to(root)) for path in files)
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return sorted(name for name in done.stdout.splitlines() if (root / name).is_file())


def _shown(root: Path, name: str) -> str:
    text = (root / name).read_text()
    fence = "`" * (max(map(len, re.findall(r"`+", text)), default=2) + 1)
    return f"{fence.rjust(3, '`')}{_LANGUAGES.get(PurePosixPath(name).suffix, 'text')}\n{text}\n{fence.rjust(3, '`')}"


class Pages:
    """What mkdocs gets: the documents, with links to pages only, and the pages that these need."""

    def __init__(self, root: Path, target: Path) -> None:
        self._root = root
        self._target = target
        self._files = listed(root)
        self.documents = [name for name in self._files if name.endswith(".md")]
        self.sources: set[str] = set()  # Pages of what is no document.

    def write(self) -> None:
        for name in self.documents:
            lines = (self._root / name).read_text().split("\n")
            self._put(name, "\n".join(self._with_links(name, lines)))

    def _put(self, name: str, text: str) -> None:
        path = self._target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def _with_links(self, name: str, lines: list[str]) -> Iterator[str]:
        fenced = False
        for line in lines:
            fenced ^= line.startswith("```")
            code = fenced or line.startswith("    ")
            yield line if code else _TARGET.sub(lambda found: self._link(name, found[0]), line)

    def _link(self, name: str, target: str) -> str:
        path, anchor, place = target.partition("#")
        if re.match(r"[a-z]+:", target) or not path:
            return target
        linked = os.path.normpath(PurePosixPath(name).parent / path)
        if linked in self.documents:
            return target
        if (self._root / linked).is_dir():
            self._folder(linked)
            return f"{path.rstrip('/')}/index.md"
        if PurePosixPath(linked).suffix in (".svg", ".png"):
            copy = self._target / linked
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self._root / linked, copy)
            return target
        self._source(linked)
        return f"{path}.md{anchor}{place}"

    def _source(self, name: str) -> None:
        self.sources.add(f"{name}.md")
        self._put(f"{name}.md", f"# {name}\n\n{_shown(self._root, name)}\n")

    def _folder(self, name: str) -> None:
        self.sources.add(f"{name}/index.md")
        files = [file for file in self._files if file.startswith(f"{name}/")]
        parts = [
            f"## {file.removeprefix(f'{name}/')}\n\n{_shown(self._root, file)}\n" for file in files
        ]
        self._put(f"{name}/index.md", "\n".join([f"# {name}/\n", *parts]))

    def navigation(self) -> list[dict[str, Any]]:
        """A document that is in no group is in the last one."""
        groups: dict[str, list[Any]] = {
            title: [name for name in names if name in self.documents]
            for title, names in _NAVIGATION.items()
        }
        known = {name for names in groups.values() for name in names} | {"README.md"}
        rest = [name for name in self.documents if name not in known]
        groups[_REST] = [{name.removesuffix("README.md"): name} for name in rest]
        return [
            {"mymalloc": "README.md"},
            *({title: names} for title, names in groups.items() if names),
        ]


def _configuration(pages: Pages, folder: Path, root: Path) -> dict[str, Any]:
    def palette(scheme: str, icon: str, other: str) -> dict[str, Any]:
        return {
            "media": f"(prefers-color-scheme: {'light' if scheme == 'default' else 'dark'})",
            "scheme": scheme,
            "primary": "blue grey",
            "accent": "blue",
            "toggle": {"icon": f"material/{icon}", "name": f"Switch to {other}"},
        }

    return {
        "site_name": "mymalloc",
        "docs_dir": str(folder / "pages"),
        "use_directory_urls": False,
        "nav": pages.navigation(),
        "plugins": ["search"],
        "extra_css": ["style.css"],
        "markdown_extensions": [
            "sane_lists",
            "pymdownx.superfences",
            {"pymdownx.highlight": {"guess_lang": False}},
            {"toc": {"permalink": "#", "toc_depth": 3, "slugify": _SLUGS}},
        ],
        "theme": {
            "name": "material",
            "custom_dir": str(root / "docs" / "site"),
            "font": False,
            "palette": [
                palette("default", "weather-night", "dark"),
                palette("slate", "weather-sunny", "light"),
            ],
            "features": ["navigation.sections", "navigation.top"],
        },
    }


def _mkdocs(configuration: dict[str, Any], folder: Path, output: Path) -> None:
    # JSON is YAML, but for the name of a function.
    text = json.dumps(configuration, indent=1)
    (folder / "mkdocs.yml").write_text(text.replace(f'"{_SLUGS}"', _SLUGS))
    command = ["/usr/bin/mkdocs", "--quiet", "build", "--strict"]
    subprocess.run([*command, "-f", folder / "mkdocs.yml", "-d", output], check=True)


def _search(output: Path, left_out: set[str]) -> None:
    """The index and the script that searches it as one script, which a page may load from a disk, too."""
    index = json.loads((output / "search" / "search_index.json").read_text())
    sources = {f"{PurePosixPath(name).with_suffix('')}.html" for name in left_out}
    index["docs"] = [
        page for page in index["docs"] if page["location"].split("#")[0] not in sources
    ]
    worker = next((output / "assets" / "javascripts" / "workers").glob("search.*.js")).read_text()
    worker = re.sub(r"//# sourceMappingURL=.*", "", worker)
    script = (
        f"const __search = {{index: Promise.resolve({json.dumps(index)}),\n"
        f"  worker: URL.createObjectURL(new Blob([{json.dumps(worker)}]))}};\n"
    )
    (output / "search" / "index.js").write_text(script)


def make(root: Path, output: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        pages = Pages(root, folder / "pages")
        pages.write()
        shutil.copy(root / "docs" / "site" / "style.css", folder / "pages")
        _mkdocs(_configuration(pages, folder, root), folder, output)
        _search(output, pages.sources)
    for name in (
        "sitemap.xml",
        "sitemap.xml.gz",
        "404.html",
        "main.html",
    ):  # For servers; the last is ours.
        (output / name).unlink(missing_ok=True)


if __name__ == "__main__":
    make(*map(Path, sys.argv[1:]))
