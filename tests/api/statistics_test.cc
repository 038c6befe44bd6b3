// mallinfo2, mallinfo, malloc_info, malloc_stats, malloc_trim, mallopt: they speak of this heap,
// and what they say is held against what the test itself has allocated. (figures_test.cc holds
// every figure of them against the others.)

#include <errno.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/block.h"
#include "tests/support/memory_usage.h"
#include "tests/support/process.h"
#include "tests/support/scratch_directory.h"

namespace mymalloc::test {
namespace {

size_t BytesInUse() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// A fixed array, so that only the blocks themselves count.
template <size_t kCount>
struct Blocks {
  void Allocate(size_t size) {
    usable = 0;
    for (void*& block : starts) {
      block = malloc(size);
      ASSERT_NE(block, nullptr);
      memset(block, 1, size);
      usable += malloc_usable_size(block);
    }
  }
  void Free() {
    for (void*& block : starts) free(block);
  }
  void* starts[kCount];
  size_t usable = 0;  // bytes of all
};

Blocks<1000> thousand;
Blocks<100000> many;

// What blocks with so many usable bytes count: a block in a page has a tag, and a large one begins
// 16 bytes into its mapping. The rest is the test's own.
constexpr size_t kOwn = kKiB;
size_t LeastFor(size_t count, size_t usable) { return usable + 8 * count; }
size_t MostFor(size_t count, size_t usable) { return usable + 16 * count + kOwn; }

TEST(Mallinfo2, CountsWhatIsInUse) {
  for (const size_t size : {size_t{1}, size_t{16}, size_t{100}, size_t{1000}, size_t{5000},
                            size_t{40000}, size_t{300000}}) {
    const size_t before = BytesInUse();
    thousand.Allocate(size);
    const size_t during = BytesInUse();
    thousand.Free();
    const size_t after = BytesInUse();
    EXPECT_GE(during, before + LeastFor(1000, thousand.usable)) << size;
    EXPECT_LE(during, before + MostFor(1000, thousand.usable)) << size;
    EXPECT_LE(after, before + kOwn) << size;
    EXPECT_GE(after + kOwn, before) << size;
  }
}

TEST(Mallinfo2, FollowsRealloc) {
  const size_t before = BytesInUse();
  void* block = malloc(100);
  for (size_t size = 100; size < 50 * kMiB; size *= 3) {
    block = realloc(block, size);
    const size_t during = BytesInUse();
    EXPECT_GE(during, before + LeastFor(1, malloc_usable_size(block)));
    EXPECT_LE(during, before + MostFor(1, malloc_usable_size(block)));
  }
  block = realloc(block, 100);
  EXPECT_LE(BytesInUse(), before + MostFor(1, 200));
  free(block);
}

TEST(Mallinfo2, CountsLargeMappings) {
  const struct mallinfo2 before = mallinfo2();
  void* block = malloc(100 * kMiB);
  const struct mallinfo2 during = mallinfo2();
  free(block);
  const struct mallinfo2 after = mallinfo2();
  EXPECT_GE(during.hblkhd, before.hblkhd + 100 * kMiB);
  EXPECT_LE(during.hblkhd, before.hblkhd + 101 * kMiB);
  EXPECT_EQ(during.hblks, before.hblks + 1);
  EXPECT_EQ(after.hblks, before.hblks);
  EXPECT_EQ(after.hblkhd, before.hblkhd);
}

TEST(Mallinfo, IsMallinfo2InInts) {
  many.Allocate(100);
  const struct mallinfo2 wide = mallinfo2();
  const struct mallinfo narrow = LibcName<struct mallinfo()>("mallinfo")();  // Deprecated.
  many.Free();
  EXPECT_EQ(narrow.uordblks, static_cast<int>(wide.uordblks));
  EXPECT_EQ(narrow.hblkhd, static_cast<int>(wide.hblkhd));
  EXPECT_EQ(narrow.arena, static_cast<int>(wide.arena));
}

// Two parties that take turns.
class Turns {
 public:
  void Await(int turn) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this, turn] { return turn_ >= turn; });
  }
  void Begin(int turn) {
    const std::lock_guard<std::mutex> lock(mutex_);
    turn_ = turn;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int turn_ = 0;
};

TEST(Mallinfo2, CountsOtherThreadsAndWhatTheyFree) {
  Turns turns;
  const size_t before = BytesInUse();
  std::thread other([&turns] {
    many.Allocate(100);
    thousand.Allocate(100);
    turns.Begin(1);
    turns.Await(2);
    thousand.Free();  // Its own; the many are freed by the main thread.
  });
  turns.Await(1);
  const size_t during = BytesInUse();
  many.Free();
  const size_t freed_by_us = BytesInUse();
  turns.Begin(2);
  other.join();
  const size_t after = BytesInUse();
  EXPECT_GE(during, before + LeastFor(101000, many.usable + thousand.usable));
  EXPECT_LE(during, before + MostFor(101000, many.usable + thousand.usable));
  EXPECT_GE(freed_by_us, before + LeastFor(1000, thousand.usable));
  EXPECT_LE(freed_by_us, before + MostFor(1000, thousand.usable));
  EXPECT_LE(after, before + kOwn);
}

