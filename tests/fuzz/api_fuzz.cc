// The whole API by the fuzzer's bytes, against a model of what is live: in four threads that take
// turns, exit and start again, so that frees by others, parking and taking over are among it.
//
// Each input starts and ends with nothing live and with all given back that can be. The engine's
// globals live on, so what an input does may still depend on those before it.

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>

#include <cstddef>

#include "mymalloc/base/options.h"
#include "mymalloc/base/units.h"
#include "mymalloc/mymalloc.h"
#include "mymalloc/os/chunks.h"
#include "mymalloc/process/janitor.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/live_blocks.h"
#include "tests/fuzz/lockstep_threads.h"
#include "tests/support/block.h"
#include "tests/support/check.h"

namespace mymalloc::test {
namespace {

class Session {
 public:
  Session(const uint8_t* data, size_t size) : in_(data, size) {}

  void Run() {
    constexpr size_t kOperations = sizeof(kOperation) / sizeof(kOperation[0]);
    while (!in_.empty()) {
      const uint8_t what = in_.Byte();
      const unsigned thread = what % LockstepThreads::kCount;
      const auto operation = kOperation[what / LockstepThreads::kCount % kOperations];
      threads_.Run(thread, [&] { (this->*operation)(); });
      if (operation == &Session::EndThread) threads_.End(thread);
    }
    End();
  }

 private:
  static constexpr int kUntouched = 12345;  // an errno that no function sets

  // ---- What the input says ----

  // The same as before, or around a power of two and its fractions, up to 8 MiB.
  size_t Size() {
    const uint8_t shape = in_.Byte();
    if (shape / 32 == 7) return size_;
    const size_t power = size_t{1} << shape % 32 % 23;
    const size_t size = power + power * in_.Byte() / 256 + shape / 32;
    return size_ = size - Min<size_t>(size, 4);
  }
  size_t Alignment() { return size_t{1} << in_.Byte() % 24; }
  // Makes a live block the last. Returns whether there is one.
  bool Pick() {
    if (live_.empty()) return false;
    live_.MakeLast(live_.size() - 1 - in_.Below(live_.size()));
    return true;
  }
  // A size or count that no machine of this kind can serve.
  size_t TooMuch() {
    constexpr size_t kSizes[] = {SIZE_MAX, size_t{PTRDIFF_MAX} + 1, PTRDIFF_MAX, size_t{1} << 48};
    return kSizes[in_.Byte() % 4] - in_.Byte() * size_t{16};
  }

  // ---- Calls ----

  // Calls; error_ is then the errno that it left.
  template <typename Function>
  auto Call(Function function) {
    errno = kUntouched;
    const auto result = function();
    error_ = errno;
    return result;
  }
  void Add(void* pointer, LiveBlock::Kind kind, size_t size, size_t alignment = kBlockAlignment) {
    MYMALLOC_CHECK(pointer != nullptr);
    MYMALLOC_CHECK(error_ == kUntouched);
    live_.Add(pointer, kind, size, alignment);
  }
  template <typename Function>
  void ExpectFailure(int error, Function function) {
    MYMALLOC_CHECK(Call(function) == nullptr);
    MYMALLOC_CHECK(error_ == error);
  }
  // free leaves errno alone.
  template <typename Function>
  void Release(Function function) {
    Call([&] { return function(), 0; });
    MYMALLOC_CHECK(error_ == kUntouched);
  }
  void FreeLast() {
    void* const pointer = live_.last().shadow.block();
    live_.RemoveLast();
    Release([&] { mymalloc_free(pointer); });
  }

  // ---- The operations ----

  void Malloc() {
    const size_t n = Size();
    if (!live_.HasRoomFor(1, n)) return;
    Add(Call([n] { return mymalloc_malloc(n); }), LiveBlock::kPlain, n);
  }
  void MallocMany() {
    const size_t n = Size();
    const size_t count = in_.Byte();
    if (!live_.HasRoomFor(count, n)) return;
    for (size_t i = 0; i < count; ++i) {
      Add(Call([n] { return mymalloc_malloc(n); }), LiveBlock::kPlain, n);
    }
  }
  void Calloc() {
    const size_t count = in_.Byte();
    const size_t size = Size() / (count + 1);
    if (!live_.HasRoomFor(count, size)) return;
    void* const pointer = Call([&] { return mymalloc_calloc(count, size); });
    MYMALLOC_CHECK(IsZero(pointer, count * size));
    Add(pointer, LiveBlock::kPlain, count * size);
  }
  // An alignment that is no power of two is rounded up to one by memalign, and refused by
  // aligned_alloc.
  void Aligned() {
    const size_t n = Size();
    const size_t alignment = Alignment();
    const uint8_t how = in_.Byte();
    const size_t asked = how % 4 == 0 ? alignment - alignment / 4 : alignment;
    if (!live_.HasRoomFor(1, n)) return;
    void* const pointer = Call([&] {
      return how % 2 == 0 ? mymalloc_memalign(asked, n) : mymalloc_aligned_alloc(alignment, n);
    });
    Add(pointer, LiveBlock::kAligned, n, alignment);
  }
  void PosixMemalign() {
    const size_t n = Size();
    const size_t alignment = Alignment() * sizeof(void*);
    if (!live_.HasRoomFor(1, n)) return;
    void* pointer = nullptr;
    const int error = Call([&] { return mymalloc_posix_memalign(&pointer, alignment, n); });
    MYMALLOC_CHECK(error == 0);
    Add(pointer, LiveBlock::kOther, n, alignment);
  }
  void WholePages() {
    const size_t n = Size();
    const bool rounded = in_.Byte() % 2 == 0;
    if (!live_.HasRoomFor(1, n + KernelPage())) return;
    void* const pointer = Call([&] { return rounded ? mymalloc_pvalloc(n) : mymalloc_valloc(n); });
    const size_t whole = RoundUp(Max(n, size_t{1}), KernelPage());
    Add(pointer, LiveBlock::kOther, rounded ? whole : n, KernelPage());
  }

