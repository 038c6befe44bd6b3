// What an address of a target is.

#ifndef MYMALLOC_TOOLS_LOOK_ADDRESS_H_
#define MYMALLOC_TOOLS_LOOK_ADDRESS_H_

#include <cstdint>
#include <string>

#include "tools/look/heap_model.h"
#include "tools/look/target.h"

namespace mymalloc::look {

enum class AddressKind {
  kSmall,      // a slot of a page
  kRun,        // several
  kLarge,      // a block that lies in no page
  kSampled,    // one between guards of its own
  kHeader,     // a page's own
  kFreeRange,  // free, and no page's
  kMetadata,   // the allocator's own
  kGuard,      // can be touched by nobody
  kNotOurs,
};

enum class AddressState { kNone, kLive, kFree, kCached, kQuarantined };

struct AddressInfo {
  AddressKind kind = AddressKind::kNotOurs;
  AddressState state = AddressState::kNone;
  bool clean = false;      // free, and not resident
  bool in_tag = false;     // in the tag behind the block
  uint64_t base = 0;       // of the block, or the range
  uint64_t usable = 0;     // bytes from there on
  bool has_asked = false;  // whether it is known how it was asked for
  uint64_t asked = 0;
  Kind made_by = Kind::kMalloc;
  // In a page.
  uint64_t page = 0;
  unsigned slot = 0;
  unsigned slots = 0;  // how many the block has
  unsigned size_class = 0;
  unsigned stride = 0;
  unsigned heap = 0;
  std::string mapping;  // where the address lies if it is not ours; empty if nowhere
};

AddressInfo LookUp(const Target& target, const HeapModel& model, uint64_t address);

// In words: "a live block", "free, held by a thread".
const char* NameOf(AddressKind kind);
const char* NameOf(AddressState state);
const char* NameOf(Kind kind);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_ADDRESS_H_
