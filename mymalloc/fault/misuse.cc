#include "mymalloc/fault/misuse.h"

#include <cstddef>

namespace mymalloc {
namespace {

constexpr const char* kNames[] = {
#define MYMALLOC_NAME(name, phrase) phrase,
    MYMALLOC_MISUSES(MYMALLOC_NAME)
#undef MYMALLOC_NAME
};

constexpr MisuseText kTexts[] = {
#define MYMALLOC_TEXT(name, kind, detail, advice) {Misuse::kind, detail, advice},
    MYMALLOC_MESSAGES(MYMALLOC_TEXT)
#undef MYMALLOC_TEXT
};

}  // namespace

const char* NameOf(Misuse kind) { return kNames[static_cast<size_t>(kind)]; }

const MisuseText& TextOf(Message message) { return kTexts[static_cast<size_t>(message)]; }

}  // namespace mymalloc
