// LD_PRELOAD=librecorder.so program   writes every call of malloc and its kin, in order, with
// thread numbers, to the file that MALLOC_TRACE_OUT names ("%p" in it becomes the process id).
// tools/trace/pack.py makes a small trace of it, which `workload replay` runs under any allocator.
//
// One lock is held over each call and its record, so that the order in the file is the order in
// which blocks came into being and went. The blocks are glibc's. A forked child is not recorded,
// and takes no lock: another thread of its parent's may have held it.

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <atomic>

#include "tools/trace/raw_event.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* block, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* block);
}

namespace {

using trace::Op;
using trace::RawEvent;

constexpr size_t kBuffered = 4096;
constexpr size_t kMaxPath = 1024;

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
RawEvent buffer[kBuffered];
size_t buffered = 0;
int file = -1;
std::atomic<pid_t> owner{0};  // The process that is recorded; 0 until its first call.
uint32_t threads = 0;
__attribute__((tls_model("initial-exec"))) thread_local uint32_t thread_number = 0;

void Open() {
  const char* pattern = getenv("MALLOC_TRACE_OUT");
  if (pattern == nullptr) pattern = "malloc.%p.raw";
  char path[kMaxPath];
  const char* pid = strstr(pattern, "%p");
  const int before =
      pid == nullptr ? static_cast<int>(strlen(pattern)) : static_cast<int>(pid - pattern);
  if (pid == nullptr) {
    snprintf(path, sizeof(path), "%s", pattern);
  } else {
    snprintf(path, sizeof(path), "%.*s%d%s", before, pattern, getpid(), pid + 2);
  }
  file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  owner = getpid();
}

void Flush() {
  const char* data = reinterpret_cast<const char*>(buffer);
  size_t left = buffered * sizeof(RawEvent);
  while (file >= 0 && left > 0) {
    const ssize_t written = write(file, data, left);
    if (written <= 0) break;
    data += written;
    left -= static_cast<size_t>(written);
  }
  buffered = 0;
}

// Holds the lock for the length of one call, and leaves errno as the call set it.
class Recorder {
 public:
  Recorder() : recording_(owner == 0 || owner == getpid()) {
    if (recording_) pthread_mutex_lock(&mutex);
  }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  ~Recorder() {
    if (recording_) pthread_mutex_unlock(&mutex);
  }

  void Add(Op op, const void* result, size_t size, uint64_t argument) {
    if (!recording_) return;
    const int saved = errno;
    if (owner == 0) Open();
    if (thread_number == 0) thread_number = ++threads;
    buffer[buffered++] = {reinterpret_cast<uint64_t>(result), size, argument, thread_number - 1,
                          static_cast<uint32_t>(op)};
    if (buffered == kBuffered) Flush();
    errno = saved;
  }

 private:
  const bool recording_;
};

__attribute__((destructor)) void Finish() {
  if (owner != getpid()) return;
  const Recorder recorder;
  Flush();
}

// What glibc makes of any alignment, and posix_memalign, by which it is replayed, takes.
size_t PowerOfTwoFrom(size_t alignment) {
  size_t power = sizeof(void*);
  while (power < alignment) power *= 2;
  return power;
}

void* Aligned(size_t alignment, size_t size) {
  Recorder recorder;
  void* block = __libc_memalign(alignment, size);
  if (block != nullptr) recorder.Add(Op::kAligned, block, size, PowerOfTwoFrom(alignment));
  return block;
}

size_t PageSize() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

EXPORT void* malloc(size_t size) {
  Recorder recorder;
  void* block = __libc_malloc(size);
  if (block != nullptr) recorder.Add(Op::kMalloc, block, size, 0);
  return block;
}

EXPORT void* calloc(size_t count, size_t size) {
  Recorder recorder;
  void* block = __libc_calloc(count, size);
  if (block != nullptr) recorder.Add(Op::kCalloc, block, count * size, 0);
  return block;
}

EXPORT void* realloc(void* old, size_t size) {
  Recorder recorder;
  const auto old_address = reinterpret_cast<uint64_t>(old);
  void* block = __libc_realloc(old, size);
  if (block != nullptr) {
    recorder.Add(old == nullptr ? Op::kMalloc : Op::kRealloc, block, size, old_address);
  } else if (old != nullptr && size == 0) {
    recorder.Add(Op::kFree, nullptr, 0, old_address);
  }
  return block;
}

EXPORT void free(void* block) {
  if (block == nullptr) return;
  Recorder recorder;
  recorder.Add(Op::kFree, nullptr, 0, reinterpret_cast<uint64_t>(block));
  __libc_free(block);
}

EXPORT void* memalign(size_t alignment, size_t size) { return Aligned(alignment, size); }
EXPORT void* aligned_alloc(size_t alignment, size_t size) { return Aligned(alignment, size); }

EXPORT void* valloc(size_t size) { return Aligned(PageSize(), size); }

EXPORT void* pvalloc(size_t size) {
  size_t whole = 0;
  if (__builtin_add_overflow(size, PageSize() - 1, &whole)) {
    errno = ENOMEM;
    return nullptr;
  }
  return Aligned(PageSize(), whole & ~(PageSize() - 1));
}

EXPORT void* reallocarray(void* old, size_t count, size_t size) {
  size_t whole = 0;
  if (__builtin_mul_overflow(count, size, &whole)) {
    errno = ENOMEM;
    return nullptr;
  }
  return realloc(old, whole);
}

EXPORT int posix_memalign(void** result, size_t alignment, size_t size) {
  const bool power_of_two = alignment != 0 && (alignment & (alignment - 1)) == 0;
  if (!power_of_two || alignment % sizeof(void*) != 0) return EINVAL;
  const int saved = errno;
  void* block = Aligned(alignment, size);
  errno = saved;
  if (block == nullptr) return ENOMEM;
  *result = block;
  return 0;
}
