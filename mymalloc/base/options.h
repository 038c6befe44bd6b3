// Options, read once at start from the environment: MYMALLOC_<NAME>=value for one, or
// MYMALLOC_OPTIONS=name=value:name=value. Ignored in setuid programs.
//
// MYMALLOC_FOR_EACH_OPTION is the only place where options are listed: the struct, the parser, the
// defaults, and MYMALLOC_OPTIONS=help are made from it.

#ifndef MYMALLOC_BASE_OPTIONS_H_
#define MYMALLOC_BASE_OPTIONS_H_

#include <cstdint>

namespace mymalloc {

// What happens when the program misuses the heap.
enum class OnError : uint32_t { kAbort, kWarn, kIgnore };

// X(type, name, default, help). Types: Bool, Millis, OnError.
#define MYMALLOC_FOR_EACH_OPTION(X)                                                       \
  X(OnError, on_error, OnError::kAbort,                                                   \
    "after a misuse: abort; warn (report, drop the call, go on); ignore (drop the call)") \
  X(Bool, checked, false, "every free asks the tag and the tree, which must agree; slow") \
  X(Bool, background_thread, true,                                                        \
    "give memory back from a thread; 0: only while malloc is called")                     \
  X(Millis, decay, 500, "give memory back to the system that was unused for so long: 500ms, 10s")

namespace options_internal {
using OnError = mymalloc::OnError;
using Bool = bool;
using Millis = uint64_t;
}  // namespace options_internal

struct Options {
#define MYMALLOC_OPTION_FIELD(type, name, value, help) options_internal::type name = value;
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_OPTION_FIELD)
#undef MYMALLOC_OPTION_FIELD
};

extern Options g_options;

// Reads the environment (a null-terminated array of NAME=value). An unknown name or a bad value is
// ignored with a warning on stderr. Exposed for tests; the allocator calls ReadOptions().
void ReadOptionsFrom(const char* const* environment, Options* options);
void ReadOptions();

}  // namespace mymalloc

#endif  // MYMALLOC_BASE_OPTIONS_H_
