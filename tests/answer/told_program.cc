// What told_test runs.
//
//   told_program exit          allocates, and ends
//   told_program signals       sends itself SIGUSR2, 200 times, while threads allocate and free
//   told_program limit SIZE    allocates blocks of this size until there is none, tells how many bytes
//                              that was, and then that all is well again
//   told_program maps          prints its mappings

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "mymalloc/mymalloc.h"

namespace {

void* blocks[1000];

int Exit() {
  for (void*& p : blocks) p = malloc(700);
  return 0;
}

void Churn(const std::atomic<bool>* stop) {
  while (!stop->load()) {
    std::vector<void*> some;
    for (size_t i = 0; i < 2000; ++i) some.push_back(malloc(16 + i * 37 % 50000));
    for (void* p : some) free(p);
  }
}

int Signals() {
  std::atomic<bool> stop{false};
  std::thread a(Churn, &stop);
  std::thread b(Churn, &stop);
  for (int i = 0; i < 200; ++i) {
    kill(getpid(), SIGUSR2);
    usleep(1000);
    free(malloc(100000));
  }
  stop.store(true);
  a.join();
  b.join();
  for (int i = 0; i < 100; ++i) free(malloc(100000));
  return 0;
}

int Limit(size_t size) {
  struct Link {
    Link* next;
  };
  Link* all = nullptr;
  size_t bytes = 0;
  for (;;) {
    auto* const link = static_cast<Link*>(malloc(size));
    if (link == nullptr) break;
    memset(link, 1, size);
    link->next = all;
    all = link;
    bytes += size;
  }
  printf("%zu %d", bytes, errno == ENOMEM);
  while (all != nullptr) {
    Link* const next = all->next;
    free(all);
    all = next;
  }
  void* const again = malloc(size);
  printf(" %d", again != nullptr);
  free(again);
  if (mymalloc_set_hard_limit != nullptr) {
    mymalloc_set_hard_limit(0);
    void* const much = malloc(size_t{1} << 30);
    printf(" %d", much != nullptr);
    free(much);
  }
  printf("\n");
  return 0;
}

int Maps() {
  void* const large = malloc(50000000);
  FILE* const file = fopen("/proc/self/maps", "r");
  char line[300];
  while (fgets(line, sizeof(line), file) != nullptr) fputs(line, stdout);
  fclose(file);
  free(large);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "exit") == 0) return Exit();
  if (argc > 1 && strcmp(argv[1], "signals") == 0) return Signals();
  if (argc > 2 && strcmp(argv[1], "limit") == 0) return Limit(strtoul(argv[2], nullptr, 10));
  if (argc > 1 && strcmp(argv[1], "maps") == 0) return Maps();
  return 2;
}
