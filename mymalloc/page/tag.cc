#include "mymalloc/page/tag.h"

namespace mymalloc {

TagSecret g_tag_secret;

void TagSecret::Set(uint64_t random_a, uint64_t random_b) {
  a = random_a;
  b = random_b | 1;
  // What the bit adds to the product has nothing below the check bits: it was shifted that far.
  live_delta = (Tag::kLive << kLowShift) * b + Tag::kLive;
}

}  // namespace mymalloc
