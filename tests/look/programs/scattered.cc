// For docs/look.md: of what it makes at one time it keeps one block in nineteen. Says when it has
// all of them, and after a byte on stdin when it has freed the others.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

static void SayAndWait(const char* what) {
  std::puts(what);
  std::fflush(stdout);
  char byte;
  if (read(0, &byte, 1) != 1) std::exit(0);
}

int main() {
  std::vector<void*> blocks(400000);
  for (void*& block : blocks) block = malloc(200);
  SayAndWait("full");
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (i % 19 != 0) free(blocks[i]);
  }
  SayAndWait("ready");
  return 0;
}
