// counter SIGNAL FILE: writes its number to the file, counts how often the signal comes, and tells
// that as its exit code at SIGTERM.

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace {

volatile sig_atomic_t g_count = 0;
volatile sig_atomic_t g_end = 0;

void Count(int) { g_count = g_count + 1; }
void End(int) { g_end = 1; }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 126;
  signal(atoi(argv[1]), &Count);
  signal(SIGTERM, &End);
  FILE* const file = fopen(argv[2], "w");
  if (file == nullptr) return 126;
  fprintf(file, "%d\n", static_cast<int>(getpid()));
  fclose(file);
  while (g_end == 0) usleep(1000);
  return g_count;
}
