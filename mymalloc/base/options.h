// Options, read once at start from the environment: MYMALLOC_<NAME>=value for one, or
// MYMALLOC_OPTIONS=name=value:name=value. Ignored in setuid programs.
//
// MYMALLOC_FOR_EACH_OPTION is the only place where options are listed: the struct, the parser, the
// defaults, the policy, MYMALLOC_OPTIONS=help and docs/options.md are made from it.

#ifndef MYMALLOC_BASE_OPTIONS_H_
#define MYMALLOC_BASE_OPTIONS_H_

#include <cstddef>
#include <cstdint>

#include "mymalloc/base/option_types.h"  // IWYU pragma: export

namespace mymalloc {

// What an option asks of the allocator as a whole where it is set, that is, neither false nor 0.
enum Asks : uint32_t {
  kNothing = 0,
  kDetour = 1,               // more of each call than its short way does (front/detour.h)
  kTreeFirst = kDetour | 2,  // that no tag is read before the tree has said that a page is there
  kNoRuns = 4,               // something slot by slot, or guards: no runs of slots
  kHoldsLarge = 8,           // that freed large blocks are kept from use for a while
  kExplainsFaults = 16,      // a handler that explains the faults it leads to
  kNotes = kTreeFirst | kNoRuns | 32,  // that each block's tag says how it was asked for
};

// Without being asked for: so few that nobody notices. No signal is handled for them, as nobody
// would expect that of a malloc.
inline constexpr Sampling kUnaskedSampling = {uint64_t{100} << 20, /*bytes=*/true};

// X(type, name, default, default with harden=1, what it asks, help). Types: bool, Sampling, Bytes,
// Millis, OnError, HugePages, Path, PrintedStats, Signal, MemoryLimit.
// clang-format off
#define MYMALLOC_FOR_EACH_OPTION(X)                                                                \
  X(OnError, on_error, OnError::kAbort, OnError::kAbort, kNothing,                                 \
    "after a misuse: abort; warn (report, drop the call, go on); ignore (drop the call)")          \
  X(bool, harden, false, true, kNothing,                                                           \
    "all that hardens: the next seven options, each of which may also be set by itself")           \
  X(bool, check_tree, false, true, kTreeFirst,                                                     \
    "every free asks the tree before it reads the tag")                                            \
  X(bool, check_ends, false, true, kNotes,                                                         \
    "every free and realloc checks what lies behind the bytes asked for; "                         \
    "malloc_usable_size then tells these")                                                         \
  X(bool, random_slots, false, true, kDetour,                                                      \
    "blocks are handed out in random order")                                                       \
  X(Bytes, quarantine, Bytes{0}, (Bytes{uint64_t{64} << 10}),                                      \
    kDetour | kNoRuns | kHoldsLarge | kExplainsFaults,                                             \
    "freed blocks that each thread keeps from reuse and looks at for writes, in bytes; "           \
    "each counting as 128 to 32K, 4096 at most")                                                   \
  X(bool, zero_on_free, false, true, kDetour | kNoRuns,                                            \
    "freed blocks are cleared; what goes into quarantine is overwritten with a pattern")           \
  X(bool, guard_pages, false, true, kTreeFirst | kNoRuns | kHoldsLarge | kExplainsFaults,          \
    "guard pages around large blocks and behind pages of 64K or more")                         \
  X(bool, check_at_exit, false, true, kNothing,                                                    \
    "as the process ends: what lies behind each live block, and what is in quarantine, is checked") \
  X(Sampling, sample, kUnaskedSampling, kUnaskedSampling, kExplainsFaults,                         \
    "one in so many allocations (5000), or in so many bytes of them (100M), gets a kernel page of "\
    "its own between guard pages, and its history is kept; 0: none")                               \
  X(bool, check_kind, true, true, kNothing,                                                        \
    "what malloc, new or new[] made must be freed by what belongs to it; "                         \
    "known where check_ends is set, and of sampled blocks")                                        \
  X(bool, check_neighbours, false, false, kDetour,                                                 \
    "every free also checks the tag of the block before: who broke it is found sooner")            \
  X(bool, checked, false, false, kTreeFirst,                                                       \
    "every free asks the tag, the tree and the bitmap, which must agree; slow")                    \
  X(HugePages, huge_pages, HugePages::kAuto, HugePages::kAuto, kNothing,                           \
    "the kernel's huge pages: auto (where the heap is large and dense); never; always")            \
  X(Millis, decay, Millis{500}, Millis{500}, kNothing,                                             \
    "give memory back to the system that was unused for so long")                                  \
  X(Path, report_file, Path{}, Path{}, kNothing,                                                   \
    "each report is also appended to this file, %p in its name being the process's number; or none") \
  X(PrintedStats, stats, PrintedStats::kNone, PrintedStats::kNone, kNothing,                       \
    "statistics as the process ends, to stats_file or stderr: none, text, json or prometheus")     \
  X(Path, stats_file, Path{}, Path{}, kNothing,                                                    \
    "where statistics are appended, %p in its name being the process's number; none: stderr")      \
  X(Signal, dump_signal, Signal{0}, Signal{0}, kNothing,                                           \
    "a signal, as USR2 or 12, on which statistics are printed as by stats; or none")               \
  X(bool, verbose, false, false, kNothing,                                                         \
    "one line on stderr as the process starts: the version, and the options that are set")         \
  X(MemoryLimit, soft_limit, (MemoryLimit{0, 0}), (MemoryLimit{0, 0}), kNothing,                   \
    "above it hardly any free memory is kept: bytes, or 80% of what the process may have; 0: none") \
  X(MemoryLimit, hard_limit, (MemoryLimit{0, 0}), (MemoryLimit{0, 0}), kNothing,                   \
    "beyond it malloc returns NULL: bytes, or 80% of what the process may have; 0: none")          \
  X(bool, name_mappings, false, false, kNothing,                                                   \
    "mappings have names in /proc/PID/maps, by one more system call (prctl) for each")
// clang-format on

struct Options {
#define MYMALLOC_OPTION_FIELD(type, name, standard, hardened, asks, help) type name = standard;
  MYMALLOC_FOR_EACH_OPTION(MYMALLOC_OPTION_FIELD)
#undef MYMALLOC_OPTION_FIELD
};

extern Options g_options;

// What all options together ask.
struct Policy {
  uint32_t asks = kNothing;

