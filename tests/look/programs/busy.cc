// Four threads that allocate and free without end, and five blocks that nothing reaches.

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr size_t kBlocks = 5000;

[[noreturn]] void Churn(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<void*> blocks(kBlocks);
  for (;;) {
    std::swap(blocks[random() % kBlocks], blocks[random() % kBlocks]);
    if (random() % 3 != 0) continue;
    void*& place = blocks[random() % kBlocks];
    std::free(place);
    place = std::calloc(1, sizeof(unsigned) + random() % (1u << random() % 13));
    *static_cast<unsigned*>(place) = static_cast<unsigned>(random());
    // Lets those in that have little of a processor.
    if (random() % 512 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

void Leak() {
  for (int i = 0; i < 5; ++i) {
    auto* volatile block = static_cast<volatile char*>(std::malloc(7777));
    block[0] = 1;
    block = nullptr;
  }
}

}  // namespace

int main() {
  std::thread(Leak).join();
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) threads.emplace_back(Churn, i);
  std::puts("ready");
  std::fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
  _exit(0);
}
