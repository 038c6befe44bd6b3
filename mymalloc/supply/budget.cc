#include "mymalloc/supply/budget.h"

#include "absl/base/attributes.h"

namespace mymalloc {

ABSL_CONST_INIT Budget g_budget;

namespace {

// The extra may always grow to this.
constexpr size_t kLeastMostExtra = 96 * kMiB;

// How long a refusal of the system is remembered.
constexpr uint32_t kTicksShort = 16;

size_t Load(const std::atomic<size_t>& value) { return value.load(std::memory_order_relaxed); }

}  // namespace

void Budget::NoteGivenBack(size_t bytes) {
  given_back_.fetch_add(bytes, std::memory_order_relaxed);
  most_live_.Note(live());
}

// Two threads at once may take one's share twice, or lose it: it is an estimate.
void Budget::NoteWantedAgain(size_t bytes) {
  const size_t given_back = Load(given_back_);
  const size_t again = Min(bytes, given_back);
  given_back_.store(given_back - again, std::memory_order_relaxed);
  const size_t most = Max(kLeastMostExtra, Max(live(), most_live_.value()));
  extra_.store(Min(extra() + kEager * again, most), std::memory_order_relaxed);
}

void Budget::BeShort() {
  short_ticks_.store(kTicksShort, std::memory_order_relaxed);
  short_.store(true, std::memory_order_relaxed);
  Watch();
}

void Budget::Tick() {
  const uint32_t ticks = short_ticks_.load(std::memory_order_relaxed);
  if (ticks != 0) short_ticks_.store(ticks - 1, std::memory_order_relaxed);
  if (ticks == 0) short_.store(false, std::memory_order_relaxed);
  given_back_.store(Load(given_back_) / 2, std::memory_order_relaxed);
  most_live_.Begin(Max(live(), most_live_.value() / 2));
  const size_t base = Max(kLeast, live() / kShare);
  const size_t most_free = most_free_.Begin(free());
  const size_t used = most_free > base ? most_free - base : 0;
  if (used < extra()) {
    extra_.store(extra() - (extra() - used + kShrinkShare - 1) / kShrinkShare,
                 std::memory_order_relaxed);
  }
  Watch();
}

}  // namespace mymalloc
