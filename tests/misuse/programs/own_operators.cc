// A program that replaces some of C++'s operators and goes by the standard's rules for the others.

#include <memory>
#include <new>
#include <string>
#include <vector>

#include "tests/misuse/programs/case.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wsized-deallocation"  // as older programs do
#endif

void* operator new(size_t size) { return malloc(size); }
void operator delete(void* pointer) noexcept { free(pointer); }

namespace {

struct alignas(64) Wide {
  char bytes[64];
};

CASE(objects) {
  for (int i = 0; i < 1000; ++i) {
    delete new int(i);
    delete new (std::nothrow) int(i);
    delete[] new char[100];
    delete[] new std::string[3];
    delete new Wide;
  }
}
CASE(containers) {
  std::vector<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.emplace_back(static_cast<size_t>(i), 'x');
  const std::unique_ptr<int[]> numbers(new int[1000]);
  numbers[999] = 1;
}

}  // namespace
