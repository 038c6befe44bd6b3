#include "tools/command/core_file.h"

#include <elf.h>
#include <errno.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "mymalloc/fault/last_report.h"

namespace mymalloc::command {
namespace {

// All of it, or nothing.
bool ReadAt(int fd, uint64_t offset, void* buffer, size_t size) {
  auto* bytes = static_cast<char*>(buffer);
  while (size > 0) {
    if (offset > INT64_MAX) return false;
    const ssize_t got = pread(fd, bytes, size, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes += got;
    offset += static_cast<uint64_t>(got);
    size -= static_cast<size_t>(got);
  }
  return true;
}

bool ReadHeader(int fd, Elf64_Ehdr* header) {
  return ReadAt(fd, 0, header, sizeof(*header)) &&
         std::memcmp(header->e_ident, ELFMAG, SELFMAG) == 0;
}

// With 65535 and more the count stands in the first section.
uint64_t SegmentCount(int fd, const Elf64_Ehdr& header) {
  Elf64_Shdr section;
  if (header.e_phnum != PN_XNUM) return header.e_phnum;
  return ReadAt(fd, header.e_shoff, &section, sizeof(section)) ? section.sh_info : 0;
}

// Whether a record lies at an address; its text then.
std::optional<std::string> TextOf(const LastReport& record, uint64_t address) {
  if (record.address != address || record.current > 1) return std::nullopt;
  const LastReport::Text& text = record.texts[record.current];
  if (text.size == 0 || text.size > LastReport::kCapacity) return std::nullopt;
  return std::string(text.bytes, text.size);
}

// Looks through the memory of a process, piece by piece: it may be larger than ours.
class Searcher {
 public:
  Searcher(int fd, CoreReports* found) : fd_(fd), found_(found) {}

  void Search(const Elf64_Phdr& segment) {
    for (uint64_t at = 0; at < segment.p_filesz;) {
      const auto size = static_cast<size_t>(std::min<uint64_t>(kPiece, segment.p_filesz - at));
      if (segment.p_offset > INT64_MAX - at ||
          !ReadAt(fd_, segment.p_offset + at, piece_.get(), size)) {
        SearchCut(segment, at, size);
        return;
      }
      SearchPiece(segment, at, size);
      at += size;
    }
  }

 private:
  static constexpr size_t kPiece = size_t{1} << 20;
  static_assert(kPiece % LastReport::kAlignment == 0, "a magic does not lie across two pieces");

  // The file ends within the piece: what there is of it.
  void SearchCut(const Elf64_Phdr& segment, uint64_t at, size_t size) {
    found_->is_cut = true;
    for (const uint64_t end = at + size; at < end; at += LastReport::kAlignment) {
      if (!ReadAt(fd_, segment.p_offset + at, piece_.get(), sizeof(LastReport::kMagic))) return;
      SearchPiece(segment, at, sizeof(LastReport::kMagic));
    }
  }

  // Segments begin at whole pages.
  void SearchPiece(const Elf64_Phdr& segment, uint64_t at, size_t size) {
    for (size_t i = 0; i + sizeof(LastReport::kMagic) <= size; i += LastReport::kAlignment) {
      if (std::memcmp(piece_.get() + i, LastReport::kMagic, sizeof(LastReport::kMagic)) == 0) {
        TakeRecord(segment, at + i);
      }
    }
  }

  void TakeRecord(const Elf64_Phdr& segment, uint64_t at) {
    LastReport record;
    if (segment.p_filesz - at < sizeof(record)) return;
    if (!ReadAt(fd_, segment.p_offset + at, &record, sizeof(record))) {
      found_->is_cut = true;
      return;
    }
    std::optional<std::string> text = TextOf(record, segment.p_vaddr + at);
    if (text) found_->texts.push_back(*std::move(text));
  }

  const int fd_;
  CoreReports* const found_;
  const std::unique_ptr<char[]> piece_{new char[kPiece]};
};

}  // namespace

FileKind KindOf(int fd) {
  Elf64_Ehdr header;
  if (!ReadHeader(fd, &header)) return FileKind::kText;
  const bool is_ours =
      header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_ident[EI_DATA] == ELFDATA2LSB;
  return is_ours && header.e_type == ET_CORE ? FileKind::kCore : FileKind::kOtherElf;
}

CoreReports ReportsInCore(int fd) {
  CoreReports found;
  Elf64_Ehdr header;
  if (!ReadHeader(fd, &header) || header.e_phentsize != sizeof(Elf64_Phdr)) return found;
  Searcher searcher(fd, &found);
  const uint64_t count = SegmentCount(fd, header);
  for (uint64_t i = 0; i < count; ++i) {
    Elf64_Phdr segment;
    if (!ReadAt(fd, header.e_phoff + i * sizeof(segment), &segment, sizeof(segment))) {
      found.is_cut = true;
      break;
    }
    if (segment.p_type == PT_LOAD) searcher.Search(segment);
  }
  return found;
}

}  // namespace mymalloc::command
