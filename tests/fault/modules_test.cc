#include "mymalloc/fault/modules.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <climits>
#include <memory>
#include <string>

#include "tests/fault/symbols.h"

namespace mymalloc::test {

// With a name that addr2line knows.
__attribute__((noinline)) void FunctionOfTheProgram() { __asm__ volatile(""); }

std::string ProgramPath() {
  char path[PATH_MAX] = {};
  return readlink("/proc/self/exe", path, sizeof(path) - 1) > 0 ? path : "";
}

std::string InHex(BuildId id) {
  std::string text;
  for (size_t i = 0; i < id.size; ++i) {
    char digits[3];
    snprintf(digits, sizeof(digits), "%02x", id.bytes[i]);
    text += digits;
  }
  return text;
}

template <typename Function>
uintptr_t AddressOf(Function* function) {
  return reinterpret_cast<uintptr_t>(function);
}

TEST(ModulesTest, TheProgram) {
  Module module;
  ASSERT_TRUE(FindModule(AddressOf(&FunctionOfTheProgram), &module));
  EXPECT_TRUE(module.IsProgram());
  EXPECT_TRUE(module.Contains(AddressOf(&FunctionOfTheProgram)));
  EXPECT_NE(module.unwind_table, nullptr);
  const uintptr_t offset = AddressOf(&FunctionOfTheProgram) - module.load_base;
  EXPECT_NE(FunctionAt(ProgramPath(), offset).find("FunctionOfTheProgram"), std::string::npos);
  EXPECT_EQ(InHex(BuildIdOf(module)), BuildIdOfFile(ProgramPath()));
  EXPECT_FALSE(BuildIdOfFile(ProgramPath()).empty());
}

TEST(ModulesTest, ALibrary) {
  void* const function = dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
  Module module;
  ASSERT_TRUE(FindModule(reinterpret_cast<uintptr_t>(function), &module));
  EXPECT_FALSE(module.IsProgram());
  EXPECT_NE(std::string(module.path).find("libc.so"), std::string::npos);
  EXPECT_EQ(InHex(BuildIdOf(module)), BuildIdOfFile(module.path));
  EXPECT_NE(InHex(BuildIdOf(module)), "");
}

TEST(ModulesTest, WhatTheKernelMaps) {
  Module module;
  ASSERT_TRUE(FindModule(getauxval(AT_SYSINFO_EHDR) + 0x10, &module));
  EXPECT_EQ(std::string(module.path), "linux-vdso.so.1");
  EXPECT_EQ(module.load_base, getauxval(AT_SYSINFO_EHDR));
  BuildIdOf(module);
}

TEST(ModulesTest, NoModule) {
  Module module;
  const auto memory = std::make_unique<char>();
  EXPECT_FALSE(FindModule(reinterpret_cast<uintptr_t>(memory.get()), &module));
  EXPECT_FALSE(FindModule(reinterpret_cast<uintptr_t>(&module), &module));
  EXPECT_FALSE(FindModule(0, &module));
  EXPECT_FALSE(FindModule(~uintptr_t{0}, &module));
}

TEST(ModulesTest, PathOfTheProgram) {
  char path[PATH_MAX];
  ReadProgramPath(path, sizeof(path));
  EXPECT_EQ(path, ProgramPath());
  const size_t exact = ProgramPath().size() + 1;
  ReadProgramPath(path, exact);
  EXPECT_EQ(path, ProgramPath());
  ReadProgramPath(path, exact - 1);
  EXPECT_EQ(path, ProgramPath().substr(0, exact - 5) + "...");
}

}  // namespace mymalloc::test
