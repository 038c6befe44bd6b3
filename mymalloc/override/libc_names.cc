// libc's names.

#include <malloc.h>
#include <stdlib.h>

#include "mymalloc/override/api.h"
#include "mymalloc/override/introspection.h"

using namespace mymalloc::api;  // NOLINT: the names below are libc's

#define MYMALLOC_NAME(name) name
#define MYMALLOC_NOEXCEPT noexcept
#include "mymalloc/override/names.inc"
