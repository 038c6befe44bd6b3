// The map's page: what is in it and what must not be, and what it makes of JSON. What a browser
// makes of the page: map_browser_test.py.

#include "tools/command/map_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/command/sample_map.h"
#include "tools/command/heap_map.h"
#include "tools/command/map_packing.h"

namespace mymalloc::command {
namespace {

using test::JsonOf;
using test::SampleMap;
using test::SampleMapPage;
using test::TypesBySlot;
using ::testing::HasSubstr;
using ::testing::Not;

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(MapPageTest, NothingComesFromTheNetwork) {
  const std::string page = SampleMapPage(100);
  for (const char* part : {"http:", "https:", "<link", "<img", "@import", " src=\"", "@TARGET@",
                           "@STYLE@", "@SCRIPT@"}) {
    EXPECT_THAT(page, Not(HasSubstr(part)));
  }
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

TEST(MapPageTest, AllThatIsKnownIsThere) {
  const std::string page = SampleMapPage(2 * MapPacker::kPagesPerChunk + 1);
  EXPECT_THAT(page, HasSubstr("<title>Heap of sample (4711)</title>"));
  EXPECT_THAT(page, HasSubstr("\"pages\":8193"));
  EXPECT_THAT(page, HasSubstr("id=\"chunk2\""));
  EXPECT_THAT(page, Not(HasSubstr("id=\"chunk3\"")));
  // What the first look needs is in front of the details.
  EXPECT_LT(page.find("id=\"summary\""), page.find("window.startMap();"));
  EXPECT_LT(page.find("window.startMap();"), page.find("id=\"chunk0\""));
}

TEST(MapPageTest, NamesOfTheTargetAreTextAndNoMarkup) {
  const std::string hostile = "</script><script>alert(1)</script><!--&\"'\n\xff";
  HeapMap map = SampleMap(3);
  const size_t scripts = Count(MapPage(map), "<script");
  map.target = hostile;
  map.types = std::vector<std::string>(map.types.size(), hostile);
  map.large[0].type = hostile;
  map.totals.emplace_back(hostile, 1);
  const std::string page = MapPage(map);
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("<!--")));
  EXPECT_THAT(page, Not(HasSubstr("\xff")));
  EXPECT_THAT(page, HasSubstr("&lt;/script&gt;&lt;script&gt;alert(1)"));
  EXPECT_EQ(Count(page, "<script"), scripts);
  EXPECT_EQ(Count(page, "</script"), scripts);
}

TEST(MapPageTest, MarksOfTheTemplateInANameStayAName) {
  HeapMap map = SampleMap(1);
  map.target = "@TARGET@ @SCRIPT@";
  EXPECT_THAT(MapPage(map), HasSubstr("<title>Heap of @TARGET@ @SCRIPT@</title>"));
}

TEST(MapPageTest, PagesAreFewBytes) {
  constexpr size_t kPages = 20000;
  const size_t bytes = SampleMapPage(kPages).size() - SampleMapPage(0).size();
  EXPECT_LT(bytes / kPages, 110u);
  HeapMap full;
  for (uint64_t i = 0; i < kPages; ++i) {
    full.pages.push_back({i * 16384, 4, 64, 1, "HHHH" + std::string(252, 'L'), {}});
  }
  const size_t without_types = MapPage(full).size();
  EXPECT_LT((without_types - MapPage(HeapMap()).size()) / kPages, 24u);
  for (MappedPage& page : full.pages) page.types = {{4, 252, 0}};
  EXPECT_LT((MapPage(full).size() - without_types) / kPages, 8u);
}

TEST(MapPageTest, JsonSaysTheSameAsTheMap) {
  const HeapMap map = SampleMap(60);
  HeapMap read;
  ASSERT_EQ(ParseHeapMap(JsonOf(map), &read), "");
  ASSERT_EQ(read.pages.size(), map.pages.size());
  for (size_t i = 0; i < map.pages.size(); ++i) {
    const MappedPage& page = map.pages[i];
    EXPECT_EQ(read.pages[i].address, page.address);
    EXPECT_EQ(read.pages[i].states, page.states);
    EXPECT_EQ(read.pages[i].stride, page.stride);
    EXPECT_EQ(read.pages[i].heap, page.heap);
    EXPECT_EQ(TypesBySlot(read, read.pages[i]), TypesBySlot(map, page));
  }
  ASSERT_EQ(read.large.size(), map.large.size());
  EXPECT_EQ(read.large[0].bytes, map.large[0].bytes);
  EXPECT_EQ(read.free.back().resident, map.free.back().resident);
  EXPECT_EQ(read.totals, map.totals);
  std::string wrong;
  EXPECT_NE(MapPage(JsonOf(map), &wrong), "");
  EXPECT_EQ(wrong, "");
}

TEST(MapPageTest, JsonMayHaveMoreAndInAnotherOrder) {
  HeapMap map;
  EXPECT_EQ(ParseHeapMap(R"( { "later" : [{"a":{"b":[null,true,-1.5e3,"\u00e9\ud83d\ude00"]}}],
      "totals" : {"live":7, "nested":{"a":1}, "share":0.5, "none":null},
      "pages":[{"states":"HLF","slots":3,"stride":64,"address":"0x2000","class":4,"heap":9},
               {"states":"","slots":0,"stride":16,"address":4096,"class":1,"heap":9}],
      "large":[{"address":"0x9000","bytes":5,"state":"quarantined"},{"address":"0x8000","state":"live"}],
      "target":"\u0041\n\ud83d\ude00\ud83d", "version":1 } )",
                         &map),
            "");
  EXPECT_EQ(map.target, "A\n\xf0\x9f\x98\x80\xef\xbf\xbd");
  ASSERT_EQ(map.pages.size(), 2u);
  EXPECT_EQ(map.pages[0].address, 4096u);
  EXPECT_EQ(map.pages[1].states, "HLF");
  ASSERT_EQ(map.large.size(), 2u);
  EXPECT_FALSE(map.large[0].held);
  EXPECT_TRUE(map.large[1].held);
  ASSERT_EQ(map.totals.size(), 2u);
  EXPECT_EQ(map.totals[0].second, 7u);
}

