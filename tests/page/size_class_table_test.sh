#!/bin/bash
# docs/size_classes.md is what tools/size_classes prints: $1 the program, $2 the file.
set -euo pipefail
if ! diff -u "$2" <("$1"); then
  echo "run: bazel run //tools:size_classes >docs/size_classes.md" >&2
  exit 1
fi
