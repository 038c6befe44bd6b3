// What each step needs and none is about: libc's names for its four functions, one lock, memory
// from the kernel, and fork.

#ifndef BENCHMARKS_STEPS_STEP_H_
#define BENCHMARKS_STEPS_STEP_H_

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

namespace steps {

constexpr size_t kAlignment = 16;  // Of every block.
constexpr size_t kKernelPage = 4096;

// ---- What a step defines. Blocks are not null, and sizes at most PTRDIFF_MAX. ----

void* Allocate(size_t size);
void* AllocateAligned(size_t alignment, size_t size);  // By a power of two above kAlignment.
void Free(void* block);
size_t UsableSize(void* block);

// ---- What it may use ----

constexpr size_t RoundUp(size_t value, size_t unit) { return (value + unit - 1) & ~(unit - 1); }

inline uintptr_t AddressOf(const void* pointer) { return reinterpret_cast<uintptr_t>(pointer); }

template <typename T>
T* At(uintptr_t address) {
  return reinterpret_cast<T*>(address);  // NOLINT(performance-no-int-to-ptr)
}

// Fresh zeros, or null. No huge pages: what is touched is then what is resident.
inline void* Map(size_t bytes) {
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  madvise(mapped, bytes, MADV_NOHUGEPAGE);
  return mapped;
}

// Of everything that threads share.
inline pthread_mutex_t g_lock = PTHREAD_MUTEX_INITIALIZER;

class Hold {
 public:
  Hold() { pthread_mutex_lock(&g_lock); }
  ~Hold() { pthread_mutex_unlock(&g_lock); }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
};

// Of what has a `next` and a `last`: linked both ways, so that what is in the middle can leave it.
template <typename T>
struct List {
  void Link(T* one) {
    one->next = first;
    one->last = nullptr;
    if (first != nullptr) first->last = one;
    first = one;
  }
  void Unlink(T* one) {
    if (one->next != nullptr) one->next->last = one->last;
    (one->last != nullptr ? one->last->next : first) = one->next;
  }
  bool HasOne() const { return first != nullptr && first->next == nullptr; }

  T* first = nullptr;
};

// For a misuse that was found. The text ends in a newline.
[[noreturn]] inline void Die(const char* what) {
  if (write(STDERR_FILENO, what, strlen(what)) < 0) abort();
  abort();
}

}  // namespace steps

// ---- fork: no child gets a lock that a thread holds which it does not have ----

extern "C" {
// glibc's own, which fork takes after our handler has run: who holds it may be waiting for a block.
void _IO_list_lock();
void _IO_list_unlock();
void _IO_list_resetlock();
}

namespace steps {

inline void BeforeFork() {
  _IO_list_lock();
  pthread_mutex_lock(&g_lock);
}

inline void AfterForkInParent() {
  pthread_mutex_unlock(&g_lock);
  _IO_list_unlock();
}

inline void AfterForkInChild() {
  pthread_mutex_unlock(&g_lock);
  _IO_list_resetlock();
}

__attribute__((constructor(101))) inline void Start() {
  pthread_atfork(BeforeFork, AfterForkInParent, AfterForkInChild);
}

inline void* OrNoMemory(void* block) {
  if (block == nullptr) errno = ENOMEM;
  return block;
}

inline bool IsPowerOfTwo(size_t value) { return value != 0 && (value & (value - 1)) == 0; }

}  // namespace steps

// ---- libc's names ----

#define STEPS_EXPORT extern "C" __attribute__((visibility("default"), used)) inline

STEPS_EXPORT void* malloc(size_t size) {
  return steps::OrNoMemory(size > PTRDIFF_MAX ? nullptr : steps::Allocate(size));
}

STEPS_EXPORT void free(void* block) {
  const int before = errno;
  if (block != nullptr) steps::Free(block);
  errno = before;
}

STEPS_EXPORT void* calloc(size_t count, size_t size) {
  size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return steps::OrNoMemory(nullptr);
  void* block = malloc(bytes);
  return block == nullptr ? nullptr : memset(block, 0, bytes);
}

STEPS_EXPORT void* realloc(void* old, size_t size) {
  if (old == nullptr) return malloc(size);
  if (size == 0) {
    free(old);
    return nullptr;
  }
  const size_t usable = steps::UsableSize(old);
  if (size <= usable && size > usable / 2) return old;
  void* block = malloc(size);
  if (block == nullptr) return nullptr;
  memcpy(block, old, size < usable ? size : usable);
  free(old);
  return block;
}

STEPS_EXPORT void* memalign(size_t alignment, size_t size) {
  if (!steps::IsPowerOfTwo(alignment)) {
    errno = EINVAL;
    return nullptr;
  }
  if (alignment <= steps::kAlignment) return malloc(size);
  const bool too_much = alignment > PTRDIFF_MAX / 4 || size > PTRDIFF_MAX / 4;
  return steps::OrNoMemory(too_much ? nullptr : steps::AllocateAligned(alignment, size));
}

STEPS_EXPORT void* aligned_alloc(size_t alignment, size_t size) {
  return memalign(alignment, size);
}

STEPS_EXPORT void* valloc(size_t size) { return memalign(steps::kKernelPage, size); }

STEPS_EXPORT int posix_memalign(void** result, size_t alignment, size_t size) {
  if (!steps::IsPowerOfTwo(alignment) || alignment < sizeof(void*)) return EINVAL;
  const int before = errno;
  void* block = memalign(alignment, size);
  errno = before;
  if (block == nullptr) return ENOMEM;
  *result = block;
  return 0;
}

STEPS_EXPORT size_t malloc_usable_size(void* block) {
  return block == nullptr ? 0 : steps::UsableSize(block);
}

#endif  // BENCHMARKS_STEPS_STEP_H_
