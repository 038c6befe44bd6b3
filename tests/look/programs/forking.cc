// Forks: of fifty blocks the child frees twenty, the parent ten.

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

constexpr size_t kBytes = 712;
char* blocks[50];

void Fill() {
  for (char*& block : blocks) {
    block = static_cast<char*>(std::malloc(kBytes));
    std::memset(block, 'b', kBytes);
  }
}

void Drop(int count) {
  for (int i = 0; i < count; ++i) {
    std::memset(blocks[i], 0, kBytes);
    std::free(blocks[i]);
  }
}

}  // namespace

int main() {
  std::thread(Fill).join();
  int done[2];
  if (pipe(done) != 0) return 1;
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    Drop(20);
    if (write(done[1], "d", 1) != 1) return 1;
    for (;;) pause();
  }
  Drop(10);
  char byte;
  if (read(done[0], &byte, 1) != 1) return 1;
  dprintf(1, "child %d\nready\n", child);  // stdout's buffer would be a text more
  while (read(0, &byte, 1) > 0) {
  }
  return 0;
}
