// Step 1: a list of what is free, and a lock.
//
//   malloc   goes along the list and takes the first block that is long enough. What is too much of
//            it is cut off, and is a free block from then on.
//   free     puts the block at the head of the list.
//
// Each block has a header of 16 bytes in front, which says how long it is; that is all that free
// needs. Nothing is ever joined: what was cut once stays cut.

#include "benchmarks/steps/step.h"

namespace steps {
namespace {

constexpr size_t kFromKernel = 1 << 20;  // So much at once.

struct Header {
  size_t size;   // Of the block behind it.
  Header* next;  // While that is free.
};
static_assert(sizeof(Header) == kAlignment, "blocks begin behind it, and are aligned");

Header* g_free = nullptr;

uintptr_t BlockOf(Header* header) { return AddressOf(header + 1); }
Header* HeaderOf(uintptr_t block) { return At<Header>(block) - 1; }

void Push(Header* header) {
  header->next = g_free;
  g_free = header;
}

// The first block that is long enough leaves the list.
Header* TakeFirst(size_t size) {
  for (Header** link = &g_free; *link != nullptr; link = &(*link)->next) {
    Header* found = *link;
    if (found->size < size) continue;
    *link = found->next;
    return found;
  }
  return nullptr;
}

Header* TakeFresh(size_t size) {
  const size_t wanted = RoundUp(size + sizeof(Header), kKernelPage);
  const size_t bytes = wanted > kFromKernel ? wanted : kFromKernel;
  auto* header = static_cast<Header*>(Map(bytes));
  if (header != nullptr) header->size = bytes - sizeof(Header);
  return header;
}

Header* Take(size_t size) {
  Header* found = TakeFirst(size);
  return found != nullptr ? found : TakeFresh(size);
}

// Makes two blocks of one; the second begins at `block`.
Header* Cut(Header* first, uintptr_t block) {
  Header* second = HeaderOf(block);
  second->size = BlockOf(first) + first->size - block;
  first->size = AddressOf(second) - BlockOf(first);
  return second;
}

void* Shorten(Header* header, size_t size) {
  const size_t least = sizeof(Header) + kAlignment;  // Of what is worth a block.
  if (header->size >= size + least) Push(Cut(header, BlockOf(header) + size + sizeof(Header)));
  return header + 1;
}

size_t Needed(size_t size) { return size == 0 ? kAlignment : RoundUp(size, kAlignment); }

}  // namespace

void* Allocate(size_t size) {
  const Hold hold;
  Header* found = Take(Needed(size));
  return found == nullptr ? nullptr : Shorten(found, Needed(size));
}

// One that is longer by far; what lies before the first aligned place becomes a free block.
void* AllocateAligned(size_t alignment, size_t size) {
  const Hold hold;
  Header* found = Take(Needed(size) + alignment + 2 * sizeof(Header));
  if (found == nullptr) return nullptr;
  if (BlockOf(found) % alignment != 0) {
    Header* front = found;
    found = Cut(front, RoundUp(BlockOf(front) + sizeof(Header) + kAlignment, alignment));
    Push(front);
  }
  return Shorten(found, Needed(size));
}

void Free(void* block) {
  const Hold hold;
  Push(HeaderOf(AddressOf(block)));
}

size_t UsableSize(void* block) { return HeaderOf(AddressOf(block))->size; }

}  // namespace steps
