// Step 3: a list for each class of sizes.
//
// All blocks of a class have one size, so the first of a list always fits: malloc takes it, free
// puts it back, and neither searches. What has no list is a mapping of its own.
//
// Blocks are cut from fresh memory one by one, and never joined: what was a block of a class once,
// is one of that class forever.

#include "benchmarks/steps/size_classes.h"
#include "benchmarks/steps/step.h"

namespace steps {
namespace {

constexpr size_t kFromKernel = 1 << 20;  // So much at once.
constexpr uint32_t kAligned = kClasses;  // Not a class: a signpost to the real header.
constexpr uint32_t kLarge = kClasses + 1;

struct Header {
  uint32_t size_class;
  uint32_t unused;
  size_t more;  // Of a large block its size; of a signpost how far before it the block begins.
};
static_assert(sizeof(Header) == kAlignment, "blocks begin behind it, and are aligned");

struct FreeBlock {
  FreeBlock* next;
};

FreeBlock* g_free[kClasses] = {};
uintptr_t g_fresh = 0;  // Where the next block is cut,
uintptr_t g_end = 0;    // as long as there is room.

Header* HeaderOf(const void* block) { return At<Header>(AddressOf(block)) - 1; }

void* Finish(Header* header, uint32_t size_class, size_t more) {
  *header = {size_class, 0, more};
  return header + 1;
}

void* CutFresh(unsigned size_class) {
  const size_t bytes = sizeof(Header) + SizeOf(size_class);
  if (g_end - g_fresh < bytes) {
    g_fresh = AddressOf(Map(kFromKernel));
    g_end = g_fresh == 0 ? 0 : g_fresh + kFromKernel;
    if (g_fresh == 0) return nullptr;
  }
  auto* header = At<Header>(g_fresh);
  g_fresh += bytes;
  return Finish(header, size_class, 0);
}

void* AllocateLarge(size_t size) {
  const size_t bytes = RoundUp(size + sizeof(Header), kKernelPage);
  void* mapped = Map(bytes);
  if (mapped == nullptr) return nullptr;
  return Finish(static_cast<Header*>(mapped), kLarge, bytes - sizeof(Header));
}

void* Whole(void* block) {
  const Header* header = HeaderOf(block);
  return header->size_class == kAligned ? At<void>(AddressOf(block) - header->more) : block;
}

size_t SizeOfBlock(const void* block) {
  const Header* header = HeaderOf(block);
  return header->size_class == kLarge ? header->more : SizeOf(header->size_class);
}

}  // namespace

void* Allocate(size_t size) {
  if (size > kLargest) return AllocateLarge(size);
  const unsigned size_class = ClassOf(size == 0 ? 1 : size);
  const Hold hold;
  FreeBlock* block = g_free[size_class];
  if (block == nullptr) return CutFresh(size_class);
  g_free[size_class] = block->next;
  return block;
}

// A place in a longer block, and a signpost before it.
void* AllocateAligned(size_t alignment, size_t size) {
  void* whole = Allocate(size + alignment);
  if (whole == nullptr) return nullptr;
  const uintptr_t block = RoundUp(AddressOf(whole), alignment);
  if (block == AddressOf(whole)) return whole;
  return Finish(HeaderOf(At<void>(block)), kAligned, block - AddressOf(whole));
}

void Free(void* block) {
  void* whole = Whole(block);
  Header* header = HeaderOf(whole);
  if (header->size_class == kLarge) {
    munmap(header, header->more + sizeof(Header));
    return;
  }
  const Hold hold;
  auto* first = static_cast<FreeBlock*>(whole);
  first->next = g_free[header->size_class];
  g_free[header->size_class] = first;
}

size_t UsableSize(void* block) {
  void* whole = Whole(block);
  return SizeOfBlock(whole) - (AddressOf(block) - AddressOf(whole));
}

}  // namespace steps
