// A map's page of a made up heap on stdout, for a browser to be tested with: map_page_sample PAGES

#include <cstdio>
#include <string>

#include "absl/strings/numbers.h"
#include "tests/command/sample_map.h"

int main(int argc, char** argv) {
  size_t pages = 0;
  if (argc != 2 || !absl::SimpleAtoi(argv[1], &pages)) {
    fputs("usage: map_page_sample PAGES\n", stderr);
    return 2;
  }
  const std::string page = mymalloc::test::SampleMapPage(pages);
  return fwrite(page.data(), 1, page.size(), stdout) == page.size() ? 0 : 1;
}
