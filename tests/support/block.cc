#include "tests/support/block.h"

#include <cstring>

namespace mymalloc::test {
namespace {

uint64_t PatternWord(uint64_t seed, size_t index) {
  return (seed + index + 1) * uint64_t{0x9e3779b97f4a7c15};
}

}  // namespace

void FillPattern(void* block, size_t size, uint64_t seed) {
  char* bytes = static_cast<char*>(block);
  size_t done = 0;
  for (; done + sizeof(uint64_t) <= size; done += sizeof(uint64_t)) {
    const uint64_t word = PatternWord(seed, done);
    memcpy(bytes + done, &word, sizeof(word));
  }
  const uint64_t last = PatternWord(seed, done);
  memcpy(bytes + done, &last, size - done);
}

bool MatchesPattern(const void* block, size_t size, uint64_t seed) {
  const char* bytes = static_cast<const char*>(block);
  size_t done = 0;
  for (; done + sizeof(uint64_t) <= size; done += sizeof(uint64_t)) {
    uint64_t word;
    memcpy(&word, bytes + done, sizeof(word));
    if (word != PatternWord(seed, done)) return false;
  }
  const uint64_t last = PatternWord(seed, done);
  return memcmp(bytes + done, &last, size - done) == 0;
}

bool IsZero(const void* block, size_t size) {
  const char* bytes = static_cast<const char*>(block);
  return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

}  // namespace mymalloc::test
