// Prints docs/options.md: bazel run //tools:options >docs/options.md

#include "mymalloc/base/options.h"

#include <cstdio>

namespace {

void PrintRow(const char* name, const char* standard, const char* hardened, const char* help) {
  std::printf("| `%s` | %s | %s | %s |\n", name, standard, hardened, help);
}

}  // namespace

int main() {
  std::printf(
      "# Options\n\n"
      "Made by `bazel run //tools:options >docs/options.md`; a test sees to it that it is up to "
      "date.\n\n"
      "Set one by `MYMALLOC_<NAME>=value`, or several by `MYMALLOC_OPTIONS=name=value:name=value`; "
      "both are ignored in setuid programs. Sizes are written as `65536`, `64K`, `16M`, `1G`; "
      "limits also as `80%%` of what the process may have (its cgroup's, or the machine's memory); "
      "times as `500ms`, `10s`, `2m`, or `never`; switches as `1` or `0`, `yes` or `no`, `on` or "
      "`off`; a path with a colon in it by its own variable only. An "
      "unknown name or a bad value gets a warning and is ignored. `MYMALLOC_OPTIONS=help` prints "
      "all of them, with the values in force, at the program's first `malloc`.\n\n"
      "| option | default | with `harden=1` | meaning |\n"
      "|---|---|---|---|\n");
  mymalloc::ForEachOption(&PrintRow);
}