// As `mymalloc map` writes them: rows of live blocks, by numbers of a table that may come later.
TEST(MapPageTest, TypesMayBeRowsOfATable) {
  HeapMap map;
  ASSERT_EQ(ParseHeapMap(R"({"version":1,"pages":[{"address":4096,"slots":6,"stride":16,"heap":1,
      "types":[[4,1,1],[1,2,0]],"states":"HLFLLF"},{"types":{"2":"Old"},"slots":3,"states":"HFL"}],
      "type_names":["class A","text"]})",
                         &map),
            "");
  ASSERT_EQ(map.pages.size(), 2u);
  const std::vector<TypeRun>& rows = map.pages[1].types;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].slot, 1u);
  EXPECT_EQ(rows[0].blocks, 2u);
  EXPECT_EQ(map.types[rows[0].type], "class A");
  EXPECT_EQ(rows[1].slot, 4u);
  EXPECT_EQ(map.types[rows[1].type], "text");
  ASSERT_EQ(map.pages[0].types.size(), 1u);
  EXPECT_EQ(map.types[map.pages[0].types[0].type], "Old");
}

TEST(MapPageTest, WhatIsNoMapIsSaidToBeNone) {
  const std::string deep(100000, '[');
  const std::vector<std::string> all = {
      "",
      "{",
      "[]",
      "{}",
      "{\"version\":2}",
      "{\"version\":1} x",
      "{\"version\":1,\"target\":\"\\q\"}",
      "{\"version\":1,\"target\":\"a",
      "{\"version\":-1}",
      "{\"version\":1,\"x\":" + deep,
      "{\"version\":1,\"x\":}",
      "{\"version\":1,\"pages\":[{\"slots\":2,\"states\":\"L\"}]}",
      "{\"version\":1,\"pages\":[{\"slots\":1,\"states\":\"<\"}]}",
      "{\"version\":1,\"pages\":[{\"address\":\"here\"}]}",
      "{\"version\":1,\"pages\":[{\"types\":{\"256\":\"T\"}}]}",
      "{\"version\":1,\"pages\":[{\"types\":[[256,1,0]]}],\"type_names\":[\"T\"]}",
      "{\"version\":1,\"pages\":[{\"types\":[[0,257,0]]}],\"type_names\":[\"T\"]}",
      "{\"version\":1,\"pages\":[{\"types\":[[0,1,1]]}],\"type_names\":[\"T\"]}",
      "{\"version\":1,\"pages\":[{\"types\":[[0,1]]}],\"type_names\":[\"T\"]}",
      "{\"version\":1,\"pages\":[{\"types\":[[0,1,0,0]]}],\"type_names\":[\"T\"]}",
      "{\"version\":1,\"pages\":[{\"slots\":300,\"states\":\"" + std::string(300, 'L') + "\"}]}"};
  for (const std::string& json : all) {
    std::string wrong;
    EXPECT_EQ(MapPage(json, &wrong), "") << json.substr(0, 80);
    EXPECT_NE(wrong, "") << json.substr(0, 80);
  }
}

// Nor does anything go wrong: see to it with --config=asan.
TEST(MapPageTest, MangledJsonIsReadOrRefused) {
  const std::string json = JsonOf(SampleMap(3));
  std::mt19937 random(1);
  size_t refused = 0;
  for (int round = 0; round < 300; ++round) {
    std::string mangled = json;
    mangled[random() % mangled.size()] = static_cast<char>(random() % 256);
    mangled.erase(random() % mangled.size(), random() % 20);
    mangled.insert(random() % mangled.size(), json, random() % json.size(), random() % 30);
    if (round % 10 == 0) mangled.resize(random() % mangled.size());
    std::string wrong;
    if (MapPage(mangled, &wrong).empty()) ++refused;
    EXPECT_FALSE(MapPage(mangled).empty());
  }
  EXPECT_GT(refused, 200u);
}

TEST(MapPageTest, OnlyWholeKernelPagesCouldGoBack) {
  const auto loose = [](uint32_t stride, const std::string& states) {
    return LooseBytes({0, 1, stride, 1, states, {}});
  };
  EXPECT_EQ(loose(1024, "HLFFFFFF"), 4096u);
  EXPECT_EQ(loose(1024, "HLFFFFFL"), 0u);
  EXPECT_EQ(loose(1024, "HLFFFcFc"), 2048u);  // What is given back is not there to give.
  EXPECT_EQ(loose(1024, "HLFFCFFF"), 0u);
  EXPECT_EQ(loose(1024, "HLFFFFFFL"), 0u);  // That block's tag is the end of the slot before.
  EXPECT_EQ(loose(1024, "HLFFFFFFF"), 5120u);
  EXPECT_EQ(loose(8192, "HFL"), 4096u);
  EXPECT_EQ(loose(3072, "LFFFF"), 11264u);  // But for what is beside the live block.
  EXPECT_EQ(loose(0, "FF"), 0u);
}

}  // namespace
}  // namespace mymalloc::command
