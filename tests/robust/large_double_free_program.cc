// Frees a large block twice, where nothing more can be mapped and such blocks come from what is
// already there. The second free is done by a thread that has had no block of its own so far, or by
// the one that did the first.

#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>

#include "tests/robust/expect.h"
#include "tests/support/block.h"
#include "tests/support/check.h"

namespace mymalloc::test {
namespace {

std::atomic<void*> freed{nullptr};

void* FreeWhatWasFreed(void*) {
  while (freed == nullptr) usleep(1000);
  free(freed);
  return nullptr;
}

// Address space for some more blocks, or none.
void LimitAddressSpace() {
  const rlimit limit = {300 * kMiB, 300 * kMiB};
  MYMALLOC_CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
}

// Blocks from before the limit and after it; the last one's neighbours are free and live.
char* OneOfMany(size_t size) {
  static char* blocks[40];
  for (size_t i = 0; i < std::size(blocks); ++i) {
    if (i == std::size(blocks) / 2) LimitAddressSpace();
    blocks[i] = static_cast<char*>(malloc(size));
    MYMALLOC_CHECK(blocks[i] != nullptr);
    blocks[i][0] = 1;
  }
  for (size_t i = 0; i < std::size(blocks) - 2; i += 2) free(blocks[i]);
  return blocks[std::size(blocks) - 3];
}

template <size_t kSize, bool kByOther>
void FreeTwice() {
  pthread_t other;
  MYMALLOC_CHECK(pthread_create(&other, nullptr, FreeWhatWasFreed, nullptr) == 0);
  char* const block = OneOfMany(kSize);
  free(block);
  if (!kByOther) free(Opaque(block));
  freed = block;
  pthread_join(other, nullptr);
}

constexpr NamedCase kCases[] = {
    {"own_40k", FreeTwice<40000, false>},       {"other_40k", FreeTwice<40000, true>},
    {"own_200k", FreeTwice<200 * kKiB, false>}, {"other_200k", FreeTwice<200 * kKiB, true>},
    {"own_2m", FreeTwice<2 * kMiB, false>},     {"other_2m", FreeTwice<2 * kMiB, true>},
};

}  // namespace
}  // namespace mymalloc::test

int main(int argc, char** argv) {
  return mymalloc::test::RunNamedCase(mymalloc::test::kCases, argc, argv);
}
