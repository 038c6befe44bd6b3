#include "tests/robust/plugin.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

namespace mymalloc::test {
namespace {

// Built by the library's constructors, torn down by its destructors.
const std::map<int, std::vector<std::string>>& Table() {
  static const auto* table = [] {
    auto* map = new std::map<int, std::vector<std::string>>;
    for (int i = 0; i < 100; ++i) (*map)[i] = {std::string(100, 'a'), std::string(1000, 'b')};
    return map;
  }();
  return *table;
}

struct Constructed {
  Constructed() : copy(Table()) {}
  ~Constructed() { delete &Table(); }
  std::map<int, std::vector<std::string>> copy;
};

const Constructed constructed;

size_t ConstructedBytes() {
  size_t bytes = 0;
  for (const auto& [key, texts] : constructed.copy) {
    for (const std::string& text : texts) bytes += text.size();
  }
  return bytes;
}

constexpr Plugin kPlugin = {
    [](size_t size) { return malloc(size); },
    [](void* block) { free(block); },
    [](void* block, size_t size) { return realloc(block, size); },
    [](const char* text) { return strdup(text); },
    [](size_t size) { return new std::string(size, 't'); },
    [](std::string* text) { delete text; },
    ConstructedBytes,
};

}  // namespace
}  // namespace mymalloc::test

extern "C" const mymalloc::test::Plugin* GetPlugin();
const mymalloc::test::Plugin* GetPlugin() { return &mymalloc::test::kPlugin; }
