"""`bazel run -c opt //benchmarks/steps`: measures the seven steps, and makes the tables and the picture of docs/tour.md."""

import sys

from benchmarks.steps import tour

if __name__ == "__main__":
    sys.exit(tour.main(sys.argv[1:]))
