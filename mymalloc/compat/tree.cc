#include "mymalloc/compat/tree.h"

namespace mymalloc::compat {
namespace {

bool IsNumber(const char* text, size_t length, size_t* number) {
  *number = 0;
  for (size_t i = 0; i < length; ++i) {
    if (text[i] < '0' || text[i] > '9' || *number > kAll) return false;
    *number = *number * 10 + static_cast<size_t>(text[i] - '0');
  }
  return length != 0;
}

// Which child of the node has this name; or its number, where children are numbered.
bool FindChild(const Node& node, const char* name, size_t length, size_t* number) {
  if (node.child_count != 0 && node.children[0].name == nullptr) {
    return IsNumber(name, length, number);
  }
  for (*number = 0; *number < node.child_count; ++*number) {
    const char* const child = node.children[*number].name;
    if (strlen(child) == length && memcmp(child, name, length) == 0) return true;
  }
  return false;
}

const Node* ChildOf(const Node& node, size_t number) {
  if (node.child_count == 0) return nullptr;
  if (node.children[0].name == nullptr) return &node.children[0];
  return number < node.child_count ? &node.children[number] : nullptr;
}

}  // namespace

int FindPath(const Node& root, const char* name, size_t* path, size_t* length) {
  const Node* node = &root;
  const size_t most = *length;
  for (*length = 0; node->answer == nullptr && *name != '\0'; ++*length) {
    const size_t part = strcspn(name, ".");
    size_t number;
    if (!FindChild(*node, name, part, &number)) return ENOENT;
    if (*length == most) return EINVAL;
    path[*length] = number;
    node = ChildOf(*node, number);
    name += part + (name[part] == '.' ? 1 : 0);
  }
  return *name == '\0' && *length != 0 ? 0 : ENOENT;
}

const Node* FindNode(const Node& root, const size_t* path, size_t length) {
  const Node* node = &root;
  for (size_t i = 0; i < length && node != nullptr; ++i) node = ChildOf(*node, path[i]);
  return node;
}

}  // namespace mymalloc::compat
