/* Prints where a block lies, and the 8 bytes before it; without address space randomisation, so
   that every run has it at the same place. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <unistd.h>

int main(int argc, char** argv) {
  (void)argc;
  const int now = personality(0xffffffff);
  if ((now & ADDR_NO_RANDOMIZE) == 0) {
    if (personality((unsigned long)now | ADDR_NO_RANDOMIZE) == -1) return 77; /* not allowed here */
    execv("/proc/self/exe", argv);
    return EXIT_FAILURE;
  }
  char* block = malloc(100);
  if (block == NULL) return EXIT_FAILURE;
  /* The compiler is not to know that this is outside of the block. */
  const volatile uintptr_t where = (uintptr_t)block;
  const uint64_t tag = *(const uint64_t*)(where - 8);
  printf("%p %016llx\n", (void*)block, (unsigned long long)tag);
  free(block);
  return EXIT_SUCCESS;
}
