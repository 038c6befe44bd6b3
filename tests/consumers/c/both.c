/* A program that has both allocators: libc's malloc, and mymalloc by its own names. */

#include <mymalloc/mymalloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int reports = 0;

static void OnMisuse(const struct mymalloc_misuse* misuse, void* argument) {
  (void)argument;
  if (misuse->kind == MYMALLOC_DOUBLE_FREE) ++reports;
}

int main(void) {
  void* const ours = mymalloc_malloc(100);
  void* const libcs = malloc(100);
  mymalloc_on_misuse(OnMisuse, NULL);
  free(libcs);
  mymalloc_free(ours);
  mymalloc_free(ours);
  printf("mymalloc %s: %d report\n", mymalloc_version(), reports);
  return reports == 1 ? 0 : 1;
}
