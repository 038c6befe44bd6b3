#!/bin/bash
# The file $2 is what the program $1 prints; $3 names the program to a person.
set -euo pipefail
if ! diff -u "$2" <("$1"); then
  echo "run: bazel run $3 >${2#./}" >&2
  exit 1
fi
