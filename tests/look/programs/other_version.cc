// Shows a descriptor that is another version's.

#include <unistd.h>

#include <cstdio>

#include "mymalloc/report/descriptor.h"

extern "C" const mymalloc::Descriptor mymalloc_descriptor = {
    {mymalloc::Descriptor::kMagic[0], mymalloc::Descriptor::kMagic[1]},
    &mymalloc_descriptor,
    sizeof(mymalloc::Descriptor),
    "77.0.1",
    12345,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
};

int main() {
  std::puts("ready");
  std::fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
  return 0;
}
