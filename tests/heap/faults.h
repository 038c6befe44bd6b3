// The reports of misuses, noted instead of written: for tests that go on afterwards.

#ifndef MYMALLOC_TESTS_HEAP_FAULTS_H_
#define MYMALLOC_TESTS_HEAP_FAULTS_H_

#include <string>
#include <utility>
#include <vector>

#include "mymalloc/base/options.h"
#include "mymalloc/fault/fault.h"
#include "mymalloc/fault/listener.h"

namespace mymalloc::test {

// One at a time. It sets an option, so the engine must have read them before.
class Faults {
 public:
  struct Seen {
    std::string what;
    std::string detail;
    FaultBlock block;
  };

  Faults() : before_(g_options.on_error) {
    seen_.clear();
    g_options.on_error = OnError::kIgnore;
    SetFaultListener(&Note);
  }
  ~Faults() {
    SetFaultListener(nullptr);
    g_options.on_error = before_;
  }
  Faults(const Faults&) = delete;
  Faults& operator=(const Faults&) = delete;

  // Those since the last call.
  static std::vector<Seen> Take() { return std::exchange(seen_, {}); }
  // The only one since the last call; empty if there were none or several.
  static Seen TakeOne() {
    const std::vector<Seen> seen = Take();
    return seen.size() == 1 ? seen[0] : Seen();
  }

 private:
  static void Note(const Fault& fault, const char*, size_t) {
    seen_.push_back({NameOf(fault.what), fault.detail, fault.block});
  }

  static inline std::vector<Seen> seen_;
  const OnError before_;
};

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_HEAP_FAULTS_H_
