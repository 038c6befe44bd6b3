#include "tools/look/roots.h"

#include <algorithm>

#include "tools/look/referrers.h"

namespace mymalloc::look {
namespace {

// A function may use so much below its stack pointer.
constexpr uint64_t kRedZone = 128;

// What of a thread's stack is not in use: from its guard to its stack pointer. Empty where it is
// not plain that this is a stack and nothing else.
Interval UnusedStack(const Mappings& mappings, const Thread& thread) {
  const uint64_t used = thread.stack_pointer() - kRedZone;
  const Mapping* const stack = FindMapping(mappings, used);
  if (stack == nullptr || !stack->writable) return {};
  const Mapping* const guard = FindMapping(mappings, stack->range.begin - 1);
  const bool has_guard = guard != nullptr && !guard->readable && !guard->writable;
  if (!has_guard && stack->path != "[stack]") return {};
  return {stack->range.begin, used};
}

// Without those parts.
std::vector<Interval> Without(const std::vector<Interval>& ranges, std::vector<Interval> parts) {
  std::sort(parts.begin(), parts.end(),
            [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
  std::vector<Interval> rest;
  for (const Interval& range : ranges) {
    uint64_t at = range.begin;
    for (const Interval& part : parts) {
      if (part.empty() || !part.Overlaps(range)) continue;
      if (part.begin > at) rest.push_back({at, part.begin});
      at = std::max(at, part.end);
    }
    if (at < range.end) rest.push_back({at, range.end});
  }
  return rest;
}

// All blocks lie in there.
Interval SpanOf(const HeapModel& model) {
  Interval span = {~uint64_t{0}, 0};
  const auto add = [&span](const Interval& range) {
    span.begin = std::min(span.begin, range.begin);
    span.end = std::max(span.end, range.end);
  };
  for (const Page& page : model.pages) add(page.range);
  for (const Large& large : model.large) add(large.range);
  if (!model.sampled_range.empty()) add(model.sampled_range);
  return span.begin < span.end ? span : Interval{};
}

}  // namespace

std::vector<uint64_t> ReadRoots(const Target& target, const HeapModel& model,
                                const std::vector<Thread>& threads) {
  const Interval span = SpanOf(model);
  std::vector<uint64_t> roots;
  const auto add = [&](uint64_t word) {
    if (span.Contains(word)) roots.push_back(word);
  };
  std::vector<Interval> unused;
  for (const Thread& thread : threads) {
    for (const uint64_t word : thread.words) add(word);
    for (const uint64_t word : thread.vectors) add(word);
    unused.push_back(UnusedStack(target.mappings(), thread));
  }
  for (const Interval& range : Without(StaticMemory(target, model), std::move(unused))) {
    ForEachWordIn(target.memory(), range, [&](uint64_t, uint64_t word) { add(word); });
  }
  return roots;
}

}  // namespace mymalloc::look
