/* A C program whose malloc is mymalloc: it is told of its own misuse, and goes on
 * (MYMALLOC_ON_ERROR=warn). Also compiled as C++. */

#include <mymalloc/mymalloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int reports = 0;

static void OnMisuse(const struct mymalloc_misuse* misuse, void* argument) {
  if (misuse->kind == MYMALLOC_DOUBLE_FREE && misuse->block == argument) ++reports;
}

int main(void) {
  if (strcmp(mymalloc_version(), MYMALLOC_VERSION) != 0) return 1;
  char* const block = (char*)malloc(100);
  memset(block, 1, 100);
  mymalloc_on_misuse(OnMisuse, block);
  free(block);
  free(block);
  printf("mymalloc %s: %d report\n", mymalloc_version(), reports);
  return reports == 1 ? 0 : 1;
}
