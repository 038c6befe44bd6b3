// The limit: an allocator that takes the next bytes and never frees. No allocator can do less per
// call, so this is what malloc itself could cost at best; and where it is slower than the others,
// that is the price of touching fresh memory all the time. Not for use: it ends at kArenaBytes.

#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <atomic>

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr size_t kArenaBytes = size_t{6} << 30;
constexpr size_t kChunkBytes = 256 << 10;  // What a thread takes from the arena at once.
constexpr size_t kAlignment = 16;
constexpr size_t kHeaderBytes = 16;  // Before each block, its size: realloc must know.

std::atomic<uintptr_t> arena_base{0};
std::atomic<size_t> arena_used{0};

struct Chunk {
  uintptr_t next;
  uintptr_t end;
};
__attribute__((tls_model("initial-exec"))) thread_local Chunk chunk;

constexpr uintptr_t RoundUp(uintptr_t value, size_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

uintptr_t ArenaBase() {
  uintptr_t base = arena_base.load(std::memory_order_acquire);
  if (base != 0) return base;
  void* mapped = mmap(nullptr, kArenaBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return 0;
  const auto mine = reinterpret_cast<uintptr_t>(mapped);
  if (arena_base.compare_exchange_strong(base, mine)) return mine;
  munmap(mapped, kArenaBytes);  // Another thread was first.
  return base;
}

// Fresh bytes of the arena, for a thread's chunk or one large block; 0 when there are no more.
uintptr_t TakeFromArena(size_t bytes) {
  const uintptr_t base = ArenaBase();
  if (base == 0 || bytes > kArenaBytes) return 0;
  const size_t at = arena_used.fetch_add(bytes, std::memory_order_relaxed);
  return at + bytes > kArenaBytes ? 0 : base + at;
}

size_t& SizeOf(void* block) { return static_cast<size_t*>(block)[-1]; }

void* Finish(uintptr_t start, size_t alignment, size_t size) {
  void* block = reinterpret_cast<void*>(RoundUp(start + kHeaderBytes, alignment));
  SizeOf(block) = size;
  return block;
}

__attribute__((noinline)) void* AllocateSlow(size_t alignment, size_t size) {
  if (size > PTRDIFF_MAX || alignment > PTRDIFF_MAX / 2 || size + alignment > kArenaBytes) {
    errno = ENOMEM;
    return nullptr;
  }
  const size_t needed = RoundUp(size, kAlignment) + kHeaderBytes + alignment;
  const bool own = needed > kChunkBytes / 4;
  const uintptr_t start = TakeFromArena(own ? needed : kChunkBytes);
  if (start == 0) {
    errno = ENOMEM;
    return nullptr;
  }
  if (!own) chunk = {start + needed, start + kChunkBytes};
  return Finish(start, alignment, size);
}

void* Allocate(size_t alignment, size_t size) {
  const uintptr_t start = chunk.next;
  const uintptr_t block = RoundUp(start + kHeaderBytes, alignment);
  if (__builtin_expect(block >= chunk.end || size > chunk.end - block, 0)) {
    return AllocateSlow(alignment, size);
  }
  chunk.next = RoundUp(block + size, kAlignment);
  return Finish(start, alignment, size);
}

}  // namespace

EXPORT void* malloc(size_t size) { return Allocate(kAlignment, size); }
EXPORT void free(void*) {}

// Arena memory is handed out once, and so is zero.
EXPORT void* calloc(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return Allocate(kAlignment, bytes);
}

EXPORT void* realloc(void* old, size_t size) {
  if (old == nullptr) return Allocate(kAlignment, size);
  if (size <= SizeOf(old)) return old;
  void* block = Allocate(kAlignment, size);
  if (block != nullptr) memcpy(block, old, SizeOf(old));
  return block;
}

EXPORT void* memalign(size_t alignment, size_t size) {
  return Allocate(alignment < kAlignment ? kAlignment : alignment, size);
}
EXPORT void* aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }
EXPORT void* valloc(size_t size) { return memalign(4096, size); }

EXPORT int posix_memalign(void** result, size_t alignment, size_t size) {
  *result = memalign(alignment, size);
  return *result == nullptr ? ENOMEM : 0;
}

EXPORT size_t malloc_usable_size(void* block) { return block == nullptr ? 0 : SizeOf(block); }
