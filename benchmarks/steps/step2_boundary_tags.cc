// Step 2: neighbours that are free become one.
//
// Each header says how long the block is, whether it is taken, and how long the block before it is.
// So free finds both neighbours without a search, and joins what is free of them: no two free
// blocks touch. For that they must leave the list from its middle, which is linked both ways.
//
// malloc still takes the first that is long enough.

#include "benchmarks/steps/step.h"

namespace steps {
namespace {

constexpr size_t kFromKernel = 1 << 20;  // So much at once.
constexpr size_t kTaken = 1;             // In `size`: the lengths are multiples of 16.

// Lengths are from header to header.
struct Header {
  size_t before;  // Of the block before; 0 for the first of its mapping.
  size_t size;
};
static_assert(sizeof(Header) == kAlignment, "blocks begin behind it, and are aligned");

struct FreeBlock : Header {
  FreeBlock* next;
  FreeBlock* last;
};
constexpr size_t kLeast = sizeof(FreeBlock);

List<FreeBlock> g_free;

size_t LengthOf(const Header* header) { return header->size & ~kTaken; }
bool IsFree(const Header* header) { return (header->size & kTaken) == 0; }
Header* HeaderOf(const void* block) { return At<Header>(AddressOf(block)) - 1; }
Header* Following(const Header* header) { return At<Header>(AddressOf(header) + LengthOf(header)); }
Header* Preceding(const Header* header) { return At<Header>(AddressOf(header) - header->before); }

void SetSize(Header* header, size_t length, size_t taken) {
  header->size = length | taken;
  Following(header)->before = length;
}

// A free block, joined with what is free beside it.
void Release(Header* header) {
  size_t length = LengthOf(header);
  Header* next = Following(header);
  if (IsFree(next)) {
    g_free.Unlink(static_cast<FreeBlock*>(next));
    length += LengthOf(next);
  }
  if (header->before != 0 && IsFree(Preceding(header))) {
    length += header->before;
    header = Preceding(header);
    g_free.Unlink(static_cast<FreeBlock*>(header));
  }
  SetSize(header, length, 0);
  g_free.Link(static_cast<FreeBlock*>(header));
}

Header* TakeFirst(size_t length) {
  for (FreeBlock* block = g_free.first; block != nullptr; block = block->next) {
    if (block->size < length) continue;
    g_free.Unlink(block);
    return block;
  }
  return nullptr;
}

// One block as long as the mapping; the header behind it is of a block that is never free.
Header* TakeFresh(size_t length) {
  const size_t wanted = RoundUp(length + sizeof(Header), kKernelPage);
  const size_t bytes = wanted > kFromKernel ? wanted : kFromKernel;
  auto* header = static_cast<Header*>(Map(bytes));
  if (header == nullptr) return nullptr;
  SetSize(header, bytes - sizeof(Header), 0);
  Following(header)->size = kTaken;
  return header;
}

// Taken; what is too much of it is free.
Header* Take(size_t length) {
  Header* found = TakeFirst(length);
  if (found == nullptr) found = TakeFresh(length);
  if (found != nullptr) found->size |= kTaken;
  return found;
}

// Makes two taken blocks of one, the first so long.
Header* Cut(Header* first, size_t length) {
  const size_t rest = LengthOf(first) - length;
  SetSize(first, length, kTaken);
  Header* second = Following(first);
  SetSize(second, rest, kTaken);
  return second;
}

void* Shorten(Header* header, size_t length) {
  if (LengthOf(header) >= length + kLeast) Release(Cut(header, length));
  return header + 1;
}

size_t Needed(size_t size) {
  const size_t length = RoundUp(size + sizeof(Header), kAlignment);
  return length < kLeast ? kLeast : length;
}

}  // namespace

void* Allocate(size_t size) {
  const Hold hold;
  Header* found = Take(Needed(size));
  return found == nullptr ? nullptr : Shorten(found, Needed(size));
}

void* AllocateAligned(size_t alignment, size_t size) {
  const Hold hold;
  Header* found = Take(Needed(size) + alignment + kLeast);
  if (found == nullptr) return nullptr;
  const uintptr_t block = AddressOf(found + 1);
  if (block % alignment != 0) {
    Header* front = found;
    found = Cut(front, RoundUp(block + kLeast, alignment) - block);
    Release(front);
  }
  return Shorten(found, Needed(size));
}

void Free(void* block) {
  const Hold hold;
  Release(HeaderOf(block));
}

size_t UsableSize(void* block) { return LengthOf(HeaderOf(block)) - sizeof(Header); }

}  // namespace steps
