// The records of large blocks: they come, change, and go; and what is held back of them.

#include "absl/base/attributes.h"
#include "mymalloc/base/options.h"
#include "mymalloc/fault/fault.h"
#include "mymalloc/heap/freer.h"
#include "mymalloc/large/large.h"
#include "mymalloc/os/memory.h"
#include "mymalloc/supply/budget.h"
#include "mymalloc/supply/page_map.h"
#include "mymalloc/supply/totals.h"

namespace mymalloc {
namespace {

Tag LargeTag(uintptr_t block) {
  return Tag::Make(block, Tag::kNobody, Tag::kLargeClass, kFirstSlot);
}

// By the time that a thread has the lock, another may have freed the block: its record is then no
// live block's, or another's.
bool IsOf(const LargeBlock& large, uintptr_t block) {
  return large.IsLive() && large.block == block;
}
bool IsStill(const LargeBlock& large, Interval range) {
  return large.IsLive() && large.range() == range;
}

}  // namespace

// Blocks are freed before any constructor has run.
ABSL_CONST_INIT LargeBlocks g_large_blocks;

// ---- Live blocks ----

void LargeBlocks::CountLive(size_t blocks, size_t bytes) {
  g_totals.large_blocks.AddLocked(blocks);
  g_totals.large_bytes.AddLocked(bytes);
  const auto difference = static_cast<int64_t>(bytes);
  g_budget.Tell(/*free=*/0, difference, difference);
}

void LargeBlocks::SetLive(LargeBlock* large) {
  LargeTag(large->block).Live().WriteTo(large->block);
  large->live.store(true, std::memory_order_relaxed);
  CountLive(1, large->range().length());
}

bool LargeBlocks::Publish(LargeBlock* large) {
  large->canary().Write();  // first: it may have to wait for the memory
  LockHolder holder(lock_);
  if (!g_page_map.Insert(large->range(), Owner(large))) return false;
  SetLive(large);
  return true;
}

bool LargeBlocks::Bounds(const LargeBlock* large, uintptr_t block, Interval* range) {
  LockHolder holder(lock_);
  if (!IsOf(*large, block)) return false;
  *range = large->range();
  return true;
}

bool LargeBlocks::Resize(LargeBlock* large, Interval range, uintptr_t new_end, size_t n) {
  LockHolder holder(lock_);
  if (!IsStill(*large, range)) return false;
  large->requested = n;
  if (new_end != range.end) {
    g_page_map.Resize(range, new_end);
    CountLive(0, new_end - range.end);
    large->end = new_end;
  }
  large->canary().Write();
  return true;
}

bool LargeBlocks::Move(LargeBlock* large, Interval range, size_t bytes, size_t n) {
  LockHolder holder(lock_);
  if (!IsStill(*large, range)) return false;
  const uintptr_t begin = g_page_map.Move(range, bytes);
  if (begin == 0) return false;
  CountLive(0, bytes - range.length());
  large->block = large->block - range.begin + begin;
  large->begin = begin;
  large->end = begin + bytes;
  large->requested = n;
  // A tag is bound to its address.
  LargeTag(large->block).Live().WriteTo(large->block);
  large->canary().Write();
  return true;
}

bool LargeBlocks::CanaryIntact(const LargeBlock* large, uintptr_t block) {
  LockHolder holder(lock_);
  return !IsOf(*large, block) || large->CanaryIntact();
}

bool LargeBlocks::Unpublish(LargeBlock* large, uintptr_t block) {
  LockHolder holder(lock_);
  if (!IsOf(*large, block)) return false;
  large->live.store(false, std::memory_order_relaxed);
  LargeTag(block).WriteTo(block);
  CountLive(-size_t{1}, -large->range().length());
  g_page_map.Erase(large->begin);
  return true;
}

LargeBlock* LargeBlocks::NewRecord() {
  LockHolder holder(lock_);
  return static_cast<LargeBlock*>(records_.Allocate());
}

void LargeBlocks::DeleteRecord(LargeBlock* large) {
  LockHolder holder(lock_);
  records_.Free(large);
}

// ---- Freed blocks ----

void LargeBlocks::NoteFreed(LargeBlock* large, Interval held, bool resident) {
  NoteRecord({large->block, large->length(), held, resident ? FreedLarge::kTicksResident : 0,
              large->mapped, large->usable(), large->caller, large->kind});
  DeleteRecord(large);
}

void LargeBlocks::NoteMoved(uintptr_t block, size_t usable, uintptr_t caller) {
  NoteRecord({block, usable, {}, 0, false, usable, caller});
}

void LargeBlocks::NoteRecord(const FreedLarge::Record& record) {
  for (;;) {
    FreedLarge::Record oldest;
    {
      LockHolder holder(lock_);
      oldest = freed_.MakeRoom(record.held.length());
      if (oldest.held.empty()) freed_.Note(record);
      NoteHeld();
    }
    if (oldest.held.empty()) return;
    CheckWrites(oldest);
    DropHeld(oldest);
  }
}

FreedLarge::Record LargeBlocks::TakeHeld(size_t bytes) {
  FreedLarge::Record record;
  {
    LockHolder holder(lock_);
    record = freed_.Take(bytes);
    NoteHeld();
  }
  CheckWrites(record);
  return record;
}

void LargeBlocks::CheckWrites(const FreedLarge::Record& record) {
  if (record.held.empty() || g_options.quarantine.value == 0) return;
  if (const uintptr_t byte = FreedLarge::FindWrite(record)) ReportWrite(record, byte);
}

void LargeBlocks::ReportWrite(const FreedLarge::Record& record, uintptr_t byte) {
  Fault fault = FoundLater(Message::kWrittenAfterFree, byte);
  fault.block = record.Describe();
  fault.written = {byte, Quarantine::CountForeign(byte, record.block + record.usable - byte)};
  FaultEvent freed;
  fault.freed = FreedBy(record.caller, &freed);
  Report(fault);
}

// A short range without guards is as it was; the others cannot be touched, in parts or whole.
void LargeBlocks::DropHeld(const FreedLarge::Record& record) {
  const Interval held = record.held;
  if (record.HasGuards()) {
    guards_.Leave();
  } else if (held.length() <= FreedLarge::kMostResident) {
    return FreeLargeRange(held, record.mapped, held.length());
  }
  FreeProtectedRange(held, record.mapped);
}

void LargeBlocks::Tick() {
  LockHolder holder(lock_);
  freed_.Tick();
}

// Under the lock: what is being given back must not be used again meanwhile.
bool LargeBlocks::GiveBackHeld(bool all, Step* step) {
  LockHolder holder(lock_);
  // What others free meanwhile is for the next time.
  for (unsigned i = 0; i < FreedLarge::kRecords; ++i) {
    Interval range;
    if (step->IsOver()) return false;
    if (!freed_.TakeDue(all, &range)) break;
    NoteHeld();
    step->Call(range.length());
    os::Purge(range);
    lock_.LetOthersIn();
  }
  return true;
}

size_t LargeBlocks::Bytes() {
  LockHolder holder(lock_);
  return freed_.resident_bytes();
}

size_t LargeBlocks::Pieces() {
  LockHolder holder(lock_);
  return freed_.resident_count();
}

bool LargeBlocks::FindFreed(uintptr_t address,
                            FreedLarge::Record* record) ABSL_NO_THREAD_SAFETY_ANALYSIS {
  const ReportLockHolder holder(lock_);
  return holder.held() && freed_.Find(address, record);
}

}  // namespace mymalloc
