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

// Sixteen bytes at a time: a block's last granule overlaps the tag behind it by half, so the last
// word is done alone.
using Granule = uint64_t __attribute__((vector_size(16)));
constexpr uint64_t kWord = Quarantine::kPattern * (~uint64_t{0} / 255);
constexpr Granule kGranulePattern = {kWord, kWord};
constexpr size_t kSmall = 256;

void FillSmall(uintptr_t block, size_t usable) {
  const uintptr_t last = block + usable - sizeof(uint64_t);
  for (uintptr_t p = block; p < last; p += sizeof(Granule)) {
    *reinterpret_cast<Granule*>(p) = kGranulePattern;
  }
  *reinterpret_cast<uint64_t*>(last) = kWord;
}

bool IsFilledSmall(uintptr_t block, size_t usable) {
  const uintptr_t last = block + usable - sizeof(uint64_t);
  Granule difference = {*reinterpret_cast<const uint64_t*>(last) ^ kWord, 0};
  for (uintptr_t p = block; p < last; p += sizeof(Granule)) {
    difference |= *reinterpret_cast<const Granule*>(p) ^ kGranulePattern;
  }
  return (difference[0] | difference[1]) == 0;
}

bool IsFilled(uintptr_t block, size_t usable) {
  if (usable <= kSmall) return IsFilledSmall(block, usable);
  // All words are alike if each is like the one before: the C library compares fast.
  return Word(block) == kWord && memcmp(reinterpret_cast<const void*>(block),
                                        reinterpret_cast<const void*>(block + sizeof(uint64_t)),
                                        usable - sizeof(uint64_t)) == 0;
}

}  // namespace

bool Quarantine::Put(Item item) {
  if (items_ == nullptr) {
    items_ = static_cast<uint64_t*>(os::AllocateMetadata(kMostBlocks * sizeof(*items_)));
    if (items_ == nullptr) return false;
  }
  const size_t usable = UsableOf(item.size_class);
  if (usable <= kSmall) {
    FillSmall(item.block, usable);
  } else {
    memset(reinterpret_cast<void*>(item.block), kPattern, usable);
  }
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
  if (IsFilled(item.block, UsableOf(item.size_class))) return 0;
  uintptr_t byte = item.block;
  while (*reinterpret_cast<const unsigned char*>(byte) == kPattern) ++byte;
  return byte;
}

}  // namespace mymalloc
