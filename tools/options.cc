// Prints docs/options.md: bazel run //tools:options >docs/options.md

#include "mymalloc/base/options.h"

#include <cstdio>

#include "tools/options_text.h"

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
      "%s\n\n"
      "| option | default | with `harden=1` | meaning |\n"
      "|---|---|---|---|\n",
      mymalloc::kOptionsIntroduction);
  mymalloc::ForEachOption(&PrintRow);
}
