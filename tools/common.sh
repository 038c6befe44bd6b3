# Sourced by the scripts of this folder.
# shellcheck shell=bash

root=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
readonly root

# What the tools say goes to stderr: stdout belongs to the program that tools/run runs.
say() {
  echo "mymalloc: $*" >&2
}

die() {
  say "$*"
  exit 1
}

# The counts as tools/test prints them; skipped ones only if there are any.
summary() {
  local skipped=''
  if [ "$3" -gt 0 ]; then skipped=", $3 skipped"; fi
  echo "$1 passed, $2 failed$skipped"
}

# Bazel from the project's root, told apart from what the caller runs: it reads no stdin, writes to
# stderr only, and a library that the caller preloads stays out of it.
run_bazel() {
  local command=$1
  shift
  (cd "$root" && env -u LD_PRELOAD bazel "$command" --noshow_progress --show_result=0 \
    --ui_event_filters=-info "$@" </dev/null >&2)
}

# The dynamic linker finds what is under the prefix /usr/local by its cache, and of /usr faster.
refresh_cache() {
  case $1 in
    /usr | /usr/local) [ "$(id -u)" -ne 0 ] || PATH=$PATH:/usr/sbin:/sbin ldconfig || say "ldconfig failed" ;;
  esac
}
