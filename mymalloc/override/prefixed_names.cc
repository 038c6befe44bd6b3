// The names for those who link without overriding: mymalloc_malloc and so on.

#define MYMALLOC_LINKED

#include "mymalloc/mymalloc.h"
#include "mymalloc/override/api.h"
#include "mymalloc/override/introspection.h"

using namespace mymalloc::api;  // NOLINT: the names below are C's

#define MYMALLOC_NAME(name) mymalloc_##name
#define MYMALLOC_NOEXCEPT noexcept
#include "mymalloc/override/names.inc"

namespace {

constexpr bool IsVersion(const char* text, const int (&parts)[3]) {
  for (int part = 0; part < 3; ++part) {
    int number = 0;
    for (; *text >= '0' && *text <= '9'; ++text) number = 10 * number + (*text - '0');
    if (number != parts[part] || *text++ != (part < 2 ? '.' : '\0')) return false;
  }
  return true;
}
static_assert(IsVersion(MYMALLOC_VERSION,
                        {MYMALLOC_VERSION_MAJOR, MYMALLOC_VERSION_MINOR, MYMALLOC_VERSION_PATCH}),
              "its parts are those of the whole");

}  // namespace

extern "C" __attribute__((visibility("default"))) const char* mymalloc_version() noexcept {
  return MYMALLOC_VERSION;
}
