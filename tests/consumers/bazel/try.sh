#!/bin/bash
# Builds and runs the program of this workspace, which uses mymalloc as another one: for tools/test, as a test of
# Bazel's own cannot run Bazel on the project that it is a test of.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")"
trap 'bazel shutdown' EXIT

said=$(MYMALLOC_ON_ERROR=warn bazel run -c opt --noshow_progress --nosandbox_debug --ui_event_filters=-info \
  --experimental_convenience_symlinks=ignore //:consumer 2>&1) || true
printf '%s\n' "$said" >&2
[[ $said == *"double free"*"1 report" ]]
