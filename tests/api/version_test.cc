// One version: that of the header, of the library, and of the newest entry in the change log.

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "mymalloc/mymalloc.h"

namespace mymalloc::test {
namespace {

TEST(Version, OfTheLibraryIsThatOfTheHeader) { EXPECT_STREQ(mymalloc_version(), MYMALLOC_VERSION); }

TEST(Version, IsTheNewestInTheChangeLog) {
  std::ifstream log("CHANGELOG.md");
  std::string line;
  while (std::getline(log, line) && line.rfind("## ", 0) != 0) {
  }
  EXPECT_EQ(line.substr(0, line.find(',')), std::string("## ") + MYMALLOC_VERSION);
}

}  // namespace
}  // namespace mymalloc::test
