// A program whose malloc is that of another workspace, linked in.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "mymalloc/mymalloc.h"

namespace {

int g_reports = 0;

void OnMisuse(const mymalloc_misuse* misuse, void*) {
  if (misuse->kind == MYMALLOC_DOUBLE_FREE) ++g_reports;
}

}  // namespace

int main() {
  std::vector<std::string> words(1000, std::string(100, 'x'));
  mymalloc_on_misuse(OnMisuse, nullptr);
  void* volatile block = std::malloc(words.size());
  std::free(block);
  std::free(block);  // Is reported; with MYMALLOC_ON_ERROR=warn the program goes on.
  std::printf("mymalloc %s: %d report\n", mymalloc_version(), g_reports);
  return g_reports == 1 ? 0 : 1;
}
