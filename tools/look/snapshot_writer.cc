#include <errno.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tools/look/file_bytes.h"
#include "tools/look/snapshot.h"
#include "tools/look/snapshot_format.h"

namespace mymalloc::look {
namespace {

bool IsZero(const char* bytes, size_t n) {
  return n == 0 || (bytes[0] == 0 && std::memcmp(bytes, bytes + 1, n - 1) == 0);
}

// Of this machine's memory, what can be had without taking it from anybody.
uint64_t AvailableBytes() {
  std::string text;
  uint64_t kibibytes = 0;
  if (!ReadWholeFile("/proc/meminfo", &text)) return 0;
  const size_t at = text.find("MemAvailable:");
  if (at == std::string::npos) return 0;
  return std::sscanf(text.c_str() + at, "%*s %" SCNu64, &kibibytes) == 1 ? kibibytes * 1024 : 0;
}

class Compressor {
 public:
  // How long the piece has become, in data(); 0 if it is no shorter.
  size_t Compress(const char* bytes) {
    const size_t stored = ZSTD_compressCCtx(context_.get(), data_.data(), data_.size(), bytes,
                                            SnapshotPiece::kBytes, kLevel);
    return ZSTD_isError(stored) == 0 ? stored : 0;
  }
  const char* data() const { return data_.data(); }

 private:
  static constexpr int kLevel = -1;  // the slowest of Zstandard's quick ones

  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context_{ZSTD_createCCtx(), &ZSTD_freeCCtx};
  std::vector<char> data_ = std::vector<char>(SnapshotPiece::kBytes - 1);
};

class Writer {
 public:
  Writer(const Target& target, int fd, const SnapshotEvents& events)
      : target_(target), fd_(fd), events_(events), may_hold_(AvailableBytes() / 2) {}

  bool Write(const std::vector<Thread>& threads) {
    SnapshotHeader header = {};
    if (!Put(&header, sizeof(header)) || !PutMemory()) return false;
    std::memcpy(header.magic, SnapshotHeader::kMagic, sizeof(header.magic));
    header.pid = static_cast<uint64_t>(target_.pid());
    header.pieces_at = at_;
    header.pieces = pieces_.size();
    if (!Put(pieces_.data(), pieces_.size() * sizeof(SnapshotPiece))) return false;
    const std::string mappings = FormatMappings(target_.mappings());
    header.mappings_at = at_;
    header.mappings_bytes = mappings.size();
    if (!Put(mappings.data(), mappings.size())) return false;
    header.program_at = at_;
    header.program_bytes = target_.program().size();
    if (!Put(target_.program().data(), target_.program().size())) return false;
    header.threads_at = at_;
    header.threads = threads.size();
    for (const Thread& thread : threads) {
      if (!PutThread(thread)) return false;
    }
    // The magic comes last: what was cut short is no snapshot.
    return pwrite(fd_, &header, sizeof(header), 0) == static_cast<ssize_t>(sizeof(header));
  }

  SnapshotSize size() const { return {done_, at_}; }

 private:
  static constexpr size_t kBatch = 64;
  static constexpr size_t kBytes = SnapshotPiece::kBytes;

  bool Put(const void* from, size_t bytes) {
    at_ += bytes;
    return WriteAll(fd_, from, bytes);
  }

  bool PutMemory() {
    const std::vector<Interval> kept = KeptRanges(target_.mappings());
    for (const Interval& range : kept) whole_ += range.length();
    for (const Interval& range : kept) {
      if (!PutRange(range)) return false;
    }
    if (!PutBatch()) return false;
    if (events_.all_read) events_.all_read();
    return PutHeld();
  }

  // By several threads; where there may be no more of them, by this one.
  void CompressHeld() {
    constexpr size_t kMostThreads = 8;
    const size_t wanted =
        std::min({size_t{std::thread::hardware_concurrency()}, kMostThreads, held_.size()});
    std::atomic<size_t> next{0};
    const auto work = [this, &next] {
      Compressor compressor;
      for (size_t i = next++; i < held_.size(); i = next++) held_[i].Compress(&compressor);
    };
    std::vector<std::thread> threads;
    try {
      while (threads.size() + 1 < wanted) threads.emplace_back(work);
    } catch (const std::system_error&) {
    }
    work();
    for (std::thread& thread : threads) thread.join();
  }

