// Libraries that come and go, and that share blocks with the program, whatever RTLD_ flags they
// were opened with.

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <stdlib.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "tests/robust/plugin.h"
#include "tests/support/block.h"
#include "tests/support/churn.h"
#include "tests/support/library.h"
#include "tests/support/memory_usage.h"

namespace mymalloc::test {
namespace {

constexpr char kPluginName[] = "plugin.so";

class OpenPlugin {
 public:
  explicit OpenPlugin(int flags, const std::string& path = PluginPath())
      : handle_(dlopen(path.c_str(), flags)) {
    if (handle_ == nullptr) {
      ADD_FAILURE() << dlerror();
      return;
    }
    auto* get = reinterpret_cast<GetPluginFunction*>(dlsym(handle_, kPluginSymbol));
    if (get != nullptr) plugin_ = get();
  }
  OpenPlugin(const OpenPlugin&) = delete;
  OpenPlugin& operator=(const OpenPlugin&) = delete;
  ~OpenPlugin() {
    if (handle_ != nullptr) dlclose(handle_);
  }

  static std::string PluginPath() { return DataFile(std::string("tests/robust/") + kPluginName); }

  const Plugin* get() const { return plugin_; }

 private:
  void* handle_;
  const Plugin* plugin_ = nullptr;
};

// Blocks of every kind, freed on the other side of the border.
void ExchangeBlocks(const Plugin& plugin) {
  for (size_t size = 1; size < 4 * kMiB; size = size * 3 + 1) {
    void* theirs = plugin.allocate(size);
    FillPattern(theirs, size, size);
    theirs = realloc(theirs, size * 2);
    EXPECT_TRUE(MatchesPattern(theirs, size, size));
    free(theirs);
    void* ours = malloc(size);
    FillPattern(ours, size, size);
    ours = plugin.resize(ours, size * 2);
    EXPECT_TRUE(MatchesPattern(ours, size, size));
    plugin.release(ours);
    void* aligned = aligned_alloc(256, size);
    plugin.release(aligned);
  }
  free(plugin.duplicate("text"));
  plugin.release(strdup("text"));
  delete plugin.new_text(1000);
  plugin.delete_text(new std::string(1000, 'x'));
}

class DlopenTest : public ::testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(Flags, DlopenTest,
                         ::testing::Values(RTLD_NOW | RTLD_LOCAL, RTLD_LAZY | RTLD_GLOBAL,
                                           RTLD_NOW | RTLD_DEEPBIND,
                                           RTLD_LAZY | RTLD_LOCAL | RTLD_DEEPBIND));

TEST_P(DlopenTest, BlocksCrossTheBorder) {
  for (int i = 0; i < 10; ++i) {
    const OpenPlugin plugin(GetParam());
    ASSERT_NE(plugin.get(), nullptr);
    EXPECT_EQ(plugin.get()->constructed(), 100 * 1100u);
    ExchangeBlocks(*plugin.get());
  }
}

TEST_P(DlopenTest, BlocksOutliveTheirLibrary) {
  std::vector<void*> blocks;
  {
    const OpenPlugin plugin(GetParam());
    ASSERT_NE(plugin.get(), nullptr);
    for (size_t i = 1; i < 1000; ++i) blocks.push_back(plugin.get()->allocate(i * 10));
  }
  for (void* block : blocks) free(block);
}

TEST_P(DlopenTest, OpeningAndClosingInALoopLeavesNothing) {
  const auto open_and_close = [] {
    for (int i = 0; i < 150; ++i) {
      const OpenPlugin plugin(GetParam());
      ASSERT_NE(plugin.get(), nullptr);
      free(plugin.get()->allocate(100));
    }
  };
  const Churn churn(1);
  open_and_close();
  const size_t mappings = MappingCount();
  open_and_close();
  // A mapping left behind each time would be 150; the thread beside makes some come and go.
  EXPECT_LE(MappingCount(), mappings + 64);
}

TEST_P(DlopenTest, FromSeveralThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int round = 0; round < 20; ++round) {
        const OpenPlugin plugin(GetParam());
        ASSERT_NE(plugin.get(), nullptr);
        ExchangeBlocks(*plugin.get());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// A library that looks on as the program calls dlopen must not be taken for the caller: a bare name
// is looked for where the *program* was linked to look.
TEST_P(DlopenTest, TheProgramsRunPathHolds) {
  const OpenPlugin plugin(GetParam(), kPluginName);
  ASSERT_NE(plugin.get(), nullptr);
  ExchangeBlocks(*plugin.get());
}

TEST(Dlopen, FailsAsUsual) {
  EXPECT_EQ(dlopen("no such library.so", RTLD_NOW), nullptr);
  const char* error = dlerror();
  ASSERT_NE(error, nullptr);
  EXPECT_NE(std::string(error).find("no such library.so"), std::string::npos);
  EXPECT_NE(dlopen(nullptr, RTLD_NOW), nullptr);
  EXPECT_EQ(dlopen(OpenPlugin::PluginPath().c_str(), RTLD_NOW | RTLD_NOLOAD), nullptr);
}

}  // namespace
}  // namespace mymalloc::test
