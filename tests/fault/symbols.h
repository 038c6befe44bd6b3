// What the system's own tools say of an address or a file.

#ifndef MYMALLOC_TESTS_FAULT_SYMBOLS_H_
#define MYMALLOC_TESTS_FAULT_SYMBOLS_H_

#include <cstdint>
#include <string>

namespace mymalloc::test {

// The function that addr2line finds at the offset in the file: "??" if there is none.
std::string FunctionAt(const std::string& path, uintptr_t offset);

// The build id as readelf prints it, in hexadecimal.
std::string BuildIdOfFile(const std::string& path);

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_FAULT_SYMBOLS_H_