TEST(Mallinfo2, CountsBlocksOfThreadsThatHaveEnded) {
  const size_t before = BytesInUse();
  std::thread([] { many.Allocate(64); }).join();
  const size_t during = BytesInUse();
  std::thread([] { many.Free(); }).join();
  const size_t after = BytesInUse();
  EXPECT_GE(during, before + LeastFor(100000, many.usable));
  EXPECT_LE(after, before + kOwn);
}

size_t ResidentAfterTrim() {
  malloc_trim(0);
  return ResidentBytes();
}

TEST(MallocTrim, GivesBackWhatWasFreed) {
  const size_t before = ResidentAfterTrim();
  many.Allocate(1000);
  EXPECT_GE(ResidentBytes(), before + 95 * kMiB);
  many.Free();
  malloc_trim(0);  // what it returns depends on what was given back in the background before
  EXPECT_LE(ResidentBytes(), before + 10 * kMiB);
}

TEST(MallocTrim, GivesBackTheHolesBetweenLiveBlocks) {
  constexpr size_t kSize = 12000;
  const size_t before = ResidentAfterTrim();
  std::vector<char*> blocks;
  for (size_t i = 0; i < 10000; ++i) {
    blocks.push_back(static_cast<char*>(malloc(kSize)));
    FillPattern(blocks.back(), kSize, i);
  }
  const size_t peak = ResidentBytes() - before;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (i % 16 != 0) free(blocks[i]);
  }
  malloc_trim(0);
  const size_t now = ResidentBytes();
  EXPECT_LE(now, before + peak / 4);
  for (size_t i = 0; i < blocks.size(); i += 16) {
    ASSERT_TRUE(MatchesPattern(blocks[i], kSize, i));
    free(blocks[i]);
  }
}

TEST(MallocTrim, ReachesTheHeapsOfIdleThreads) {
  const size_t before = ResidentAfterTrim();
  Turns turns;
  std::thread idle([&turns] {
    many.Allocate(1000);
    many.Free();
    turns.Begin(1);
    turns.Await(2);
  });
  turns.Await(1);
  malloc_trim(0);
  const size_t now = ResidentBytes();
  turns.Begin(2);
  idle.join();
  EXPECT_LE(now, before + 10 * kMiB);
}

// As the manual has it: 0 to 80 * sizeof(size_t) / 4.
TEST(Mallopt, RefusesBoundsOfFastBlocksThatGlibcRefuses) {
  EXPECT_EQ(mallopt(M_MXFAST, 0), 1);
  EXPECT_EQ(mallopt(M_MXFAST, 64), 1);
  EXPECT_EQ(mallopt(M_MXFAST, 160), 1);
  EXPECT_EQ(mallopt(M_MXFAST, 161), 0);
  EXPECT_EQ(mallopt(M_MXFAST, 1 << 20), 0);
  EXPECT_EQ(mallopt(M_MXFAST, -1), 0);
}

TEST(Mallopt, TakesTheDocumentedParameters) {
  for (const int parameter :
       {M_MMAP_THRESHOLD, M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD, M_ARENA_MAX, M_CHECK_ACTION}) {
    EXPECT_EQ(mallopt(parameter, 65536), 1) << parameter;
  }
  void* block = malloc(200000);
  ASSERT_NE(block, nullptr);
  FillPattern(block, 200000, 1);
  EXPECT_TRUE(MatchesPattern(block, 200000, 1));
  free(block);
}

// Runs the function with the descriptor going to a file, and returns what it wrote.
template <typename Function>
std::string Captured(int descriptor, Function function) {
  const ScratchDirectory scratch;
  const std::string path = scratch.path() + "/captured";
  fflush(nullptr);
  const int saved = dup(descriptor);
  FILE* file = fopen(path.c_str(), "w");
  dup2(fileno(file), descriptor);
  function();
  fflush(nullptr);
  dup2(saved, descriptor);
  close(saved);
  fclose(file);
  std::ifstream contents(path);
  return {std::istreambuf_iterator<char>(contents), {}};
}

// The number behind the last such text.
size_t FigureBehind(const std::string& text, const std::string& label) {
  const size_t at = text.rfind(label);
  if (at == std::string::npos) {
    ADD_FAILURE() << "no " << label << " in " << text;
    return 0;
  }
  return strtoull(text.c_str() + at + label.size(), nullptr, 10);
}

TEST(MallocStats, SpeaksOnStderr) {
  many.Allocate(200);
  const size_t in_use = BytesInUse();
  std::string on_stdout;
  const std::string on_stderr = Captured(
      STDERR_FILENO, [&on_stdout] { on_stdout = Captured(STDOUT_FILENO, [] { malloc_stats(); }); });
  many.Free();
  EXPECT_EQ(on_stdout, "");
  // Of all blocks; what captures it has some of its own.
  const size_t said = FigureBehind(on_stderr, "in use bytes     =");
  EXPECT_GE(said, in_use);
  EXPECT_LE(said, in_use + 16 * kKiB) << on_stderr;
}

