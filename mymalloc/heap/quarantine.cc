#include "mymalloc/heap/quarantine.h"

#include <string.h>

#include "mymalloc/os/metadata.h"

namespace mymalloc {
namespace {

uint64_t Word(uintptr_t address) {
  uint64_t word;
  __builtin_memcpy(&word, reinterpret_cast<const void*>(address), sizeof(word));
  return word;
}

}  // namespace

bool Quarantine::Put(Item item) {
  if (items_ == nullptr) {
    items_ = static_cast<uint64_t*>(os::AllocateMetadata(kMostBlocks * sizeof(*items_)));
    if (items_ == nullptr) return false;
  }
  memset(reinterpret_cast<void*>(item.block), kPattern, UsableOf(item.size_class));
  items_[(first_ + count_) % kMostBlocks] = item.block | uint64_t{item.size_class} << kClassShift;
  bytes_ += StrideOf(item.size_class);
  ++count_;
  return true;
}

Quarantine::Item Quarantine::Take(uint64_t random) {
  const unsigned half = (count_ + 1) / 2;
  const unsigned other = (first_ + static_cast<unsigned>(random >> 40) % half) % kMostBlocks;
  const Item item = Unpack(items_[other]);
  items_[other] = items_[first_];
  first_ = (first_ + 1) % kMostBlocks;
  --count_;
  bytes_ -= StrideOf(item.size_class);
  return item;
}

uintptr_t Quarantine::FindWrite(Item item) {
  constexpr uint64_t kWord = kPattern * (~uint64_t{0} / 255);
  const uintptr_t second = item.block + sizeof(uint64_t);
  const size_t rest = UsableOf(item.size_class) - sizeof(uint64_t);
  // All words are alike if each is like the one before: the C library compares fast.
  if (Word(item.block) == kWord && memcmp(reinterpret_cast<const void*>(item.block),
                                          reinterpret_cast<const void*>(second), rest) == 0) {
    return 0;
  }
  uintptr_t byte = item.block;
  while (*reinterpret_cast<const unsigned char*>(byte) == kPattern) ++byte;
  return byte;
}

}  // namespace mymalloc
