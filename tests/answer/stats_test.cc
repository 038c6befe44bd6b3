// mymalloc_stats and its kin, mymalloc_walk, mymalloc_print_heap: against blocks that the test
// itself has allocated and freed.

#include <errno.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "mymalloc/mymalloc.h"
#include "mymalloc/page/size_class.h"
#include "tests/support/block.h"
#include "tests/support/process.h"

namespace mymalloc::test {
namespace {

using Stats = mymalloc_statistics;

bool IsHardened() { return getenv("MYMALLOC_HARDEN") != nullptr; }

Stats Read() {
  Stats stats = {};
  stats.struct_size = sizeof(stats);
  EXPECT_EQ(mymalloc_stats(&stats), 0);
  // The parts are the whole.
  EXPECT_EQ(stats.free_bytes, stats.magazine_bytes + stats.spill_bytes + stats.gathered_bytes +
                                  stats.quarantine_bytes + stats.page_bytes + stats.supply_bytes +
                                  stats.held_large_bytes);
  EXPECT_LE(stats.given_back_bytes, stats.page_bytes);
  EXPECT_LE(stats.large_bytes, stats.live_bytes);
  EXPECT_LE(stats.resident_bytes, stats.mapped_bytes);
  return stats;
}

mymalloc_class_stats OfClass(size_t n) {
  static mymalloc_class_stats classes[256];
  EXPECT_GT(mymalloc_stats_classes(classes, 256), 100u);
  return classes[ClassOf(n).value()];
}

constexpr size_t kCount = 5000;
void* blocks[kCount];

void Allocate(size_t n) {
  for (void*& p : blocks) p = malloc(n);
}
void Free() {
  for (void*& p : blocks) free(p);
}

TEST(Stats, LiveBlocks) {
  const size_t n = 700;
  const size_t slot = StrideOf(ClassOf(n));
  const Stats before = Read();
  const mymalloc_class_stats of_class = OfClass(n);
  Allocate(n);
  const Stats now = Read();
  EXPECT_EQ(now.live_blocks - before.live_blocks, kCount);
  EXPECT_EQ(now.live_bytes - before.live_bytes, kCount * slot);
  EXPECT_EQ(now.large_blocks, before.large_blocks);
  EXPECT_EQ(OfClass(n).slot_size, slot);
  EXPECT_EQ(OfClass(n).live_blocks - of_class.live_blocks, kCount);
  EXPECT_EQ(OfClass(n).live_bytes - of_class.live_bytes, kCount * slot);
  EXPECT_GE(now.new_pages - before.new_pages, kCount / 256);
  EXPECT_GT(now.slow_allocations, before.slow_allocations);
  EXPECT_GE(now.pages - before.pages, kCount / 256);
  Free();
  EXPECT_EQ(Read().live_blocks, before.live_blocks);
  EXPECT_EQ(Read().live_bytes, before.live_bytes);
}

TEST(Stats, WhereFreeBlocksAre) {
  mymalloc_purge();
  const Stats before = Read();
  Allocate(300);
  const Stats taken = Read();
  Free();
  const Stats now = Read();
  const size_t freed = taken.live_bytes - now.live_bytes;
  EXPECT_EQ(freed, kCount * StrideOf(ClassOf(300)));
  EXPECT_GE(now.free_bytes - taken.free_bytes, freed / 2);
  if (IsHardened()) {
    EXPECT_GE(now.quarantine_bytes, size_t{50} * 1024);
    EXPECT_LE(now.quarantine_bytes, size_t{64} * 1024);
  } else {
    EXPECT_GE(now.magazine_bytes, before.magazine_bytes + 300);
    EXPECT_GE(now.spill_bytes, before.spill_bytes + size_t{32} * 300);
    EXPECT_EQ(now.quarantine_bytes, 0u);
  }
  EXPECT_GT(now.slow_frees, taken.slow_frees);
}

TEST(Stats, LongBlocks) {
  const Stats before = Read();
  void* const run = malloc(100000);
  void* const large = malloc(10000000);
  void* const huge = malloc(100000000);
  const Stats now = Read();
  EXPECT_EQ(now.live_blocks - before.live_blocks, 3u);
  EXPECT_EQ(now.large_blocks - before.large_blocks, IsHardened() ? 3u : 2u);
  EXPECT_NEAR(static_cast<double>(now.live_bytes - before.live_bytes), 110100000.0, 50000.0);
  EXPECT_GE(now.mapped_bytes - before.mapped_bytes, 100000000u);
  free(run);
  free(large);
  free(huge);
  EXPECT_EQ(Read().live_blocks, before.live_blocks);
  EXPECT_EQ(Read().live_bytes, before.live_bytes);
}

TEST(Stats, PurgeGivesBack) {
  Allocate(3000);
  for (void* p : blocks) memset(p, 1, 3000);
  Free();
  const Stats before = Read();
  EXPECT_EQ(mymalloc_purge(), 1);
  const Stats now = Read();
  EXPECT_GT(now.purge_calls + now.unmap_calls, before.purge_calls + before.unmap_calls);
  EXPECT_GT(now.purged_bytes, before.purged_bytes);
  EXPECT_LT(now.resident_bytes, before.resident_bytes);
  EXPECT_EQ(now.supply_bytes, 0u);
}

size_t FreeAndResident() {
  const Stats stats = Read();
  return stats.free_bytes - stats.given_back_bytes;
}

// Of what is live an eighth may be free, but above the soft limit hardly anything.
TEST(Limits, Soft) {
  constexpr size_t kMany = 60000;
  static void* many[kMany];
  for (void*& p : many) memset(p = malloc(3000), 1, 3000);
  for (size_t i = 0; i < 6000; ++i) free(many[i]);
  EXPECT_GE(FreeAndResident(), 10 * kMiB);
  mymalloc_set_soft_limit(100 * kMiB);
  EXPECT_EQ(Read().soft_limit, 100 * kMiB);
  for (int i = 0; i < 1000; ++i) free(malloc(100000));
  EXPECT_LE(FreeAndResident(), 8 * kMiB);
  mymalloc_set_soft_limit(0);
  EXPECT_EQ(Read().soft_limit, 0u);
  for (size_t i = 6000; i < kMany; ++i) free(many[i]);
}

TEST(Limits, Hard) {
  const size_t live = Read().live_bytes;
  mymalloc_set_hard_limit(live + 64 * kMiB);
  errno = 0;
  EXPECT_EQ(malloc(Opaque(100 * kMiB)), nullptr);
  EXPECT_EQ(errno, ENOMEM);
  void* const little = malloc(1000);
  EXPECT_NE(little, nullptr);
  void* p = malloc(2 * kMiB + 1);
  EXPECT_NE(p, nullptr);
  EXPECT_EQ(realloc(p, Opaque(100 * kMiB)), nullptr);
  mymalloc_set_hard_limit(0);
  p = realloc(p, 100 * kMiB);
  EXPECT_NE(p, nullptr);
  free(p);
  free(little);
}

// A program made for a shorter struct gets that.
TEST(Stats, AsMuchAsTheCallerKnows) {
  struct {
    Stats stats;
    unsigned char behind[64];
  } room;
  memset(&room, 0x5a, sizeof(room));
  room.stats.struct_size = 3 * sizeof(size_t);
  EXPECT_EQ(mymalloc_stats(&room.stats), 0);
  EXPECT_GT(room.stats.live_bytes, 0u);
  EXPECT_EQ(room.stats.struct_size, 3 * sizeof(size_t));
  EXPECT_EQ(room.stats.large_blocks, 0x5a5a5a5a5a5a5a5au);
  room.stats.struct_size = sizeof(room);
  EXPECT_EQ(mymalloc_stats(&room.stats), 0);
  EXPECT_EQ(room.behind[0], 0x5a);
}

TEST(Verify, ASoundHeap) {
  Allocate(100);
  EXPECT_STREQ(mymalloc_verify(), nullptr);
  Free();
  EXPECT_STREQ(mymalloc_verify(), nullptr);
}

TEST(ShouldMove, WhereAPageIsNearlyFree) {
  Allocate(200);
  EXPECT_EQ(mymalloc_should_move(blocks[1000]), 0);
  for (size_t i = 0; i < kCount; ++i) {
    if (i % 100 != 0) free(blocks[i]);
  }
  mymalloc_purge();
  unsigned moves = 0;
  for (size_t i = 0; i < kCount; i += 100) {
    if (mymalloc_should_move(blocks[i]) == 1) ++moves;
  }
  EXPECT_GT(moves, 25u);  // of 50; not those of the page that new blocks come from
  for (size_t i = 0; i < kCount; i += 100) free(blocks[i]);
  EXPECT_EQ(mymalloc_should_move(blocks[0]), 0);
  int local = 0;
  EXPECT_EQ(mymalloc_should_move(&local), 0);
}

// ---- Walk ----

struct Walked {
  size_t live = 0;
  size_t live_bytes = 0;
  size_t ours = 0;
  size_t other_states[MYMALLOC_OVERWRITTEN + 1] = {};
  uintptr_t last = 0;
  size_t disorder = 0;
};

int Note(const mymalloc_info* block, void* argument) {
  auto* const walked = static_cast<Walked*>(argument);
  free(malloc(1000));  // a callback may
  const auto base = reinterpret_cast<uintptr_t>(block->base);
  if (block->state == MYMALLOC_LIVE) {
    ++walked->live;
    walked->live_bytes += block->usable_size;
    for (void* p : blocks) walked->ours += p == block->base ? 1 : 0;
    if (base <= walked->last) ++walked->disorder;
    walked->last = base;
  }
  ++walked->other_states[block->state];
  return 0;
}

TEST(Walk, EveryBlockOnce) {
  for (const size_t n : {size_t{40}, size_t{9000}, size_t{120000}}) {
    SCOPED_TRACE(n);
    Allocate(n);
    const Stats stats = Read();
    Walked walked;
    EXPECT_EQ(mymalloc_walk(Note, &walked), 0);
    EXPECT_EQ(walked.ours, kCount);
    EXPECT_EQ(walked.live, stats.live_blocks);
    EXPECT_EQ(walked.disorder, 0u);
    EXPECT_LE(walked.live_bytes, stats.live_bytes);
    EXPECT_EQ(walked.other_states[MYMALLOC_NO_STATE], 0u);
    EXPECT_EQ(walked.other_states[MYMALLOC_OVERWRITTEN], 0u);
    Free();
    Walked later;
    EXPECT_EQ(mymalloc_walk(Note, &later), 0);
    EXPECT_EQ(later.ours, 0u);
    EXPECT_EQ(later.live, stats.live_blocks - kCount);
  }
}

TEST(Walk, TellsWhatFindTells) {
  Allocate(600);
  size_t compared = 0;
  const auto compare = [](const mymalloc_info* block, void* argument) {
    mymalloc_info found;
    if (block->state != MYMALLOC_LIVE) return 0;
    EXPECT_EQ(mymalloc_find(block->base, &found), 0);
    EXPECT_EQ(memcmp(block, &found, sizeof(found)), 0);
    return ++*static_cast<size_t*>(argument) == 3000 ? 7 : 0;
  };
  EXPECT_EQ(mymalloc_walk(compare, &compared), 7);
  EXPECT_EQ(compared, 3000u);
  Free();
}

TEST(Walk, BesideThreadsAtWork) {
  std::atomic<bool> stop{false};
  std::thread other([&stop] {
    while (!stop.load()) {
      void* p[50];
      for (void*& b : p) b = malloc(300);
      for (void* b : p) free(b);
      free(malloc(5000000));
    }
  });
  Allocate(40);
  for (int i = 0; i < 20; ++i) {
    Walked walked;
    EXPECT_EQ(mymalloc_walk(Note, &walked), 0);
    EXPECT_EQ(walked.ours, kCount);
  }
  stop.store(true);
  other.join();
  Free();
}

// ---- As text ----

std::string Printed(int (*print)(int)) {
  const int file = memfd_create("printed", 0);
  EXPECT_EQ(print(file), 0);
  std::string text(static_cast<size_t>(lseek(file, 0, SEEK_END)), '\0');
  EXPECT_EQ(pread(file, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  close(file);
  return text;
}

// What python says of it.
void ExpectAccepted(const std::string& script, const std::string& text) {
  Command command;
  command.arguments = {"python3", "-c", script};
  command.input = text;
  const Outcome outcome = RunProgram(command);
  EXPECT_TRUE(outcome.Succeeded()) << outcome.Describe() << "\n" << text.substr(0, 3000);
}

TEST(Text, Json) {
  Allocate(40);
  const std::string text = Printed(mymalloc_stats_json);
  const Stats stats = Read();
  ExpectAccepted(R"(
import json, sys
s = json.load(sys.stdin)
assert s["version"] and s["pid"] > 1
assert sum(c["live_bytes"] for c in s["classes"]) == s["live_bytes"] - s["large_bytes"]
assert sum(h["live_bytes"] for h in s["by_heap"]) == s["live_bytes"] - s["large_bytes"]
assert sum(h["live_blocks"] for h in s["by_heap"]) == s["live_blocks"] - s["large_blocks"]
assert sum(c["live_blocks"] for c in s["classes"]) == s["live_blocks"] - s["large_blocks"]
assert sum(c["pages"] for c in s["classes"]) == s["pages"]
assert any(c["live_blocks"] >= 5000 and c["slot_size"] == 48 for c in s["classes"])
assert all(0 <= c["fragmentation"] <= 1 for c in s["classes"])
)",
                 text);
  EXPECT_NE(text.find("\"large_blocks\": " + std::to_string(stats.large_blocks)),
            std::string::npos);
  Free();
}

TEST(Text, Prometheus) {
  Allocate(40);
  ExpectAccepted(R"py(
import re, sys
families, values = {}, {}
for line in sys.stdin.read().splitlines():
    if m := re.fullmatch(r"# HELP (\w+) (.+)", line):
        assert m[1] not in families
        families[m[1]] = None
    elif m := re.fullmatch(r"# TYPE (\w+) (gauge|counter)", line):
        assert families[m[1]] is None
        families[m[1]] = m[2]
        assert (m[2] == "counter") == m[1].endswith("_total")
    else:
        m = re.fullmatch(r'(\w+)(\{(\w+="[^"]*",?)+\})? (\d+)', line)
        assert m and families[m[1]], line
        assert line.rsplit(" ", 1)[0] not in values
        values[line.rsplit(" ", 1)[0]] = int(m[4])
assert values["mymalloc_live_blocks"] >= 5000
places = sum(v for k, v in values.items() if k.startswith("mymalloc_free_by_place_bytes{"))
assert places == values["mymalloc_free_bytes"]
by_class = sum(v for k, v in values.items() if k.startswith("mymalloc_class_live_blocks{"))
assert by_class == values["mymalloc_live_blocks"] - values["mymalloc_large_blocks"]
)py",
                 Printed(mymalloc_stats_prometheus));
  Free();
}

size_t CountLines(const std::string& text, const std::string& beginning) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find("\n" + beginning, at)) != std::string::npos; ++at) ++count;
  return count;
}

TEST(Text, ThePicture) {
  Allocate(40);
  const Stats stats = Read();
  const std::string text = Printed(mymalloc_print_heap);
  EXPECT_EQ(CountLines(text, "page 0x"), stats.pages);
  EXPECT_GE(CountLines(text, "large block 0x"), stats.large_blocks);
  size_t live = 0;
  for (size_t at = text.find("\npage"); at < text.find("\nmymalloc " MYMALLOC_VERSION); ++at) {
    if (text[at] == '#') ++live;
  }
  EXPECT_EQ(live, stats.live_blocks - stats.large_blocks);
  EXPECT_NE(text.find("live_bytes"), std::string::npos);
  Free();
}

}  // namespace
}  // namespace mymalloc::test
