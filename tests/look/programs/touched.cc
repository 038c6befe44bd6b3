// Has a block of which it has touched only a part.
//
//   touched MEBIBYTES TOUCHED

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

int main(int, char** arguments) {
  char* const block = static_cast<char*>(malloc(strtoul(arguments[1], nullptr, 10) << 20));
  std::memset(block, 1, strtoul(arguments[2], nullptr, 10) << 20);
  std::printf("block %p\nready\n", static_cast<void*>(block));
  std::fflush(stdout);
  pause();
}