  // Of the last block, to a size that is not 0.
  template <typename Function>
  void ResizeLast(size_t n, Function resize) {
    const Shadow before = live_.last().shadow;
    live_.RemoveLast();
    void* const pointer = Call([&] { return resize(before.block()); });
    before.CheckMovedTo(pointer, n);
    Add(pointer, LiveBlock::kPlain, n);
  }
  void Resize() {
    const size_t n = Size();
    if (!live_.HasRoomFor(1, n) || !Pick()) return;
    if (n != 0) return ResizeLast(n, [n](void* old) { return mymalloc_realloc(old, n); });
    void* const old = live_.last().shadow.block();
    live_.RemoveLast();
    ExpectFailure(kUntouched, [old] { return mymalloc_realloc(old, 0); });
  }
  void ResizeArray() {
    const size_t count = in_.Byte() + size_t{1};
    const size_t size = Size() / count + 1;
    if (!live_.HasRoomFor(count, size) || !Pick()) return;
    ResizeLast(count * size, [&](void* old) { return mymalloc_reallocarray(old, count, size); });
  }

  void Free() {
    if (Pick()) FreeLast();
  }
  // The newest, from the last or from the first, or scattered ones.
  void FreeMany() {
    const uint8_t how = in_.Byte();
    for (size_t left = Min<size_t>(in_.Byte(), live_.size()); left > 0; --left) {
      if (how % 3 == 0) live_.MakeLast(live_.size() - left);
      if (how % 3 == 1) live_.MakeLast(left * (how + 1) % live_.size());
      FreeLast();
    }
  }
  void FreeAll() {
    while (!live_.empty()) FreeLast();
  }
  void FreeSized() {
    if (!Pick()) return;
    const LiveBlock block = live_.last();
    void* const pointer = block.shadow.block();
    live_.RemoveLast();
    Release([&] {
      if (block.kind == LiveBlock::kPlain) {
        mymalloc_free_sized(pointer, block.size);
      } else if (block.kind == LiveBlock::kAligned) {
        mymalloc_free_aligned_sized(pointer, block.alignment, block.size);
      } else {
        mymalloc_cfree(pointer);
      }
    });
  }

  void Trim() {
    const int trimmed = Call([] { return mymalloc_malloc_trim(0); });
    MYMALLOC_CHECK(trimmed == 0 || trimmed == 1);
  }
  void JanitorPass() {
    const bool all = in_.Byte() % 2 == 0;
    Call([all] { return g_janitor.Pass(all); });
  }
  void EndThread() {}  // by the one that runs it
  void Inform() {
    static FILE* const nowhere = fopen("/dev/null", "w");
    MYMALLOC_CHECK(Call([] { return mymalloc_malloc_info(0, nowhere); }) == 0);
    MYMALLOC_CHECK(Call([] { return mymalloc_malloc_info(1, nowhere); }) == EINVAL);
    MYMALLOC_CHECK(Call([] { return mymalloc_mallopt(M_ARENA_MAX, 1); }) == 1);
    const struct mallinfo2 wide = mymalloc_mallinfo2();
    const struct mallinfo narrow = mymalloc_mallinfo();
    MYMALLOC_CHECK(narrow.uordblks == static_cast<int>(wide.uordblks));
    MYMALLOC_CHECK(narrow.hblkhd == static_cast<int>(wide.hblkhd));
  }
  void Check() { live_.CheckAll(); }

  // ---- What must fail ----

