/* A C program, as python3 is one, that loads the C++ libraries named by its arguments, and tries
 * the last one. */

#include <dlfcn.h>
#include <stdio.h>

int main(int count, char** arguments) {
  void* plugin = NULL;
  for (int i = 1; i < count; ++i) {
    plugin = dlopen(arguments[i], RTLD_NOW);
    if (plugin == NULL) {
      fprintf(stderr, "%s\n", dlerror());
      return 1;
    }
  }
  if (plugin == NULL) {
    fprintf(stderr, "which library?\n");
    return 1;
  }
  void (*try_all_forms)(void);
  *(void**)&try_all_forms = dlsym(plugin, "TryAllForms");
  if (try_all_forms == NULL) return 1;
  try_all_forms();
  return 0;
}
