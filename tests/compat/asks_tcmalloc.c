/* The same of gperftools' tcmalloc. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern int MallocExtension_GetNumericProperty(const char* name, size_t* value);
extern void MallocExtension_ReleaseFreeMemory(void);
extern void MallocExtension_GetStats(char* buffer, int length);
extern size_t MallocExtension_GetAllocatedSize(const void* pointer);
extern int MallocExtension_GetOwnership(const void* pointer);
extern int MallocExtension_VerifyAllMemory(void);

enum { kMegabyte = 1 << 20 };

static void Say(const char* name, size_t number) { printf("%s %zu\n", name, number); }
static void Check(const char* name, int holds) { Say(name, holds != 0); }

static size_t Get(const char* name) {
  size_t value = 0;
  if (MallocExtension_GetNumericProperty(name, &value) != 1) Say("failed", 1);
  return value;
}

int main(void) {
  const size_t before = Get("generic.current_allocated_bytes");
  char* const block = malloc(kMegabyte);
  memset(block, 1, kMegabyte);
  Say("allocated_grew_by", Get("generic.current_allocated_bytes") - before);
  Check("heap_is_more", Get("generic.heap_size") >= Get("generic.current_allocated_bytes"));
  Check("owned", MallocExtension_GetOwnership(block) == 1);
  Check("not_owned", MallocExtension_GetOwnership(&before) == 2);
  Check("size_is_enough", MallocExtension_GetAllocatedSize(block) >= kMegabyte);
  free(block);
  MallocExtension_ReleaseFreeMemory();
  size_t value;
  Check("unknown", MallocExtension_GetNumericProperty("no.such", &value) == 0);
  Check("verified", MallocExtension_VerifyAllMemory() == 1);
  char text[300];
  MallocExtension_GetStats(text, sizeof(text));
  printf("text %s", text);
  return 0;
}
