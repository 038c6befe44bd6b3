#include "tests/preload/comparison.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/support/library.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

std::string Contents(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

Outcome RunInNewDirectory(Command command, const std::string& directory) {
  std::filesystem::create_directory(directory);
  command.directory = directory;
  Outcome outcome = RunProgram(command);
  std::filesystem::remove_all(directory);
  return outcome;
}

}  // namespace

Command UnderPreload(Command command, const std::string& log_directory) {
  std::filesystem::create_directory(log_directory);
  const std::string library = LibraryUnderTest();
  if (!library.empty()) command.preload.push_back(library);
  command.environment["LD_DEBUG"] = "files";
  command.environment["LD_DEBUG_OUTPUT"] = log_directory + "/process";
  return command;
}

void ExpectAllLoaded(const std::string& log_directory, size_t least) {
  const std::string library = LibraryUnderTest();
  ASSERT_NE(library, "") << "there is no library to be loaded";
  size_t programs = 0;
  for (const auto& log : std::filesystem::directory_iterator(log_directory)) {
    ++programs;
    const std::string contents = Contents(log.path());
    EXPECT_NE(contents.find("file=" + library), std::string::npos) << contents;
  }
  EXPECT_GE(programs, least);
}

void ExpectSameUnderPreload(Command command, size_t programs) {
  const ScratchDirectory scratch;
  const std::string work = scratch.path() + "/work";
  const std::string logs = scratch.path() + "/logs";
  const Outcome without = RunInNewDirectory(command, work);
  const Outcome with = RunInNewDirectory(UnderPreload(command, logs), work);
  EXPECT_TRUE(without.Succeeded()) << without.Describe();
  EXPECT_TRUE(with.Succeeded()) << with.Describe();
  EXPECT_NE(without.output, "") << "nothing to compare";
  EXPECT_EQ(without.output, with.output);
  EXPECT_EQ(without.errors, with.errors);
  ExpectAllLoaded(logs, programs);
}

std::string Script(const std::string& name) { return DataFile("tests/preload/scripts/" + name); }

}  // namespace mymalloc::test
