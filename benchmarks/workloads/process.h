// What the kernel says about this process. Nothing here allocates.

#ifndef BENCHMARKS_WORKLOADS_PROCESS_H_
#define BENCHMARKS_WORKLOADS_PROCESS_H_

#include <cstddef>
#include <cstdint>
#include <string>

namespace workloads {

double Now();  // Seconds of the monotonic clock.
void SleepSeconds(double seconds);
int CoreCount();  // Cores that this process may use.

size_t ResidentBytes();
size_t PeakResidentBytes();
size_t MappingCount();

struct Usage {
  uint64_t minor_faults;
  uint64_t major_faults;
  double cpu_seconds;
};
Usage ResourceUsage();

// The file whose code `malloc` is, as /proc/self/maps has it: tells whether a preload is in use.
std::string MallocLibrary();

// An array outside the heap under test: our own bookkeeping must not move the allocator.
class MappedBytes {
 public:
  explicit MappedBytes(size_t bytes);
  ~MappedBytes();
  MappedBytes(const MappedBytes&) = delete;
  MappedBytes& operator=(const MappedBytes&) = delete;
  void* data() const { return data_; }

 private:
  size_t bytes_;
  void* data_;
};

// `T` is trivial, and all zero bytes are its initial value.
template <typename T>
class MappedArray {
 public:
  explicit MappedArray(size_t size) : bytes_(size * sizeof(T)), size_(size) {}
  T& operator[](size_t i) { return begin()[i]; }
  T* begin() { return static_cast<T*>(bytes_.data()); }
  T* end() { return begin() + size_; }
  size_t size() const { return size_; }

 private:
  MappedBytes bytes_;
  size_t size_;
};

}  // namespace workloads

#endif  // BENCHMARKS_WORKLOADS_PROCESS_H_
