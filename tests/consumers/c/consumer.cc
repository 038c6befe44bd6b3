// A C++ program whose new and delete are mymalloc's: what `new` made is freed by free, which is
// reported (needs MYMALLOC_HARDEN=1, MYMALLOC_ON_ERROR=warn).

#include <mymalloc/mymalloc.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <new>
#include <string>

namespace {

int g_reports = 0;

void OnMisuse(const mymalloc_misuse* misuse, void*) {
  if (misuse->kind == MYMALLOC_MISMATCHED_FREE) ++g_reports;
}

bool ThrowsWithoutMemory() {
  volatile size_t huge = PTRDIFF_MAX;
  try {
    delete[] new char[huge];
    return false;
  } catch (const std::bad_alloc&) {
    return true;
  }
}

}  // namespace

int main() {
  std::map<int, std::string> words;
  for (int i = 0; i < 1000; ++i) words[i] = std::string(100, 'x') + std::to_string(i);
  if (!ThrowsWithoutMemory()) return 1;
  mymalloc_on_misuse(OnMisuse, nullptr);
  int* const number = new int(7);
  std::free(number);
  std::printf("mymalloc %s: %d report\n", mymalloc_version(), g_reports);
  return g_reports == 1 ? 0 : 1;
}
