/* What a program gets that reads tags: the secrets. It solves for them with nothing but the tags of
 * a few blocks of its own, their addresses, and what the sources tell of sizes.
 *
 * The tag of a live block of this thread is, mod 2^64, block * x + (class + 256 * slot) * f + rest,
 * with three numbers that are the same for all such blocks. */

#include "tests/misuse/programs/case.h"

struct Secrets {
  uint64_t x, f, rest;
};

/* A size that leaves nothing of its slot unused; so the tag says the same in all modes. */
struct Class {
  size_t size, stride, number;
};
static const struct Class kOf32 = {24, 32, 1};
static const struct Class kOf48 = {40, 48, 2};

static uint64_t TagOf(const char* block) {
  uint64_t tag;
  memcpy(&tag, block - 8, sizeof(tag));
  return tag;
}

/* Of an odd number. */
static uint64_t Inverse(uint64_t odd) {
  uint64_t inverse = odd;
  for (int i = 0; i < 6; ++i) inverse *= 2 - odd * inverse;
  return inverse;
}

static uint64_t Low(struct Class c, uint64_t slot) { return c.number + 256 * slot; }

static uint64_t Forge(struct Secrets s, const char* block, struct Class c, uint64_t slot) {
  return (uintptr_t)block * s.x + Low(c, slot) * s.f + s.rest;
}

/* A page begins at a multiple of 4096, so the address tells the slot: of 48 bytes, all of it. */
static uint64_t SlotOf48(const char* block) { return (uintptr_t)block / 16 * Inverse(3) % 256; }

static struct Secrets Solve(struct Neighbours n, const char* other, uint64_t slot) {
  const uint64_t step = TagOf(n.second) - TagOf(n.first);
  const uint64_t away = (uint64_t)(n.first - other);
  const uint64_t difference = TagOf(n.first) - TagOf(other);
  const uint64_t low = SlotOf48(n.first);
  const uint64_t inverse = Inverse(Low(kOf48, low) - Low(kOf32, slot));
  const uint64_t odd = (kOf48.stride - 256 * away * inverse) / 16;
  struct Secrets s;
  s.x = (step - 256 * difference * inverse) / 256 * Inverse(odd) * 16;
  s.f = (difference - away * s.x) * inverse;
  s.rest = TagOf(n.first) - (uintptr_t)n.first * s.x - Low(kOf48, low) * s.f;
  return s;
}

/* From the tags of two neighbours and of a block of another size; a third neighbour's says which of
 * the two slots that it may lie in was right. */
static struct Secrets ReadSecrets(void) {
  const struct Neighbours n = AllocateNeighbours(kOf48.size);
  const char* const other = malloc(kOf32.size);
  for (uint64_t slot = (uintptr_t)other / 32 % 128; slot < 256; slot += 128) {
    const struct Secrets s = Solve(n, other, slot);
    const uint64_t third = SlotOf48(n.third);
    const int right = Forge(s, n.third, kOf48, third) == TagOf(n.third) &&
                      Forge(s, other, kOf32, slot) == TagOf(other);
    if (right) return s;
  }
  Require(0, "the secrets can be solved for");
  abort();
}

static void Write(char* block, uint64_t tag) { memcpy(block - 8, &tag, sizeof(tag)); }

/* A block in the midst of another that is live: the two tags make it one. */
static char* FreeForged(void) {
  const struct Secrets s = ReadSecrets();
  char* const live = Block(malloc(1000));
  char* const forged = live + 64;
  Write(forged, Forge(s, forged, kOf32, 7));
  Write(forged + kOf32.stride, Forge(s, forged + kOf32.stride, kOf32, 8));
  free(Give(forged));
  return forged;
}
CASE(block_forged_inside_another) { FreeForged(); }
CASE(forged_block_is_handed_out) {
  const char* const forged = FreeForged();
  REQUIRE(malloc(kOf32.size) == forged);
}

/* A free block whose tag is made again as it was when it was live. */
CASE(block_made_live_again) {
  const struct Secrets s = ReadSecrets();
  char* const freed = malloc(kOf48.size);
  const uint64_t slot = SlotOf48(freed);
  free(freed);
  Write(freed, Forge(s, freed, kOf48, slot));
  free(freed);
  /* Two have the same block now. */
  REQUIRE(malloc(kOf48.size) == freed);
  REQUIRE(malloc(kOf48.size) == freed);
  exit(0);
}

/* A tag of the block before, for a block that has room for it: it is another address's. */
CASE(tag_copied_to_the_next_block) {
  const struct Neighbours n = AllocateNeighbours(kOf48.size);
  Culprit(n.first);
  Write(Block(n.second), TagOf(n.first));
  free(Give(n.second));
}
