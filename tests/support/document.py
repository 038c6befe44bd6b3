"""The commands and files that a document shows, for tests that do what it says."""

import pathlib
import re


def section(document: str, heading: str) -> str:
    return pathlib.Path(document).read_text().split(f"\n## {heading}\n")[1].split("\n## ")[0]


def commands(document: str, heading: str) -> str:
    """The lines that are shown as commands."""
    lines = section(document, heading).splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith("    "))


def file(document: str, language: str) -> str:
    """The text between ```language and ```."""
    found = re.findall(rf"(?ms)^```{language}\n(.*?)^```$", pathlib.Path(document).read_text())
    assert len(found) == 1, (document, language, found)
    return str(found[0])
