"""Where the things of this project are, both under `bazel run` and from a plain checkout."""

import os
from pathlib import Path

# In Bazel's runfiles this is the tree of symlinks that holds the built files beside the sources.
ROOT = Path(__file__).absolute().parent.parent.parent


def checkout() -> Path:
    """The git checkout: where the sources really are."""
    return Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", ROOT))


def artifact(relative: str) -> Path | None:
    """A built file, given by its path below the project's root; None when it is not built."""
    for candidate in (ROOT / relative, ROOT / "bazel-bin" / relative):
        if candidate.exists():
            return candidate.resolve()
    return None


def user_path(path: str) -> Path:
    """A path as the user typed it: `bazel run` starts us elsewhere than where they stand."""
    return Path(os.environ.get("BUILD_WORKING_DIRECTORY", os.getcwd())) / path
