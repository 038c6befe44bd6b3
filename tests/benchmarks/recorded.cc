// What the recorder is tried on: `recorded fork` forks while other threads allocate, `recorded
// calls` makes one call of each of the rarer kinds; `recorded _exit`, `kill` and `exec` end in the
// middle of their work, `exec` as `calls`.

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

namespace {

constexpr int kThreads = 3;
constexpr int kForks = 200;
constexpr unsigned kChildSeconds = 10;  // More than it takes; one that waits for ever is killed.
constexpr size_t kOddSize = 12345;      // Nobody else asks for so many.
constexpr size_t kEndSize = 54321;      // Nor for so many.

// Children that allocate must come to their end whatever the other threads were doing.
int Fork() {
  std::atomic<bool> done{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      while (!done.load(std::memory_order_relaxed)) {
        void* volatile block = malloc(100);
        free(block);
      }
    });
  }
  bool well = true;
  for (int i = 0; i < kForks && well; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(kChildSeconds);
      void* volatile block = malloc(kOddSize);
      free(block);
      _exit(block == nullptr ? 1 : 0);
    }
    int status = -1;
    well = child > 0 && waitpid(child, &status, 0) == child && status == 0;
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  return well ? 0 : 1;
}

// The exit code is the number of the first call that went wrong.
int Calls() {
  void* block = nullptr;
  if (posix_memalign(&block, 3, 100) != EINVAL || block != nullptr) return 1;
  if (posix_memalign(&block, 4, 100) != EINVAL || block != nullptr) return 2;
  if (posix_memalign(&block, SIZE_MAX - 7, 100) != EINVAL || block != nullptr) return 2;
  if (posix_memalign(&block, 64, kOddSize) != 0) return 3;
  free(block);
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  block = valloc(kOddSize + 1);
  if (block == nullptr || reinterpret_cast<uintptr_t>(block) % page != 0) return 4;
  free(block);
  block = pvalloc(kOddSize + 2);
  if (block == nullptr || malloc_usable_size(block) < 4 * page) return 5;
  free(block);
  block = reallocarray(nullptr, kOddSize, 2);
  if (block == nullptr) return 6;
  block = reallocarray(block, kOddSize, 3);
  if (block == nullptr) return 7;
  errno = 0;
  volatile size_t many = SIZE_MAX / 2;
  if (reallocarray(block, many, 3) != nullptr || errno != ENOMEM) return 8;
  free(block);
  errno = 0;
  many = SIZE_MAX - 1;
  if (pvalloc(many) != nullptr || errno != ENOMEM) return 9;
  return 0;
}

// Asks for `kEndSize` bytes, and is gone.
int End(const char* how, char* self) {
  void* volatile block = malloc(kEndSize);
  if (strcmp(how, "kill") == 0) raise(SIGKILL);
  if (strcmp(how, "exec") == 0) {
    char calls[] = "calls";
    char* const argv[] = {self, calls, nullptr};
    execv(self, argv);
  }
  _exit(block == nullptr ? 1 : 0);
}

}  // namespace

int main(int argc, char** argv) {
  const char* what = argc == 2 ? argv[1] : "calls";
  if (strcmp(what, "fork") == 0) return Fork();
  return strcmp(what, "calls") == 0 ? Calls() : End(what, argv[0]);
}
