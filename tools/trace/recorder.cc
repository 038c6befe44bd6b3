// LD_PRELOAD=librecorder.so program   writes every call of malloc and its kin, in order, with
// thread numbers, to the file that MALLOC_TRACE_OUT names ("%p" in it becomes the process id).
// tools/trace/pack.py makes a small trace of it, which `workload replay` runs under any allocator.
//
// One lock is held over each call and its record, so that the order in the file is the order in
// which blocks came into being and went. The blocks are glibc's. A forked child is not recorded,
// and takes no lock: another thread of its parent's may have held it. What it executes is recorded
// again, as is what the process itself executes: each in a file of its own, with ".2" and so on
// behind the name where there is a file of that name.
//
// The records are written to the mapped file itself, so that none is lost however the process ends.

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

constexpr size_t kMapped = 4096;  // Events of the file that are mapped at a time.
constexpr off_t kMappedBytes = kMapped * sizeof(RawEvent);
constexpr size_t kMaxPath = 1024;
constexpr int kMaxFiles = 10000;  // Of one name.

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
int file = -1;
RawEvent* events = nullptr;  // The mapped part; null when nothing can be recorded.
size_t used = 0;             // How many of them.
off_t mapped_end = 0;
std::atomic<pid_t> owner{0};  // The process that is recorded; 0 until its first call.
uint32_t threads = 0;
__attribute__((tls_model("initial-exec"))) thread_local uint32_t thread_number = 0;

// To stderr, without a malloc. `error` is an errno.
void GiveUp(const char* path, int error) {
  char line[kMaxPath + 100];
  const int length = snprintf(line, sizeof(line), "recorder: nothing more is recorded: %s: %s\n",
                              path, strerrordesc_np(error));
  if (length > 0) (void)!write(STDERR_FILENO, line, static_cast<size_t>(length));
  events = nullptr;
}

// Maps the next part of the file. Its blocks on the disk are there before it is written to: a full
// disk is an error here, and would be a SIGBUS later.
void MapNext() {
  if (events != nullptr) munmap(events, kMappedBytes);
  const int error = posix_fallocate(file, mapped_end, kMappedBytes);
  if (error != 0) return GiveUp("the file cannot grow", error);
  void* mapped = mmap(nullptr, kMappedBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, mapped_end);
  if (mapped == MAP_FAILED) return GiveUp("the file cannot be mapped", errno);
  mapped_end += kMappedBytes;
  events = static_cast<RawEvent*>(mapped);
  used = 0;
}

// What MALLOC_TRACE_OUT says, with the process id; false if that is too long.
bool MakePath(char (&path)[kMaxPath]) {
  const char* pattern = getenv("MALLOC_TRACE_OUT");
  if (pattern == nullptr) pattern = "malloc.%p.raw";
  const char* pid = strstr(pattern, "%p");
  const int length = pid == nullptr
                         ? snprintf(path, kMaxPath, "%s", pattern)
                         : snprintf(path, kMaxPath, "%.*s%d%s", static_cast<int>(pid - pattern),
                                    pattern, getpid(), pid + 2);
  return length >= 0 && static_cast<size_t>(length) < kMaxPath;
}

// A file that was not there: what this process ran before it executed this program is kept.
int OpenNew(const char* path) {
  char numbered[kMaxPath + 16];
  snprintf(numbered, sizeof(numbered), "%s", path);
  int found = -1;
  for (int number = 2; number < kMaxFiles; ++number) {
    found = open(numbered, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (found >= 0 || errno != EEXIST) break;
    snprintf(numbered, sizeof(numbered), "%s.%d", path, number);
  }
  return found;
}

void Open() {
  owner = getpid();
  char path[kMaxPath];
  if (!MakePath(path)) return GiveUp("MALLOC_TRACE_OUT", ENAMETOOLONG);
  file = OpenNew(path);
  if (file < 0) return GiveUp(path, errno);
  MapNext();
  if (events == nullptr) return;
  memcpy(events, trace::kRawMagic, sizeof(trace::kRawMagic));
  used = 1;
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
    if (events != nullptr && used == kMapped) MapNext();
    if (thread_number == 0) thread_number = ++threads;
    if (events != nullptr) {
      events[used++] = {reinterpret_cast<uint64_t>(result), size, argument, thread_number - 1,
                        static_cast<uint32_t>(op)};
    }
    errno = saved;
  }

 private:
  const bool recording_;
};

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
