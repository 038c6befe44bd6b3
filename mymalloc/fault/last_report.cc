#include "mymalloc/fault/last_report.h"

#include <atomic>

#include "absl/base/attributes.h"

namespace mymalloc {
namespace {

ABSL_CONST_INIT alignas(LastReport::kAlignment) LastReport g_last_report = {};
std::atomic<bool> g_in_use{false};

void Copy(const char* text, size_t size, LastReport::Text* copy) {
  if (size > LastReport::kCapacity) size = LastReport::kCapacity;
  for (size_t i = 0; i < size; ++i) copy->bytes[i] = text[i];
  copy->size = size;
}

}  // namespace

void KeepLastReport(const char* text, size_t size) {
  if (g_in_use.exchange(true, std::memory_order_acquire)) return;
  LastReport& last = g_last_report;
  const uint64_t next = 1 - last.current;
  Copy(text, size, &last.texts[next]);
  // Nobody in the process reads it, so the compiler would be free to drop or reorder the stores.
  std::atomic_signal_fence(std::memory_order_release);
  static_cast<volatile uint64_t&>(last.current) = next;
  static_cast<volatile uint64_t&>(last.address) = reinterpret_cast<uintptr_t>(&last);
  static_cast<volatile uint64_t&>(last.magic[0]) = LastReport::kMagic[0];
  static_cast<volatile uint64_t&>(last.magic[1]) = LastReport::kMagic[1];
  g_in_use.store(false, std::memory_order_release);
}

}  // namespace mymalloc