  bool Detour() const { return (asks & kDetour) != 0; }
  bool TreeFirst() const { return (asks & kTreeFirst) == kTreeFirst; }
  bool Runs() const { return (asks & kNoRuns) == 0; }
  bool HoldsLarge() const { return (asks & kHoldsLarge) != 0; }
  bool Notes() const { return (asks & kNotes) == kNotes; }
  bool ExplainsFaults() const { return (asks & kExplainsFaults) != 0; }
};
Policy PolicyOf(const Options& options);

// Whether each allocation is counted to find those to be sampled, on the detour. Else they are
// counted where a magazine is filled, as many as that gets: it costs the others nothing, and which
// of them is sampled matters less the fewer are.
constexpr bool CountsEachAllocation(Sampling sample) {
  constexpr uint64_t kFewSamples = 1000;
  return sample.every != 0 && sample.every < kFewSamples && !sample.bytes;
}

// Of g_options, as ReadOptions has set them.
extern Policy g_policy;

// Whether a sampled block must be freed by what belongs to its kind, and with its very size. Where
// nobody asked for that it goes as with all other blocks: a program may never have been told.
inline bool SamplesAreStrict() {
  return g_policy.Notes() || !(g_options.sample == kUnaskedSampling);
}

// Sets every option to its default with harden=1.
void Harden(Options* options);

// Reads the environment (a null-terminated array of NAME=value). An unknown name or a bad value is
// ignored with a warning on stderr. Returns whether help was asked for, and printed. Exposed for
// tests, as is ForgetHelp, which takes that out of an environment; the allocator calls
// ReadOptions().
bool ReadOptionsFrom(const char* const* environment, Options* options);
void ForgetHelp(char* const* environment);
void ReadOptions();

// The options that are not as they are by default, as the environment would set them.
class Printer;
void PrintOptionsInForce(const Options& options, Printer& out);

// Calls print for each option, with its defaults as text: for the documentation.
using PrintOption = void (*)(const char* name, const char* standard, const char* hardened,
                             const char* help);
void ForEachOption(PrintOption print);

}  // namespace mymalloc

#endif  // MYMALLOC_BASE_OPTIONS_H_
