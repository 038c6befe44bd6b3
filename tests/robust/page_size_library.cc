// For page_size_test: a getauxval that speaks the truth about everything but the page size.

#include <elf.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <unistd.h>

extern "C" __attribute__((visibility("default"))) unsigned long getauxval(
    unsigned long type) noexcept {
  if (type == AT_PAGESZ) return 16384;
  const int fd = open("/proc/self/auxv", O_RDONLY | O_CLOEXEC);
  Elf64_auxv_t entry = {};
  unsigned long value = 0;
  while (read(fd, &entry, sizeof(entry)) == sizeof(entry)) {
    if (entry.a_type == type) value = entry.a_un.a_val;
  }
  close(fd);
  return value;
}
