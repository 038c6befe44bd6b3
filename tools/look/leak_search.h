// Live blocks that nothing reaches any more: a conservative mark over exact blocks.

#ifndef MYMALLOC_TOOLS_LOOK_LEAK_SEARCH_H_
#define MYMALLOC_TOOLS_LOOK_LEAK_SEARCH_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mymalloc/report/descriptor.h"
#include "tools/look/block_graph.h"
#include "tools/look/block_index.h"
#include "tools/look/heap_model.h"
#include "tools/look/target.h"

namespace mymalloc::look {

struct Leak {
  Block block;
  // No other leaked block leads to it, but for some that it leads to itself.
  bool direct = false;
  uint64_t root = 0;  // the direct leak that leads to it; itself
};

struct LeakResult {
  std::vector<Leak> leaks;  // in address order
  uint64_t live_blocks = 0;
  unsigned rounds = 0;
  // Whether a round found all that the one before it did. If not, the process moved its pointers
  // all the while: some of what is told may be reached by now.
  bool settled = true;
  double longest_stop = 0;  // seconds
  std::string damage;       // of the heap; empty if there is none
};

// A live process runs on while its blocks are read, and is stopped only for its roots. What changes
// places meanwhile may seem lost: so it is done again, until no leak of the round before is found
// to be none. `threads`: nullptr, or where the process is stopped already, its threads.
bool SearchLeaks(Target* target, const Descriptor& descriptor, const std::vector<Thread>* threads,
                 LeakResult* result, std::string* error);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_LEAK_SEARCH_H_
