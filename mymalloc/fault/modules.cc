#include "mymalloc/fault/modules.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/auxv.h>

#include "mymalloc/base/syscall.h"
#include "mymalloc/base/units.h"

// glibc's own unwinder is built on it: no lock, safe in a signal handler. Weak: there since 2.35.
extern "C" __attribute__((weak)) int _dl_find_object(void*,  // NOLINT: <dlfcn.h> has it, not weak
                                                     dl_find_object*) noexcept;

namespace mymalloc {
namespace {

constexpr uint32_t kGnuName = 0x554e47;  // "GNU", terminated

bool IsElf(const Elf64_Ehdr& header) {
  return header.e_ident[EI_MAG0] == ELFMAG0 && header.e_ident[EI_MAG1] == ELFMAG1 &&
         header.e_ident[EI_MAG2] == ELFMAG2 && header.e_ident[EI_MAG3] == ELFMAG3 &&
         header.e_ident[EI_CLASS] == ELFCLASS64;
}

// The notes [begin, end), one after the other: three numbers, the name, the contents.
BuildId FindInNotes(uintptr_t begin, uintptr_t end, uintptr_t alignment) {
  while (end - begin >= sizeof(Elf64_Nhdr)) {
    const auto* const note = reinterpret_cast<const Elf64_Nhdr*>(begin);
    const uintptr_t name = begin + sizeof(*note);
    const uintptr_t contents = RoundUp(name + note->n_namesz, alignment);
    const uintptr_t next = RoundUp(contents + note->n_descsz, alignment);
    if (next > end || next <= begin) break;
    if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == sizeof(kGnuName) &&
        *reinterpret_cast<const uint32_t*>(name) == kGnuName) {
      return {reinterpret_cast<const uint8_t*>(contents), note->n_descsz};
    }
    begin = next;
  }
  return {};
}

// Of a program without a dynamic linker (-static) glibc knows the code only. The headers lie before
// it, and the unwinding table behind.
void WidenToAllSegments(Module* module) {
  const uintptr_t headers = getauxval(AT_PHDR);
  const auto* const segments = reinterpret_cast<const Elf64_Phdr*>(headers);
  if (headers == 0 || module->Contains(headers)) return;
  for (uintptr_t i = 0; i < getauxval(AT_PHNUM); ++i) {
    if (segments[i].p_type != PT_LOAD) continue;
    const uintptr_t begin = module->load_base + segments[i].p_vaddr;
    const uintptr_t end = begin + segments[i].p_memsz;
    if (begin < module->begin) module->begin = begin;
    if (end > module->end) module->end = end;
  }
}

}  // namespace

bool FindModule(uintptr_t address, Module* module) {
  dl_find_object found;
  if (&_dl_find_object == nullptr) return false;
  if (_dl_find_object(reinterpret_cast<void*>(address), &found) != 0) return false;
  module->path = found.dlfo_link_map->l_name;
  module->begin = reinterpret_cast<uintptr_t>(found.dlfo_map_start);
  module->end = reinterpret_cast<uintptr_t>(found.dlfo_map_end);
  module->load_base = found.dlfo_link_map->l_addr;
  module->unwind_table = static_cast<const uint8_t*>(found.dlfo_eh_frame);
  if (module->IsProgram()) WidenToAllSegments(module);
  return true;
}

// The file's own headers are mapped with its first segment by every usual linker; where they are
// not, the build id stays unknown.
BuildId BuildIdOf(const Module& module) {
  const auto& header = *reinterpret_cast<const Elf64_Ehdr*>(module.begin);
  if (module.end - module.begin < KernelPage() || !IsElf(header)) return {};
  const uint64_t segments_end = header.e_phoff + header.e_phnum * sizeof(Elf64_Phdr);
  if (header.e_phentsize != sizeof(Elf64_Phdr) || segments_end > KernelPage()) return {};
  const auto* const segments = reinterpret_cast<const Elf64_Phdr*>(module.begin + header.e_phoff);
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const uintptr_t begin = module.load_base + segments[i].p_vaddr;
    const uintptr_t end = begin + segments[i].p_filesz;
    if (segments[i].p_type != PT_NOTE || !module.Contains(begin) || !module.Contains(end - 1)) {
      continue;
    }
    const BuildId id = FindInNotes(begin, end, segments[i].p_align == 8 ? 8 : 4);
    if (id.size != 0) return id;
  }
  return {};
}

void ReadProgramPath(char* buffer, size_t capacity) {
  const long size = Syscall(SYS_readlinkat, AT_FDCWD, reinterpret_cast<long>("/proc/self/exe"),
                            reinterpret_cast<long>(buffer), static_cast<long>(capacity));
  const char* text = "the program";  // no /proc
  size_t i = 0;
  if (size > 0) {
    i = static_cast<size_t>(size);
    text = i < capacity ? "" : "...";
    if (i == capacity) i -= sizeof("...");
  }
  while (*text != '\0') buffer[i++] = *text++;
  buffer[i] = '\0';
}

}  // namespace mymalloc
