#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "tools/look/file_bytes.h"
#include "tools/look/mapped_files.h"
#include "tools/look/snapshot.h"
#include "tools/look/snapshot_format.h"

namespace mymalloc::look {
namespace {

bool BeginsWith(int fd, absl::string_view text) {
  char front[sizeof(SnapshotHeader::kMagic)];
  return ReadAt(fd, 0, front, sizeof(front)) &&
         absl::StartsWith(absl::string_view(front, sizeof(front)), text);
}

bool IsOfThisVersion(int fd) { return BeginsWith(fd, SnapshotHeader::kMagic); }

class SnapshotMemory : public Memory {
 public:
  SnapshotMemory(int fd, std::vector<SnapshotPiece> pieces, const Mappings* mappings)
      : fd_(fd), pieces_(std::move(pieces)), mappings_(mappings), kept_(KeptRanges(*mappings)) {}
  ~SnapshotMemory() override { close(fd_); }

  bool Read(uint64_t address, void* to, size_t bytes) const override {
    auto* at = static_cast<char*>(to);
    while (bytes > 0) {
      const Interval kept = KeptAround(address);
      const bool is_kept = kept.Contains(address);
      uint64_t rest = is_kept ? kept.end - address : kept.begin - address;
      if (is_kept) rest = std::min(rest, SnapshotPiece::kBytes - address % SnapshotPiece::kBytes);
      const size_t part = std::min<uint64_t>(bytes, rest);
      if (is_kept ? !ReadKept(address, at, part) : !files_.Read(*mappings_, address, at, part)) {
        return false;
      }
      at += part;
      address += part;
      bytes -= part;
    }
    return true;
  }

 private:
  static constexpr size_t kCached = 64;
  struct Unpacked {
    uint64_t address = 1;  // no piece's
    std::vector<char> bytes = std::vector<char>(SnapshotPiece::kBytes);
  };

  // The range that holds an address, else the next one.
  Interval KeptAround(uint64_t address) const {
    const auto found = std::upper_bound(kept_.begin(), kept_.end(), address,
                                        [](uint64_t a, const Interval& r) { return a < r.end; });
    return found == kept_.end() ? Interval{~uint64_t{0}, ~uint64_t{0}} : *found;
  }

  // What is in no piece was zero.
  bool ReadKept(uint64_t address, void* to, size_t bytes) const {
    const uint64_t begin = address / SnapshotPiece::kBytes * SnapshotPiece::kBytes;
    const auto piece =
        std::lower_bound(pieces_.begin(), pieces_.end(), begin,
                         [](const SnapshotPiece& p, uint64_t a) { return p.address < a; });
    if (piece == pieces_.end() || piece->address != begin) {
      std::memset(to, 0, bytes);
      return true;
    }
    const std::vector<char>* const unpacked = Unpack(*piece);
    if (unpacked == nullptr) return false;
    std::memcpy(to, unpacked->data() + (address - begin), bytes);
    return true;
  }

  const std::vector<char>* Unpack(const SnapshotPiece& piece) const {
    Unpacked& place = cache_[piece.address / SnapshotPiece::kBytes % kCached];
    if (place.address == piece.address) return &place.bytes;
    place.address = 1;
    if (piece.stored > SnapshotPiece::kBytes) return nullptr;
    if (piece.stored == SnapshotPiece::kBytes) {
      if (!ReadAt(fd_, piece.offset, place.bytes.data(), piece.stored)) return nullptr;
    } else if (!Inflate(piece, &place.bytes)) {
      return nullptr;
    }
    place.address = piece.address;
    return &place.bytes;
  }

  bool Inflate(const SnapshotPiece& piece, std::vector<char>* to) const {
    std::vector<char> stored(piece.stored);
    if (!ReadAt(fd_, piece.offset, stored.data(), stored.size())) return false;
    return ZSTD_decompressDCtx(decompressor_.get(), to->data(), to->size(), stored.data(),
                               stored.size()) == to->size();
  }

  const int fd_;
  const std::vector<SnapshotPiece> pieces_;
  const Mappings* const mappings_;
  const std::vector<Interval> kept_;
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> decompressor_{ZSTD_createDCtx(),
                                                                           &ZSTD_freeDCtx};
  mutable std::vector<Unpacked> cache_ = std::vector<Unpacked>(kCached);
  mutable MappedFiles files_;
};

class SnapshotTarget : public Target {
 public:
  bool Open(int fd, const std::string& name, std::string* error) {
    name_ = name;
    std::vector<SnapshotPiece> pieces;
    const bool is_of_this_version = IsOfThisVersion(fd);
    if (!is_of_this_version || !ReadAll(fd, &pieces)) {
      close(fd);
      *error = absl::StrCat(name, is_of_this_version
                                      ? ": this snapshot is cut short, or damaged"
                                      : ": another version of this command made this snapshot");
      return false;
    }
    memory_ = std::make_unique<SnapshotMemory>(fd, std::move(pieces), &mappings_);
    return true;
  }

 private:
  bool ReadAll(int fd, std::vector<SnapshotPiece>* pieces) {
    SnapshotHeader header;
    if (!ReadAt(fd, 0, &header, sizeof(header))) return false;
    const off_t end = lseek(fd, 0, SEEK_END);
    if (end < 0 || header.pieces > static_cast<uint64_t>(end) / sizeof(SnapshotPiece) ||
        header.mappings_bytes > SnapshotHeader::kMostText ||
        header.program_bytes > SnapshotHeader::kMostText ||
        header.threads > SnapshotHeader::kMostThreads) {
      return false;
    }
    pid_ = static_cast<pid_t>(header.pid);
    pieces->resize(header.pieces);
    if (!ReadAt(fd, header.pieces_at, pieces->data(), header.pieces * sizeof(SnapshotPiece))) {
      return false;
    }
    std::sort(pieces->begin(), pieces->end(),
              [](const SnapshotPiece& a, const SnapshotPiece& b) { return a.address < b.address; });
    std::string text(header.mappings_bytes, '\0');
    program_.assign(header.program_bytes, '\0');
    if (!ReadAt(fd, header.mappings_at, &text[0], text.size()) ||
        !ReadAt(fd, header.program_at, &program_[0], program_.size())) {
      return false;
    }
    mappings_ = ParseMappings(text);
    return !mappings_.empty() && ReadThreads(fd, header);
  }

  bool ReadThreads(int fd, const SnapshotHeader& header) {
    std::vector<ThreadRecord> records(header.threads);
    if (!ReadAt(fd, header.threads_at, records.data(), records.size() * sizeof(ThreadRecord))) {
      return false;
    }
    for (const ThreadRecord& record : records) {
      Thread thread;
      thread.id = record.id;
      std::copy(std::begin(record.words), std::end(record.words), std::begin(thread.words));
      thread.vectors.assign(std::begin(record.vectors), std::end(record.vectors));
      threads_.push_back(std::move(thread));
    }
    return true;
  }
};

}  // namespace

bool IsSnapshot(int fd) { return BeginsWith(fd, SnapshotHeader::kAnyVersion); }

std::unique_ptr<Target> OpenSnapshot(int fd, const std::string& name, std::string* error) {
  auto snapshot = std::make_unique<SnapshotTarget>();
  if (!snapshot->Open(fd, name, error)) return nullptr;
  return snapshot;
}

}  // namespace mymalloc::look
