#include "tools/look/contents.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "mymalloc/base/units.h"

namespace mymalloc::look {
namespace {

// Where slots are short it costs less to read all of a page than to name each.
constexpr uint32_t kLongestReadWhole = 512;
constexpr size_t kMostAtOnce = 8 * kMiB;
constexpr size_t kLeastText = 4;

class ContentsReader {
 public:
  ContentsReader(const Memory& memory, const HeapModel& model, const VisitContents& visit)
      : memory_(memory), model_(model), visit_(visit) {}

  void Run() {
    for (const Page& page : model_.pages) {
      if (page.stride <= kLongestReadWhole) {
        AddWhole(page);
      } else {
        ForEachLiveIn(page, [&](unsigned slot) { AddBlock(model_.BlockAt(page, slot)); });
      }
    }
    for (const Large& large : model_.large) {
      if (large.live) AddBlock({large.block, large.usable, BlockKind::kLarge, 0, 0});
    }
    for (const SampledBlock& block : model_.sampled) {
      if (block.live) AddBlock({block.block, block.size, BlockKind::kSampled, 0, 0});
    }
    Flush();
  }

 private:
  // What is to be shown when it has been read: all of a page, or one block.
  struct Item {
    const Page* page = nullptr;
    Block block;
    size_t at = 0;  // in the buffer
  };

  // The slots that were touched, or have been handed out whatever is said of it.
  void AddWhole(const Page& page) {
    unsigned end = 0;
    for (unsigned w = 0; w < SlotBitmap::kWords; ++w) {
      const uint64_t live = page.LiveWord(w);
      if (live != 0) end = w * 64 + 64 - static_cast<unsigned>(__builtin_clzll(live));
    }
    if (end == 0) return;
    items_.push_back({&page, {}, used_});
    AddPiece(page.range.begin,
             std::min<uint64_t>(uint64_t{end} * page.stride, page.range.length()));
  }

  void AddBlock(const Block& block) {
    items_.push_back({nullptr, block, used_});
    AddPiece(block.address, std::min<uint64_t>(block.usable, kFirstBytes));
  }

  void AddPiece(uint64_t address, size_t bytes) {
    pieces_.push_back({address, nullptr, bytes, false});
    used_ += bytes;
    if (used_ >= kMostAtOnce) Flush();
  }

  void Flush() {
    if (buffer_.size() < used_) buffer_.resize(used_);
    for (size_t i = 0; i < items_.size(); ++i) pieces_[i].to = buffer_.data() + items_[i].at;
    memory_.ReadEach(&pieces_);
    for (size_t i = 0; i < items_.size(); ++i) Show(items_[i], pieces_[i]);
    items_.clear();
    pieces_.clear();
    used_ = 0;
  }

  void Show(const Item& item, const Piece& piece) {
    const auto* const bytes = static_cast<const char*>(piece.to);
    if (item.page == nullptr) {
      visit_(item.block, piece.read ? absl::string_view(bytes, piece.bytes) : "");
      return;
    }
    const Page& page = *item.page;
    ForEachLiveIn(page, [&](unsigned slot) {
      const Block block = model_.BlockAt(page, slot);
      const size_t length = std::min<uint64_t>(block.usable, kFirstBytes);
      const size_t at = block.address - page.range.begin;
      const bool read = piece.read && at + length <= piece.bytes;
      visit_(block, read ? absl::string_view(bytes + at, length) : "");
    });
  }

  const Memory& memory_;
  const HeapModel& model_;
  const VisitContents& visit_;
  std::vector<Item> items_;
  std::vector<Piece> pieces_;
  std::vector<char> buffer_;
  size_t used_ = 0;
};

bool IsPrintable(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return absl::ascii_isprint(byte) || c == '\n' || c == '\t' || c == '\r';
}

// Of the character that the bytes begin with, if it is UTF-8 and can be printed; else 0. One that
// is cut by the end counts.
size_t CharacterLength(absl::string_view bytes) {
  const auto first = static_cast<unsigned char>(bytes[0]);
  if (first < 0x80) return IsPrintable(bytes[0]) ? 1 : 0;
  if (first < 0xc2 || first > 0xf4) return 0;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  const absl::string_view rest = bytes.substr(1, length - 1);
  const bool goes_on = std::all_of(rest.begin(), rest.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
  });
  return goes_on ? rest.size() + 1 : 0;
}

uint64_t WordOf(absl::string_view bytes) {
  uint64_t word = 0;
  std::memcpy(&word, bytes.data(), std::min(bytes.size(), sizeof(word)));
  return word;
}

}  // namespace

void ForEachContents(const Memory& memory, const HeapModel& model, const VisitContents& visit) {
  ContentsReader(memory, model, visit).Run();
}

absl::string_view TextIn(absl::string_view bytes) {
  size_t length = 0;
  while (length < bytes.size()) {
    const size_t character = CharacterLength(bytes.substr(length));
    if (character == 0) break;
    length += character;
  }
  const bool ends = length == bytes.size() || bytes[length] == '\0';
  const bool has_letters = std::any_of(bytes.begin(), bytes.begin() + length, [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c));
  });
  return ends && has_letters && length >= kLeastText ? bytes.substr(0, length) : "";
}

Appearance AppearanceOf(absl::string_view bytes, Names* names) {
  if (bytes.size() < sizeof(uint64_t)) return {};
  const uint64_t word = WordOf(bytes);
  if (word != 0 && word < uint64_t{1} << 47) {
    const std::string& name = names->ClassOf(word);
    if (!name.empty()) return {Looks::kClass, name};
    if (names->IsCode(word)) return {Looks::kFunction, names->ModuleAt(word)};
  }
  if (!TextIn(bytes).empty()) return {Looks::kText, ""};
  const bool zero = std::all_of(bytes.begin(), bytes.end(), [](char c) { return c == '\0'; });
  return {zero ? Looks::kZero : Looks::kOther, ""};
}

}  // namespace mymalloc::look
