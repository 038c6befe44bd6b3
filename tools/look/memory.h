// The memory of something that ran: a live process, a core file, a snapshot. What is read of it may
// be torn, or written over on purpose: whoever reads believes nothing.

#ifndef MYMALLOC_TOOLS_LOOK_MEMORY_H_
#define MYMALLOC_TOOLS_LOOK_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
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

// Another memory, of which somebody is told how much is read.
class ToldMemory : public Memory {
 public:
  using Tell = std::function<void(uint64_t bytes)>;

  ToldMemory(std::unique_ptr<Memory> memory, Tell tell)
      : memory_(std::move(memory)), tell_(std::move(tell)) {}

  bool Read(uint64_t address, void* to, size_t bytes) const override;
  void ReadEach(std::vector<Piece>* pieces) const override;

 private:
  const std::unique_ptr<Memory> memory_;
  const Tell tell_;
};

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_MEMORY_H_
