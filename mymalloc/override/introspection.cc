#include "mymalloc/override/introspection.h"

#include <errno.h>

#include "mymalloc/os/memory.h"
#include "mymalloc/process/attach.h"
#include "mymalloc/process/janitor.h"

namespace mymalloc::api {

int Mallopt(int parameter, int value) {
  constexpr int kMostFast = 80 * sizeof(size_t) / 4;
  switch (parameter) {
    case M_MXFAST:
      return value >= 0 && value <= kMostFast ? 1 : 0;
    case M_TRIM_THRESHOLD:
    case M_TOP_PAD:
    case M_MMAP_THRESHOLD:
    case M_MMAP_MAX:
    case M_CHECK_ACTION:
    case M_PERTURB:
    case M_ARENA_TEST:
    case M_ARENA_MAX:
      return 1;
    default:
      return 0;
  }
}

struct mallinfo2 Mallinfo2() {
  const Statistics s = CountHeap();
  struct mallinfo2 info {};
  info.arena = s.FromSystem();
  info.uordblks = s.live.bytes;
  info.fordblks = s.FreeBytes();
  info.ordblks = s.rest.blocks + s.pieces;
  info.smblks = s.fast.blocks;
  info.fsmblks = s.fast.bytes;
  info.hblks = s.large.blocks;
  info.hblkhd = s.large.bytes;
  info.keepcost = s.Trimmable();
  return info;
}

struct mallinfo Mallinfo() {
  const struct mallinfo2 wide = Mallinfo2();
  struct mallinfo info {};
  info.arena = static_cast<int>(wide.arena);
  info.ordblks = static_cast<int>(wide.ordblks);
  info.smblks = static_cast<int>(wide.smblks);
  info.hblks = static_cast<int>(wide.hblks);
  info.hblkhd = static_cast<int>(wide.hblkhd);
  info.fsmblks = static_cast<int>(wide.fsmblks);
  info.uordblks = static_cast<int>(wide.uordblks);
  info.fordblks = static_cast<int>(wide.fordblks);
  info.keepcost = static_cast<int>(wide.keepcost);
  return info;
}

int MallocTrim(size_t) {
  EnsureHeap();
  const size_t before = os::ReleasedBytes();
  g_janitor.Pass(/*all=*/true);
  return os::ReleasedBytes() != before ? 1 : 0;
}

int MallocInfo(int options, FILE* stream) {
  if (options != 0) return EINVAL;
  return PrintMallocInfo(stream);
}

}  // namespace mymalloc::api
