#include "mymalloc/supply/free_ranges.h"

namespace mymalloc {

bool FreeRanges::Add(Interval range) {
  const auto before = tree_.Predecessor(range.begin);
  const auto after = tree_.Find(range.end);
  const bool joins_before = before && before.range.end == range.begin;
  if (joins_before) {
    const uint64_t end = after ? after.range.end : range.end;
    if (after) tree_.Erase(after.range.begin);
    tree_.Replace(before.range.begin, {before.range.begin, end}, 0);
  } else if (after) {
    tree_.Replace(after.range.begin, {range.begin, after.range.end}, 0);
  } else if (tree_.Insert(range, 0) != InsertResult::kInserted) {
    return false;
  }
  bytes_ += range.length();
  return true;
}

size_t FreeRanges::AddSurely(Interval range) {
  const size_t before = spent_;
  while (!range.empty() && !Add(range)) {
    nodes_->pool.Donate(range.begin, kPageUnit);
    spent_ += kPageUnit;
    range.begin += kPageUnit;
  }
  return spent_ - before;
}

void FreeRanges::AddOrLose(Interval range) {
  if (!Add(range)) spent_ += range.length();
}

uintptr_t FreeRanges::TakeFront(const Tree::Entry& entry, size_t bytes) {
  if (!entry) return 0;
  const uintptr_t begin = entry.range.begin;
  if (entry.range.length() == bytes) {
    tree_.Erase(begin);
  } else {
    tree_.Replace(begin, {begin + bytes, entry.range.end}, 0);
  }
  bytes_ -= bytes;
  return begin;
}

bool FreeRanges::TakeAt(uintptr_t begin, size_t bytes) {
  const auto entry = tree_.Find(begin);
  if (!entry || entry.range.length() < bytes) return false;
  return TakeFront(entry, bytes) != 0;
}

size_t FreeRanges::TakeAll(Interval range) {
  const size_t before = bytes_;
  const auto first = tree_.Predecessor(range.begin);
  if (first && first.range.end > range.begin) {
    tree_.Replace(first.range.begin, {first.range.begin, range.begin}, 0);
    bytes_ -= first.range.end - range.begin;
  }
  for (auto entry = tree_.Successor(range.begin); entry && entry.range.begin < range.end;
       entry = tree_.Successor(range.begin)) {
    TakeFront(entry, Min(entry.range.end, range.end) - entry.range.begin);
    range.begin = Min(entry.range.end, range.end);
  }
  return before - bytes_;
}

bool FreeRanges::TakeLongest(size_t most, Interval* range) {
  if (tree_.empty()) return false;
  const Interval whole = tree_.FirstWithAtLeast(tree_.Longest()).range;
  *range = {whole.end - Min<uint64_t>(most, whole.length()), whole.end};
  if (range->begin == whole.begin) {
    tree_.Erase(whole.begin);
  } else {
    tree_.Replace(whole.begin, {whole.begin, range->begin}, 0);
  }
  bytes_ -= range->length();
  return true;
}

}  // namespace mymalloc
