// What a plugin, a library that comes and goes by dlopen and dlclose, offers.

#ifndef MYMALLOC_TESTS_ROBUST_PLUGIN_H_
#define MYMALLOC_TESTS_ROBUST_PLUGIN_H_

#include <cstddef>
#include <string>

namespace mymalloc::test {

// Each side may free what the other has allocated.
struct Plugin {
  void* (*allocate)(size_t size);
  void (*release)(void* block);
  void* (*resize)(void* block, size_t size);
  char* (*duplicate)(const char* text);  // By the C library's own strdup.
  std::string* (*new_text)(size_t size);
  void (*delete_text)(std::string* text);
  size_t (*constructed)();  // Bytes that its constructors hold.
};

// The one symbol to look for, a function that returns the plugin.
inline constexpr char kPluginSymbol[] = "GetPlugin";
using GetPluginFunction = const Plugin*();

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_ROBUST_PLUGIN_H_
