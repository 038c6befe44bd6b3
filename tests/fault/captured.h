// A captured stack with the names of its functions.

#ifndef MYMALLOC_TESTS_FAULT_CAPTURED_H_
#define MYMALLOC_TESTS_FAULT_CAPTURED_H_

#include <cstdint>
#include <string>
#include <vector>

#include "mymalloc/fault/modules.h"
#include "mymalloc/fault/stack_trace.h"
#include "tests/fault/symbols.h"

namespace mymalloc::test {

struct Captured {
  static constexpr unsigned kCapacity = 64;

  uintptr_t frames[kCapacity] = {};
  unsigned count = 0;

  // Not a tail call: the caller's frame is to be there.
  __attribute__((noinline)) void Take() {
    count = CaptureStack(frames, kCapacity);
    __asm__ volatile("");
  }

  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (unsigned i = 0; i < count; ++i) names.push_back(NameOf(frames[i] - 1));
    return names;
  }

 private:
  static std::string NameOf(uintptr_t address) {
    Module module;
    if (!FindModule(address, &module)) return "in no module";
    const std::string path = module.IsProgram() ? "/proc/self/exe" : module.path;
    return FunctionAt(RealPath(path), address - module.load_base);
  }

  // The tool is another process: it has another /proc/self.
  static std::string RealPath(const std::string& path) {
    char* real = realpath(path.c_str(), nullptr);
    const std::string result = real == nullptr ? path : real;
    free(real);
    return result;
  }
};

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_FAULT_CAPTURED_H_
