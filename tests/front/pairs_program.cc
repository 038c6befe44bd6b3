// Allocates and frees a small block so many times as its argument says.

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  const long pairs = argc > 1 ? std::atol(argv[1]) : 0;
  for (long i = 0; i < pairs; ++i) {
    void* volatile block = std::malloc(64);
    std::free(block);
  }
  std::puts("done");
}
