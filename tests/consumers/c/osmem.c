/* A program that keeps libc's malloc, and has os_malloc beside it. */

#include <mymalloc/mymalloc.h>
#include <mymalloc/osmem.h>
#include <stdio.h>
#include <stdlib.h>

static int reports = 0;

static void OnMisuse(const struct mymalloc_misuse* misuse, void* argument) {
  (void)argument;
  if (misuse->kind == MYMALLOC_DOUBLE_FREE) ++reports;
}

int main(void) {
  void* const ours = os_malloc(100);
  void* const libcs = malloc(100);
  mymalloc_on_misuse(OnMisuse, NULL);
  free(libcs);
  os_free(ours);
  os_free(ours);
  printf("mymalloc %s: %d report\n", mymalloc_version(), reports);
  return reports == 1 ? 0 : 1;
}
