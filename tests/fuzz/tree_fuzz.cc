// The interval tree by the fuzzer's bytes, against a std::map, with node memory that runs out on
// command.

#include <cstddef>
#include <cstdint>

#include "gtest/gtest.h"
#include "tests/fuzz/input.h"
#include "tests/tree/checked_tree.h"
#include "tree/interval_tree.h"

namespace mymalloc::test {
namespace {

constexpr size_t kMostRanges = 5000;  // enough for three levels

class Session {
 public:
  Session(const uint8_t* data, size_t size) : in_(data, size) {
    // Crowded, roomy, or up to the end of the address space.
    constexpr uint64_t kSpaces[] = {64, 4096, uint64_t{1} << 20, kLast};
    space_ = kSpaces[in_.Byte() % 4];
  }

  void Run() {
    while (!in_.empty()) Step(in_.Byte() % 12);
    tree_.ExpectSound();
    tree_.ExpectSameRoom(1);
  }

 private:
  static constexpr uint64_t kLast = ~uint64_t{0};

  void Step(unsigned operation) {
    switch (operation) {
      case 0:
        return Insert(Range());
      case 1:
        return InsertRow(/*ascending=*/true);
      case 2:
        return InsertRow(/*ascending=*/false);
      case 3:
        tree_.Erase(Begin());
        return;
      case 4:
        return EraseRow();
      case 5:
        return tree_.Replace(Begin(), Range(), ++value_);
      case 6:
        return Trim();
      case 7:
        return tree_.ExpectSameAt(Address());
      case 8:
        return tree_.ExpectSameOverlaps(Range());
      case 9:
        return tree_.ExpectSameRoom(Length());
      case 10:
        return tree_.ExpectSound();
      default:
        return tree_.allocator().FailAfter(Allowance());
    }
  }

  uint64_t Address() { return space_ <= uint64_t{1} << 24 ? in_.Number(3) % space_ : FarAddress(); }
  // Few bytes for an address anywhere.
  uint64_t FarAddress() { return (in_.Number(2) << in_.Byte() % 49) - in_.Byte(); }
  uint64_t Length() { return 1 + (in_.Number(1) << in_.Byte() % 4 * 8) % space_; }
  // REQUIRES of the tree: not empty.
  Interval Range() { return RangeAt(Address(), Length()); }
  static Interval RangeAt(uint64_t begin, uint64_t length) {
    if (begin == kLast) --begin;
    return {begin, length > kLast - begin ? kLast : begin + length};
  }
  // The begin of a range, most of the time.
  uint64_t Begin() {
    const uint64_t address = Address();
    if (address % 16 == 0) return address;
    const CheckedTree::Entry above = tree_.tree().Successor(address);
    return above ? above.range.begin : tree_.tree().Successor(0).range.begin;
  }
  size_t Allowance() {
    const uint8_t allowed = in_.Byte();
    return allowed % 8 < 5 ? allowed % 8 : CountingAllocator::kNever;
  }

  void Insert(const Interval& range) {
    if (tree_.size() < kMostRanges) tree_.Insert(range, ++value_);
  }
  // Many of one length, one behind or before the other.
  void InsertRow(bool ascending) {
    Interval range = Range();
    const uint64_t step = range.length() + in_.Byte() % 4;
    for (unsigned left = in_.Byte(); left > 0; --left) {
      Insert(range);
      const uint64_t room = ascending ? kLast - range.end : range.begin;
      if (room < step) return;
      range = RangeAt(ascending ? range.begin + step : range.begin - step, range.length());
    }
  }
  void EraseRow() {
    const uint64_t from = Address();
    for (unsigned left = in_.Byte(); left > 0; --left) {
      const CheckedTree::Entry entry = tree_.tree().Successor(from);
      if (!entry) return;
      tree_.Erase(entry.range.begin);
    }
  }
  // Moves an end of a range by little, as who takes from it and gives to it does.
  void Trim() {
    const CheckedTree::Entry entry = tree_.tree().Find(Begin());
    const uint8_t how = in_.Byte();
    if (!entry) return;
    Interval range = entry.range;
    uint64_t& end = how % 2 == 0 ? range.begin : range.end;
    end += how / 4 % 8;
    if (how % 4 < 2) end -= 4;
    if (range.begin < range.end && range.length() < entry.range.length() + 8) {
      tree_.Replace(entry.range.begin, range, ++value_);
    }
  }

  Input in_;
  uint64_t space_;
  uint64_t value_ = 0;
  CheckedTree tree_;
};

}  // namespace
}  // namespace mymalloc::test

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  // An EXPECT of the model that fails then ends the process, as nobody catches what it throws.
  ::testing::GTEST_FLAG(throw_on_failure) = true;
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mymalloc::test::Session(data, size).Run();
  return 0;
}
