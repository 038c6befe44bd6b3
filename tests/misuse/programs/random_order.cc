// Prints in which order fourteen blocks of the size that is given lie, the lowest as 0.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  constexpr int kBlocks = 14;
  if (argc != 2) return 2;
  const size_t size = strtoul(argv[1], nullptr, 10);
  uintptr_t blocks[kBlocks];
  for (uintptr_t& block : blocks) block = reinterpret_cast<uintptr_t>(malloc(size));
  for (const uintptr_t block : blocks) {
    const auto below =
        std::count_if(blocks, blocks + kBlocks, [block](uintptr_t other) { return other < block; });
    printf("%d ", static_cast<int>(below));
  }
}
