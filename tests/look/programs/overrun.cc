// Writes past a block, and waits.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

int main() {
  auto* const volatile block = static_cast<char*>(std::malloc(24));
  for (int i = 24; i < 30; ++i) block[i] = 'x';
  std::printf("block %p\nready\n", static_cast<void*>(block));
  std::fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
  _exit(0);
}