// The XML as another parser reads it: root, version, heaps, then the totals.
constexpr char kParser[] = R"(
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
size = lambda tag, kind: root.find('%s[@type="%s"]' % (tag, kind)).get('size')
print(root.tag, root.get('version'), len(root.findall('heap')), size('system', 'current'),
      size('system', 'max'), size('total', 'mmap'), root.find('total[@type="mmap"]').get('count'),
      sum(int(heap.find('total[@type="rest"]').get('size')) for heap in root.findall('heap')))
)";

struct Totals {
  std::string tag;
  std::string version;
  size_t heaps = 0;
  size_t system_now = 0;
  size_t system_most = 0;
  size_t mapped = 0;
  size_t mappings = 0;
  size_t free_in_heaps = 0;
};

Totals ParsedMallocInfo() {
  const ScratchDirectory scratch;
  const std::string path = scratch.path() + "/info.xml";
  FILE* file = fopen(path.c_str(), "w");
  EXPECT_EQ(malloc_info(0, file), 0);
  fclose(file);
  Command parse;
  parse.arguments = {"python3", "-c", kParser, path};
  const Outcome outcome = RunProgram(parse);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe();
  Totals totals;
  std::istringstream(outcome.output) >> totals.tag >> totals.version >> totals.heaps >>
      totals.system_now >> totals.system_most >> totals.mapped >> totals.mappings >>
      totals.free_in_heaps;
  return totals;
}

TEST(MallocInfo, IsXmlWithPlausibleTotals) {
  if (FindProgram("python3").empty()) GTEST_SKIP() << "python3 is not installed";
  many.Allocate(500);
  void* large = malloc(70 * kMiB);
  void* medium = malloc(32000);  // of its page, most is address space
  const Totals full = ParsedMallocInfo();
  free(large);
  many.Free();
  malloc_trim(0);
  const Totals empty = ParsedMallocInfo();
  free(medium);

  EXPECT_EQ(full.tag, "malloc");
  EXPECT_EQ(full.version, "1");
  EXPECT_GE(full.heaps, 1u);
  EXPECT_GE(full.system_now, 100000 * 500u);
  EXPECT_LE(full.system_now, 200 * kMiB);
  EXPECT_GE(full.system_most, full.system_now);
  EXPECT_GE(full.mapped, 70 * kMiB);
  EXPECT_LE(full.mapped, 80 * kMiB);
  EXPECT_LE(empty.mapped + 70 * kMiB, full.mapped);
  EXPECT_EQ(empty.mappings + 1, full.mappings);
  EXPECT_LE(full.free_in_heaps, full.system_now);
  EXPECT_LE(empty.free_in_heaps, empty.system_now);
  EXPECT_GE(empty.system_most, full.system_now);
}

struct Most {
  size_t mappings, mapped, system;
};

Most ReportedMost() {
  const std::string stats = Captured(STDERR_FILENO, [] { malloc_stats(); });
  const std::string info = Captured(STDOUT_FILENO, [] { malloc_info(0, stdout); });
  return {FigureBehind(stats, "max mmap regions ="), FigureBehind(stats, "max mmap bytes   ="),
          FigureBehind(info, "<system type=\"max\" size=\"")};
}

void AllocateAndFree(size_t count, size_t size) {
  std::vector<void*> blocks(count);
  for (void*& block : blocks) block = malloc(size);
  for (void* block : blocks) free(block);
}

// As glibc's figures: also of what came and went while nobody asked.
TEST(Peaks, AreKeptWhenNobodyLooks) {
  constexpr size_t kMedium = 32000;
  const Most before = ReportedMost();
  constexpr size_t kLarge = 5 * kMiB;
  const size_t mappings = before.mappings + before.mapped / kLarge + 10;
  const size_t mediums = (before.system + 64 * kMiB) / kMedium;
  AllocateAndFree(mappings, kLarge);
  AllocateAndFree(mediums, kMedium);
  malloc_trim(0);
  const Most after = ReportedMost();
  EXPECT_GE(after.mappings, mappings);
  EXPECT_LE(after.mappings, mappings + before.mappings);
  EXPECT_GE(after.mapped, mappings * kLarge);
  EXPECT_LE(after.mapped, mappings * (kLarge + 8 * kKiB) + before.mapped);
  EXPECT_GE(after.system, mediums * kMedium);
  EXPECT_LE(after.system, mediums * (kMedium + kMedium / 4) + before.system);
}

TEST(MallocInfo, RefusesOptionsItDoesNotKnow) {
  FILE* sink = fopen("/dev/null", "w");
  ASSERT_NE(sink, nullptr);
  errno = 0;
  const int result = malloc_info(1, sink);
  const int error = errno;
  // The manual page says -1 and errno; glibc itself returns the number.
  EXPECT_TRUE(result == EINVAL || (result == -1 && error == EINVAL)) << result << " " << error;
  fclose(sink);
}

}  // namespace
}  // namespace mymalloc::test
