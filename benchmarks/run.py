"""`bazel run -c opt //benchmarks`: the entry; everything is in benchmarks/harness."""

import sys
from pathlib import Path

# Under Bazel the root is on the path already; in a plain checkout it is not.
sys.path.insert(0, str(Path(__file__).absolute().parent.parent))

from benchmarks.harness import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main.main(sys.argv[1:]))
