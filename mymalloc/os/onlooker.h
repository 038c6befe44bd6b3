// Who looks at memory that may go away meanwhile: questions about any address are answered without
// a lock (answer/find.h), so a page that one has just found may be given up before it is read.
//
// What is given up leaves the page map first. Then it may be used for something else, which does an
// onlooker no harm, as it takes nothing that it reads on trust; but it must not become untouchable.
// That it does only in three ways: its chunk is unmapped, or it gets a guard, or is sealed as a
// freed large block. Each of them asks here first, and is left undone while somebody looks, as if
// the kernel had refused. Of an onlooker that has looked into the map before the page left it, the
// count shows it; one that comes later does not find the page. No one waits for an onlooker for
// longer than a moment, and an onlooker for nobody: so one may look in a signal handler, whatever
// that has interrupted.

#ifndef MYMALLOC_OS_ONLOOKER_H_
#define MYMALLOC_OS_ONLOOKER_H_

#include <atomic>
#include <cstdint>

namespace mymalloc::os {

class Onlooker {
 public:
  Onlooker() { count_.fetch_add(1, std::memory_order_seq_cst); }
  ~Onlooker() { count_.fetch_sub(1, std::memory_order_release); }
  Onlooker(const Onlooker&) = delete;
  Onlooker& operator=(const Onlooker&) = delete;

  // Whether memory that the page map does not have any more may become untouchable.
  static bool MayHide();

 private:
  // In the child of a fork another thread's look never ends: chunks then stay mapped, and what
  // would be a guard can be touched.
  static std::atomic<uint32_t> count_;
};

}  // namespace mymalloc::os

#endif  // MYMALLOC_OS_ONLOOKER_H_
