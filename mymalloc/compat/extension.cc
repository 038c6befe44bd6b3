// The C functions by which programs ask gperftools' tcmalloc, with this heap's answers.

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mymalloc/compat/figures.h"
#include "mymalloc/mymalloc.h"

#define MYMALLOC_API extern "C" __attribute__((visibility("default")))

using mymalloc::compat::Current;
using mymalloc::compat::Figures;
using mymalloc::compat::Refresh;

namespace {

struct Property {
  const char* name;
  size_t (*of)(const Figures& figures);
};

size_t Unmapped(const Figures& f) { return f.retained; }
size_t Free(const Figures& f) { return f.dirty; }

constexpr Property kProperties[] = {
    {"generic.current_allocated_bytes", [](const Figures& f) { return f.allocated; }},
    {"generic.heap_size", [](const Figures& f) { return f.mapped + f.retained; }},
    {"generic.total_physical_bytes", [](const Figures& f) { return f.resident; }},
    {"tcmalloc.pageheap_free_bytes", Free},
    {"tcmalloc.pageheap_unmapped_bytes", Unmapped},
    {"tcmalloc.slack_bytes", [](const Figures& f) { return f.dirty + f.retained; }},
    {"tcmalloc.current_total_thread_cache_bytes", [](const Figures&) { return size_t{0}; }},
};

}  // namespace

MYMALLOC_API int MallocExtension_GetNumericProperty(const char* name, size_t* value) {
  Refresh();
  for (const Property& property : kProperties) {
    if (strcmp(property.name, name) != 0) continue;
    *value = property.of(Current());
    return 1;
  }
  return 0;
}

// There is none that can be set.
MYMALLOC_API int MallocExtension_SetNumericProperty(const char* name, size_t value) {
  (void)name, (void)value;
  return 0;
}

MYMALLOC_API void MallocExtension_ReleaseFreeMemory() { malloc_trim(0); }

MYMALLOC_API void MallocExtension_ReleaseToSystem(size_t bytes) {
  if (bytes != 0) malloc_trim(0);
}

MYMALLOC_API void MallocExtension_GetStats(char* buffer, int length) {
  if (length <= 0) return;
  Refresh();
  const Figures f = Current();
  snprintf(buffer, static_cast<size_t>(length),
           "mymalloc %s: %zu bytes in live blocks, %zu free and perhaps resident, %zu given back, "
           "%zu resident, %zu the allocator's own\n",
           MYMALLOC_VERSION, f.allocated, f.dirty, f.retained, f.resident, f.metadata);
}

MYMALLOC_API size_t MallocExtension_GetAllocatedSize(const void* pointer) {
  return malloc_usable_size(const_cast<void*>(pointer));
}

// What a block of that size could use: asked of one.
MYMALLOC_API size_t MallocExtension_GetEstimatedAllocatedSize(size_t n) {
  void* const pointer = malloc(n);
  const size_t usable = pointer != nullptr ? malloc_usable_size(pointer) : 0;
  free(pointer);
  return usable;
}

// 1: a block of this heap's; 2: none.
MYMALLOC_API int MallocExtension_GetOwnership(const void* pointer) {
  const bool ours =
      mymalloc_check_range != nullptr && mymalloc_check_range(pointer, 1) == MYMALLOC_INSIDE;
  return ours ? 1 : 2;
}

// Threads that wait: what they hold goes back by itself.
MYMALLOC_API void MallocExtension_MarkThreadIdle() {}
MYMALLOC_API void MallocExtension_MarkThreadBusy() {}
MYMALLOC_API void MallocExtension_MarkThreadTemporarilyIdle() {}
MYMALLOC_API size_t MallocExtension_GetThreadCacheSize() { return 0; }

MYMALLOC_API int MallocExtension_VerifyAllMemory() {
  return mymalloc_verify == nullptr || mymalloc_verify() == nullptr ? 1 : 0;
}
