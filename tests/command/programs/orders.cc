// Frees a block twice, in a function that is inlined into one that is inlined into one with a C++
// name; then does what its argument says. The tests look lines up by their comments.

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#define INLINED inline __attribute__((always_inline))
#define CALLED __attribute__((noinline))

namespace orders {

struct Order {
  INLINED void Release() { free(block); }  // innermost

  void* block;
};

static INLINED void ReleaseTwice(Order* order) {
  order->Release();
  order->Release();  // middle
}

CALLED void Cancel(const std::string& name, int count) {
  Order order = {malloc(name.size() + static_cast<size_t>(count))};
  ReleaseTwice(&order);  // outermost
  __asm__ volatile("");
}

}  // namespace orders

// With the argument "wait", until stdin ends; with on_error=warn it gets there.
int main(int argc, char** argv) {
  orders::Cancel("name", 40);  // main
  if (argc > 1 && std::strcmp(argv[1], "wait") == 0) {
    char byte = 'r';
    if (write(STDOUT_FILENO, &byte, 1) != 1) return 2;
    while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  }
  return 0;
}
