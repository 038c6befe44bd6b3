/* Whether malloc is mymalloc's. With an argument it frees a block twice. */

#include <mymalloc/mymalloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char** argv) {
  (void)argv;
  if (strcmp(mymalloc_version(), MYMALLOC_VERSION) != 0) return 1;
  char* const block = malloc(100);
  memset(block, 1, 100);
  free(block);
  if (argc > 1) free(block);
  printf("mymalloc %s\n", mymalloc_version());
  return 0;
}
