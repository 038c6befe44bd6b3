#include "tools/look/elf_image.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "absl/strings/escaping.h"

namespace mymalloc::look {
namespace {

constexpr unsigned kMostSegments = 256;
constexpr uint64_t kMostDynamicBytes = 1 << 16;
constexpr uint64_t kMostNoteBytes = 1 << 12;
// Of names with one hash. More are no table of a linker's.
constexpr unsigned kMostInChain = 4096;

constexpr uint64_t Padded(uint64_t size) { return (size + 3) & ~uint64_t{3}; }

uint32_t GnuHash(absl::string_view name) {
  uint32_t hash = 5381;
  for (const char c : name) hash = hash * 33 + static_cast<unsigned char>(c);
  return hash;
}

}  // namespace

bool ElfImage::Open(const Memory& memory, uint64_t base) {
  memory_ = &memory;
  base_ = base;
  Elf64_Ehdr header;
  if (!memory.Get(base, &header) || std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64 ||
      header.e_phentsize != sizeof(Elf64_Phdr) || header.e_phnum > kMostSegments) {
    return false;
  }
  std::vector<Elf64_Phdr> segments(header.e_phnum);
  if (!memory.Read(base + header.e_phoff, segments.data(), segments.size() * sizeof(Elf64_Phdr))) {
    return false;
  }
  bool has_bias = false;
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type != PT_LOAD || segment.p_offset != 0) continue;
    bias_ = base - segment.p_vaddr;
    has_bias = true;
  }
  if (!has_bias) return false;
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type == PT_LOAD && (segment.p_flags & PF_W) != 0) {
      data_.push_back(Interval::From(bias_ + segment.p_vaddr, segment.p_memsz));
    }
    if (segment.p_type == PT_NOTE) ReadNotes(bias_ + segment.p_vaddr, segment.p_memsz);
    if (segment.p_type == PT_DYNAMIC) ReadDynamic(bias_ + segment.p_vaddr, segment.p_memsz);
  }
  return true;
}

void ElfImage::ReadNotes(uint64_t address, uint64_t bytes) {
  constexpr absl::string_view kName("GNU\0", 4);
  std::string text(std::min(bytes, kMostNoteBytes), '\0');
  if (!memory_->Read(address, &text[0], text.size())) return;
  for (absl::string_view rest = text; rest.size() >= sizeof(Elf64_Nhdr);) {
    Elf64_Nhdr header;
    std::memcpy(&header, rest.data(), sizeof(header));
    const uint64_t contents = sizeof(header) + Padded(header.n_namesz);
    const uint64_t end = contents + header.n_descsz;
    if (end > rest.size()) return;
    if (header.n_type == NT_GNU_BUILD_ID && rest.substr(sizeof(header), header.n_namesz) == kName) {
      build_id_ = absl::BytesToHexString(rest.substr(contents, header.n_descsz));
    }
    rest.remove_prefix(std::min<uint64_t>(rest.size(), contents + Padded(header.n_descsz)));
  }
}

// The dynamic linker has made addresses of what it has used, as a rule.
bool ElfImage::ReadDynamic(uint64_t address, uint64_t bytes) {
  if (bytes > kMostDynamicBytes) return false;
  std::vector<Elf64_Dyn> entries(bytes / sizeof(Elf64_Dyn));
  if (!memory_->Read(address, entries.data(), entries.size() * sizeof(Elf64_Dyn))) return false;
  for (const Elf64_Dyn& entry : entries) {
    const uint64_t value = entry.d_un.d_ptr < base_ ? bias_ + entry.d_un.d_ptr : entry.d_un.d_ptr;
    if (entry.d_tag == DT_STRTAB) names_ = value;
    if (entry.d_tag == DT_SYMTAB) symbols_ = value;
    if (entry.d_tag == DT_GNU_HASH) hash_ = value;
    if (entry.d_tag == DT_NULL) break;
  }
  return true;
}

uint64_t ElfImage::Find(absl::string_view name) const {
  struct Table {
    uint32_t buckets;
    uint32_t first;  // symbol
    uint32_t words;  // of the filter
    uint32_t shift;
  } table;
  if (names_ == 0 || symbols_ == 0 || hash_ == 0 || !memory_->Get(hash_, &table)) return 0;
  if (table.buckets == 0 || table.words == 0) return 0;
  const uint32_t hash = GnuHash(name);
  const uint64_t filter = hash_ + sizeof(table);
  uint64_t word = 0;
  if (!memory_->Get(filter + hash / 64 % table.words * sizeof(word), &word)) return 0;
  const uint64_t bits = uint64_t{1} << hash % 64 | uint64_t{1} << (hash >> (table.shift % 32)) % 64;
  if ((word & bits) != bits) return 0;
  const uint64_t buckets = filter + uint64_t{table.words} * sizeof(word);
  uint32_t symbol = 0;
  if (!memory_->Get(buckets + uint64_t{hash % table.buckets} * sizeof(symbol), &symbol)) return 0;
  if (symbol < table.first) return 0;
  const uint64_t chain =
      buckets + uint64_t{table.buckets} * sizeof(symbol) - uint64_t{table.first} * sizeof(uint32_t);
  return FindInChain(chain, symbol, hash, name);
}

// The lowest bit of a chain's word says that it is the last.
uint64_t ElfImage::FindInChain(uint64_t chain, uint32_t first, uint32_t hash,
                               absl::string_view name) const {
  for (unsigned i = 0; i < kMostInChain; ++i) {
    uint32_t found = 0;
    const uint32_t symbol = first + i;
    if (!memory_->Get(chain + uint64_t{symbol} * sizeof(found), &found)) return 0;
    uint64_t value = 0;
    if ((found | 1) == (hash | 1) && IsNamed(symbol, name, &value)) return value;
    if ((found & 1) != 0) return 0;
  }
  return 0;
}

bool ElfImage::IsNamed(uint32_t symbol, absl::string_view name, uint64_t* value) const {
  Elf64_Sym entry;
  if (!memory_->Get(symbols_ + uint64_t{symbol} * sizeof(entry), &entry)) return false;
  std::string found(name.size() + 1, 'x');
  if (entry.st_shndx == SHN_UNDEF ||
      !memory_->Read(names_ + entry.st_name, &found[0], found.size()))
    return false;
  *value = bias_ + entry.st_value;
  return found.compare(0, name.size(), name.data(), name.size()) == 0 && found.back() == '\0';
}

}  // namespace mymalloc::look