  void RequestTooMuch() {
    const size_t n = TooMuch();
    const size_t alignment = Alignment();
    const size_t count = in_.Byte() + size_t{1};
    ExpectFailure(ENOMEM, [&] { return mymalloc_malloc(n); });
    ExpectFailure(ENOMEM, [&] { return mymalloc_calloc(n, count); });
    ExpectFailure(ENOMEM, [&] { return mymalloc_calloc(count, n); });
    ExpectFailure(ENOMEM, [&] { return mymalloc_memalign(alignment, n); });
    ExpectFailure(ENOMEM, [&] { return mymalloc_valloc(n); });
    ExpectFailure(ENOMEM, [&] { return mymalloc_pvalloc(n); });
    ExpectPosixFailure(ENOMEM, alignment * sizeof(void*), n);
  }
  // The block stays as it is.
  void ResizeTooMuch() {
    const size_t n = TooMuch();
    const size_t count = in_.Byte() + size_t{1};
    if (!Pick()) return;
    void* const block = live_.last().shadow.block();
    ExpectFailure(ENOMEM, [&] { return mymalloc_realloc(block, n); });
    ExpectFailure(ENOMEM, [&] { return mymalloc_reallocarray(block, count, n); });
    live_.last().shadow.CheckContents();
  }
  void RequestNonsense() {
    const size_t n = Size();
    const size_t alignment = in_.Number(2);
    constexpr size_t kHighestPower = SIZE_MAX / 2 + 1;
    ExpectFailure(EINVAL, [n] { return mymalloc_memalign(kHighestPower + 1, n); });
    ExpectFailure(ENOMEM, [n] { return mymalloc_memalign(kHighestPower, n); });
    if (!IsPowerOfTwo(alignment)) {
      ExpectFailure(EINVAL, [&] { return mymalloc_aligned_alloc(alignment, n); });
    }
    if (alignment % sizeof(void*) == 0 && IsPowerOfTwo(alignment)) return;
    ExpectPosixFailure(EINVAL, alignment, n);
  }
  // It says what is wrong by its result, and touches nothing.
  void ExpectPosixFailure(int expected, size_t alignment, size_t n) {
    void* pointer = this;
    const int error = Call([&] { return mymalloc_posix_memalign(&pointer, alignment, n); });
    MYMALLOC_CHECK(error == expected);
    MYMALLOC_CHECK(pointer == this);
    MYMALLOC_CHECK(error_ == kUntouched);
  }
  void UseNull() {
    Release([] { mymalloc_free(nullptr); });
    Release([] { mymalloc_free_sized(nullptr, 0); });
    Release([] { mymalloc_free_aligned_sized(nullptr, 16, 0); });
    MYMALLOC_CHECK(Call([] { return mymalloc_malloc_usable_size(nullptr); }) == 0);
    Add(Call([] { return mymalloc_realloc(nullptr, 0); }), LiveBlock::kPlain, 0);
  }

  // A call that is a misuse must be dropped: what follows finds out if it was not.
  void Misuse(void* pointer) {
    const uint8_t how = in_.Byte();
    g_options.on_error = OnError::kIgnore;
    if (how % 3 == 0) {
      Call([&] { return mymalloc_free(pointer), 0; });
    } else if (how % 3 == 1) {
      void* const resized = Call([&] { return mymalloc_realloc(pointer, how); });
      MYMALLOC_CHECK(resized == nullptr);
    } else {
      const size_t usable = Call([&] { return mymalloc_malloc_usable_size(pointer); });
      MYMALLOC_CHECK(usable == 0);
    }
    g_options.on_error = OnError::kAbort;
  }
  // Outside the chunks the address of a freed block may be anyone's by now.
  void MisuseFreed() {
    void* const pointer = live_.Freed(in_.Byte());
    if (os::InChunk(reinterpret_cast<uintptr_t>(pointer))) Misuse(pointer);
  }
  void MisuseInside() {
    const size_t offset = in_.Number(3);
    if (!Pick()) return;
    const Shadow& shadow = live_.last().shadow;
    if (shadow.usable() < 2) return;
    Misuse(static_cast<char*>(shadow.block()) + 1 + offset % (shadow.usable() - 1));
  }

  // Leaves the heap as empty as it was.
  void End() {
    Check();
    FreeAll();
    for (unsigned thread = 1; thread < LockstepThreads::kCount; ++thread) {
      if (threads_.IsRunning(thread)) threads_.Run(thread, [this] { Trim(); });
      threads_.End(thread);
    }
    Trim();
    Check();
    MYMALLOC_CHECK(mymalloc_mallinfo2().keepcost == 0);
  }

  // More than once: what an input should do more often.
  static constexpr void (Session::*kOperation[])() = {
      &Session::Malloc,          &Session::Malloc,        &Session::MallocMany,
      &Session::Calloc,          &Session::Aligned,       &Session::PosixMemalign,
      &Session::WholePages,      &Session::Resize,        &Session::Resize,
      &Session::ResizeArray,     &Session::Free,          &Session::Free,
      &Session::FreeMany,        &Session::FreeMany,      &Session::FreeAll,
      &Session::FreeSized,       &Session::Trim,          &Session::JanitorPass,
      &Session::EndThread,       &Session::Check,         &Session::Inform,
      &Session::RequestTooMuch,  &Session::ResizeTooMuch, &Session::UseNull,
      &Session::RequestNonsense, &Session::MisuseFreed,   &Session::MisuseInside,
  };

  Input in_;
  size_t size_ = 0;  // the last that it said
  LockstepThreads threads_;
  LiveBlocks live_;
  int error_ = 0;
};

}  // namespace
}  // namespace mymalloc::test

// Nothing happens by itself: the janitor works when an input says so.
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  mymalloc_free(mymalloc_malloc(1));
  mymalloc::g_options.decay = {mymalloc::Millis::kNever};
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mymalloc::test::Session(data, size).Run();
  return 0;
}
