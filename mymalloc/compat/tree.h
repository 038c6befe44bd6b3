// The names of mallctl are a tree: "arena.0.purge". A path through it, by the numbers of the
// children, is what mallctlnametomib gives and mallctlbymib takes.

#ifndef MYMALLOC_COMPAT_TREE_H_
#define MYMALLOC_COMPAT_TREE_H_

#include <errno.h>
#include <stddef.h>
#include <string.h>

namespace mymalloc::compat {

// A call of mallctl: where the value goes to, and comes from.
struct Exchange {
  void* old_value;
  size_t* old_length;
  const void* new_value;  // nullptr: it is only read
  size_t new_length;
  const size_t* path;  // the numbers that lead here

  bool writes() const { return new_value != nullptr; }

  // As jemalloc does: what fits of a value of the wrong length is copied, and that is an error.
  template <typename T>
  int Read(T value) const {
    if (old_value == nullptr || old_length == nullptr) return 0;
    const bool right = *old_length == sizeof(T);
    const size_t length = *old_length < sizeof(T) ? *old_length : sizeof(T);
    memcpy(old_value, &value, length);
    *old_length = length;
    return right ? 0 : EINVAL;
  }
  // A value that cannot be changed.
  template <typename T>
  int ReadOnly(T value) const {
    return writes() ? EPERM : Read(value);
  }
  // 0 if there is none; EINVAL if it has the wrong length.
  template <typename T>
  int Written(T* value) const {
    if (!writes()) return 0;
    if (new_length != sizeof(T)) return EINVAL;
    memcpy(value, new_value, sizeof(T));
    return 0;
  }
  // What is done, and has no value.
  int NeitherReadNorWritten() const { return writes() || old_value != nullptr ? EPERM : 0; }
};

using Answer = int (*)(const Exchange& exchange);

struct Node {
  const char* name;  // nullptr: any number below `count`, or kAll
  Answer answer;     // nullptr: it has children
  const Node* children;
  size_t child_count;
};

// Of arenas: all of them.
constexpr size_t kAll = 4096;
constexpr size_t kLongestPath = 7;

// Sets *length to the numbers of the path. ENOENT: there is no such name; EINVAL: the path is
// longer.
int FindPath(const Node& root, const char* name, size_t* path, size_t* length);
// The node at the end of a path; nullptr if it leads nowhere.
const Node* FindNode(const Node& root, const size_t* path, size_t length);

}  // namespace mymalloc::compat

#endif  // MYMALLOC_COMPAT_TREE_H_
