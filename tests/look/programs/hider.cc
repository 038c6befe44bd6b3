// Has all its blocks hidden, and brings them back one after the other, for ever: so that each look
// finds something that seemed lost before.

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

constexpr size_t kBlocks = 200000;
constexpr uintptr_t kVeil = 0x5555555555555555;

uintptr_t g_hidden[kBlocks];
void* volatile g_shown[kBlocks];

}  // namespace

int main() {
  for (uintptr_t& hidden : g_hidden) hidden = reinterpret_cast<uintptr_t>(malloc(50)) ^ kVeil;
  std::puts("ready");
  std::fflush(stdout);
  for (size_t i = 0; i < kBlocks; ++i) {
    g_shown[i] = reinterpret_cast<void*>(g_hidden[i] ^ kVeil);
    if (i % 5 == 0) usleep(1000);
  }
  pause();
}
