// A program that is linked with an allocator of its own, as Debian's redis-server is with jemalloc.
// Prints which library its malloc is in.

#include <dlfcn.h>

#include <cstdio>

int main() {
  Dl_info info;
  if (dladdr(dlsym(RTLD_DEFAULT, "malloc"), &info) == 0) return 1;
  std::puts(info.dli_fname);
  return 0;
}
