/* A C program, as python3 is one, that loads the C++ library named by its argument. */

#include <dlfcn.h>
#include <stdio.h>

int main(int count, char** arguments) {
  void* const plugin = count == 2 ? dlopen(arguments[1], RTLD_NOW) : NULL;
  if (plugin == NULL) {
    fprintf(stderr, "%s\n", count == 2 ? dlerror() : "which library?");
    return 1;
  }
  void (*try_all_forms)(void);
  *(void**)&try_all_forms = dlsym(plugin, "TryAllForms");
  if (try_all_forms == NULL) return 1;
  try_all_forms();
  return 0;
}
