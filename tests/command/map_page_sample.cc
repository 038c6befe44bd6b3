// A map's page of a made up heap on stdout, for a browser to be tested with:
// map_page_sample PAGES|hostile

#include <cstdio>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "tests/command/sample_map.h"
#include "tools/command/map_page.h"

int main(int argc, char** argv) {
  const absl::string_view what = argc == 2 ? argv[1] : "";
  size_t pages = 0;
  if (what != "hostile" && !absl::SimpleAtoi(what, &pages)) {
    fputs("usage: map_page_sample PAGES|hostile\n", stderr);
    return 2;
  }
  const std::string page = what == "hostile"
                               ? mymalloc::command::MapPage(mymalloc::test::HostileMap())
                               : mymalloc::test::SampleMapPage(pages);
  return fwrite(page.data(), 1, page.size(), stdout) == page.size() ? 0 : 1;
}
