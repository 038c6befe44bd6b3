// A map's page of a made up heap on stdout, for a browser to be tested with; or the same heap's
// JSON: map_page_sample PAGES [json] | hostile

#include <cstdio>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"
#include "tests/command/sample_map.h"
#include "tools/command/map_page.h"

using mymalloc::command::MapPage;

int main(int argc, char** argv) {
  const absl::string_view what = argc >= 2 ? argv[1] : "";
  size_t pages = 0;
  std::string output;
  if (what == "hostile") {
    output = MapPage(mymalloc::test::HostileMap());
  } else if (!absl::SimpleAtoi(what, &pages)) {
    fputs("usage: map_page_sample PAGES [json] | hostile\n", stderr);
    return 2;
  } else if (argc == 3) {
    output = mymalloc::test::JsonOf(mymalloc::test::SampleMap(pages));
  } else {
    output = mymalloc::test::SampleMapPage(pages);
  }
  return fwrite(output.data(), 1, output.size(), stdout) == output.size() ? 0 : 1;
}