  bool PutHeld() {
    CompressHeld();
    return std::all_of(held_.begin(), held_.end(), [this](const HeldPiece& held) {
      return PutStored(held.address, held.bytes.get(), held.stored);
    });
  }

  // In kernel pages, as some may be out of reach, collected into pieces at round addresses.
  bool PutRange(const Interval& range) {
    for (uint64_t at = range.begin; at < range.end;) {
      const uint64_t end = std::min(range.end, (at / kBytes + 1) * kBytes);
      if (batch_.empty() || batch_.back() != at / kBytes * kBytes) {
        if (batch_.size() == kBatch && !PutBatch()) return false;
        batch_.push_back(at / kBytes * kBytes);
      }
      const size_t place = (batch_.size() - 1) * kBytes + at % kBytes;
      parts_.push_back({at, buffer_.data() + place, end - at, false});
      at = end;
    }
    return true;
  }

  bool PutBatch() {
    std::fill(buffer_.begin(), buffer_.end(), '\0');
    target_.memory().ReadEach(&parts_);
    for (const Piece& part : parts_) done_ += part.bytes;
    for (size_t i = 0; i < batch_.size(); ++i) {
      if (!PutPiece(batch_[i], buffer_.data() + i * kBytes)) return false;
    }
    parts_.clear();
    batch_.clear();
    if (events_.progress) events_.progress(done_, whole_);
    return true;
  }

  bool PutPiece(uint64_t address, const char* bytes) {
    if (IsZero(bytes, kBytes)) return true;
    if (may_hold_ < kBytes) {
      const size_t stored = compressor_.Compress(bytes);
      return stored != 0 ? PutStored(address, compressor_.data(), stored)
                         : PutStored(address, bytes, kBytes);
    }
    may_hold_ -= kBytes;
    held_.push_back({address, std::unique_ptr<char[]>(new char[kBytes])});
    std::memcpy(held_.back().bytes.get(), bytes, kBytes);
    return true;
  }

  bool PutStored(uint64_t address, const char* bytes, size_t stored) {
    pieces_.push_back({address, at_, static_cast<uint32_t>(stored), 0});
    return Put(bytes, stored);
  }

  bool PutThread(const Thread& thread) {
    ThreadRecord record = {};
    record.id = thread.id;
    std::copy(std::begin(thread.words), std::end(thread.words), std::begin(record.words));
    const size_t vectors = std::min(thread.vectors.size(), ThreadRecord::kVectors);
    std::copy_n(thread.vectors.begin(), vectors, std::begin(record.vectors));
    return Put(&record, sizeof(record));
  }

  const Target& target_;
  const int fd_;
  const SnapshotEvents& events_;
  uint64_t at_ = 0;
  uint64_t done_ = 0;
  uint64_t whole_ = 0;
  struct HeldPiece {
    uint64_t address;
    std::unique_ptr<char[]> bytes;
    size_t stored = kBytes;  // how many of them go into the file

    void Compress(Compressor* compressor) {
      const size_t shorter = compressor->Compress(bytes.get());
      if (shorter == 0) return;
      stored = shorter;
      bytes.reset(new char[stored]);
      std::memcpy(bytes.get(), compressor->data(), stored);
    }
  };
  uint64_t may_hold_;            // so many bytes more
  std::vector<HeldPiece> held_;  // that were read, and are to be written
  std::vector<SnapshotPiece> pieces_;
  std::vector<uint64_t> batch_;  // addresses of the pieces in buffer_
  std::vector<Piece> parts_;
  std::vector<char> buffer_ = std::vector<char>(kBatch * kBytes);
  Compressor compressor_;
};

}  // namespace

bool WriteSnapshot(const Target& target, const std::vector<Thread>& threads, int fd,
                   const SnapshotEvents& events, SnapshotSize* size, std::string* error) {
  Writer writer(target, fd, events);
  if (!writer.Write(threads)) {
    *error = absl::StrCat("cannot write the snapshot: ", strerror(errno));
    return false;
  }
  *size = writer.size();
  return true;
}

}  // namespace mymalloc::look
