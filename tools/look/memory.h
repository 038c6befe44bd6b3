// The memory of something that ran: a live process, a core file, a snapshot. What is read of it may
// be torn, or written over on purpose: whoever reads believes nothing.

#ifndef MYMALLOC_TOOLS_LOOK_MEMORY_H_
#define MYMALLOC_TOOLS_LOOK_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace mymalloc::look {

// So many bytes from an address, to be read to `to`.
struct Piece {
  uint64_t address = 0;
  void* to = nullptr;
  size_t bytes = 0;
  bool read = false;  // whether all of it was
};

class Memory {
 public:
  virtual ~Memory() = default;

  // All of it, or false.
  virtual bool Read(uint64_t address, void* to, size_t bytes) const = 0;
  // Each piece by itself; many at once cost little more than one.
  virtual void ReadEach(std::vector<Piece>* pieces) const;

  template <typename T>
  bool Get(uint64_t address, T* value) const {
    static_assert(std::is_trivially_copyable<T>::value, "copied as bytes");
    return Read(address, value, sizeof(T));
  }
};

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_MEMORY_H_
