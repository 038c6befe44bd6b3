// The names for those who link without overriding: mymalloc_malloc and so on.

#include "mymalloc/override/api.h"
#include "mymalloc/override/introspection.h"
#include "mymalloc/override/prefixed.h"

using namespace mymalloc::api;  // NOLINT: the names below are C's

#define MYMALLOC_NAME(name) mymalloc_##name
#define MYMALLOC_NOEXCEPT noexcept
#include "mymalloc/override/names.inc"
