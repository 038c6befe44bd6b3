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

const char* NameOf(Kind kind) {
  switch (kind) {
    case Kind::kMalloc:
      break;
    case Kind::kNew:
      return "operator new";
    case Kind::kNewArray:
      return "operator new[]";
    case Kind::kNewAligned:
      return "operator new with an alignment";
    case Kind::kNewArrayAligned:
      return "operator new[] with an alignment";
  }
  return "malloc or one of its kind";
}

Message OfKind(Kind kind) {
  switch (kind) {
    case Kind::kMalloc:
      return Message::kOfMalloc;
    case Kind::kNew:
      return Message::kOfNew;
    case Kind::kNewArray:
      return Message::kOfNewArray;
    case Kind::kNewAligned:
      return Message::kOfNewAligned;
    case Kind::kNewArrayAligned:
      return Message::kOfNewArrayAligned;
  }
  return Message::kOfMalloc;
}

const MisuseText& TextOf(Message message) { return kTexts[static_cast<size_t>(message)]; }

}  // namespace mymalloc
