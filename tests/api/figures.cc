#include "tests/api/figures.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

namespace mymalloc::test {
namespace {

constexpr size_t kMostText = 1 << 20;
char info_text[kMostText];
char buffer[kMostText];

// A file without a name.
class Sink {
 public:
  Sink() : fd_(memfd_create("figures", MFD_CLOEXEC)) {}
  ~Sink() { close(fd_); }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  int fd() const { return fd_; }

  void ReadInto(char* text, size_t size) const {
    const ssize_t got = pread(fd_, text, size - 1, 0);
    EXPECT_GT(got, 0);
    EXPECT_LT(got, static_cast<ssize_t>(size) - 1);
    text[got > 0 ? got : 0] = '\0';
  }

 private:
  int fd_;
};

// The value of an attribute of the element that begins at `element`.
std::string Attribute(const char* element, const char* name) {
  const char* const end = strchr(element, '>');
  const std::string text(element, end);
  const std::string wanted = std::string(" ") + name + "=\"";
  const size_t at = text.find(wanted);
  if (end == nullptr || at == std::string::npos) {
    ADD_FAILURE() << "no " << name << " in " << text;
    return "";
  }
  const size_t begin = at + wanted.size();
  return text.substr(begin, text.find('"', begin) - begin);
}

size_t Number(const char* element, const char* name) {
  return strtoull(Attribute(element, name).c_str(), nullptr, 10);
}

void ReadSize(const char* element, HeapFigures* heap) {
  const size_t count = Number(element, "count");
  const size_t size = Number(element, "total");
  EXPECT_GE(size, count * Number(element, "from"));
  EXPECT_LE(size, count * Number(element, "to"));
  heap->sizes.count += count;
  heap->sizes.size += size;
}

void ReadTotal(const char* element, HeapFigures* heap) {
  const std::string type = Attribute(element, "type");
  Amount& amount = type == "fast" ? heap->fast : type == "rest" ? heap->rest : heap->mmap;
  amount = {Number(element, "count"), Number(element, "size")};
}

void ReadSystem(const char* element, HeapFigures* heap) {
  (Attribute(element, "type") == "current" ? heap->current : heap->most) = Number(element, "size");
}

bool Begins(const char* text, const char* with) { return strncmp(text, with, strlen(with)) == 0; }

void ParseInfo(Figures* figures) {
  EXPECT_TRUE(Begins(info_text, "<malloc version=\"1\">"));
  HeapFigures* heap = &figures->total;
  for (const char* at = info_text; (at = strchr(at, '<')) != nullptr; ++at) {
    if (Begins(at, "<heap ")) {
      ASSERT_LT(figures->heap_count, Figures::kMostHeaps);
      heap = &figures->heaps[figures->heap_count++];
      heap->number = Number(at, "nr");
    } else if (Begins(at, "</heap>")) {
      heap = &figures->total;
    } else if (Begins(at, "<size ")) {
      ReadSize(at, heap);
    } else if (Begins(at, "<total ")) {
      ReadTotal(at, heap);
    } else if (Begins(at, "<system ")) {
      ReadSystem(at, heap);
    } else if (Begins(at, "<aspace ")) {
      heap->space = Number(at, "size");
    }
  }
}

}  // namespace

size_t Figures::Stat(const char* label, unsigned nth) const {
  const char* at = strstr(stats, label);
  for (; nth > 0 && at != nullptr; --nth) at = strstr(at + 1, label);
  if (at == nullptr) {
    ADD_FAILURE() << "no " << label << " in:\n" << stats;
    return 0;
  }
  return strtoull(strchr(at, '=') + 1, nullptr, 10);
}

Figures ReadFigures() {
  const Sink info;
  const Sink stats;
  FILE* const stream = fdopen(dup(info.fd()), "w");
  setvbuf(stream, buffer, _IOFBF, sizeof(buffer));
  fflush(stderr);
  const int saved = dup(STDERR_FILENO);
  dup2(stats.fd(), STDERR_FILENO);

  Figures figures;
  figures.info = mallinfo2();
  const int result = malloc_info(0, stream);
  malloc_stats();

  dup2(saved, STDERR_FILENO);
  close(saved);
  fclose(stream);
  EXPECT_EQ(result, 0);
  info.ReadInto(info_text, sizeof(info_text));
  stats.ReadInto(figures.stats, sizeof(figures.stats));
  ParseInfo(&figures);
  return figures;
}

namespace {

void Add(const Amount& amount, Amount* sum) {
  sum->count += amount.count;
  sum->size += amount.size;
}

void ExpectEqual(const Amount& is, const Amount& expected, const char* what) {
  EXPECT_EQ(is.count, expected.count) << what;
  EXPECT_EQ(is.size, expected.size) << what;
}

void ExpectHeapsAreTheTotal(const Figures& f) {
  HeapFigures sum;
  for (size_t i = 0; i < f.heap_count; ++i) {
    const HeapFigures& heap = f.heaps[i];
    EXPECT_EQ(heap.number, i);
    Add(heap.fast, &sum.fast);
    Add(heap.rest, &sum.rest);
    sum.current += heap.current;
    EXPECT_GE(heap.current, heap.fast.size + heap.rest.size) << i;
    EXPECT_GE(heap.most, heap.current) << i;
    EXPECT_LE(heap.most, f.total.most) << i;
    EXPECT_EQ(heap.space, heap.current) << i;
    // Heap 0 has ranges of memory, which are of no such sizes.
    if (i == 0) continue;
    EXPECT_EQ(heap.sizes.count, heap.fast.count + heap.rest.count) << i;
    EXPECT_EQ(heap.sizes.size, heap.fast.size + heap.rest.size) << i;
  }
  ExpectEqual(f.total.fast, sum.fast, "fast");
  ExpectEqual(f.total.rest, sum.rest, "rest");
  EXPECT_EQ(f.total.current, sum.current);
  EXPECT_GE(f.total.most, f.total.current);
}

}  // namespace

void ExpectAgreement(const Figures& f) {
  ExpectHeapsAreTheTotal(f);
  ExpectEqual(f.total.fast, {f.info.smblks, f.info.fsmblks}, "fast");
  EXPECT_EQ(f.total.rest.count, f.info.ordblks);
  EXPECT_EQ(f.total.fast.size + f.total.rest.size, f.info.fordblks);
  ExpectEqual(f.total.mmap, {f.info.hblks, f.info.hblkhd}, "mmap");
  EXPECT_EQ(f.total.current, f.info.arena);
  EXPECT_EQ(f.info.arena, f.info.uordblks + f.info.fordblks);
  EXPECT_LE(f.info.keepcost, f.info.fordblks);
  EXPECT_EQ(f.Stat("system bytes"), f.info.arena);
  EXPECT_EQ(f.Stat("in use bytes"), f.info.uordblks);
  EXPECT_EQ(f.Stat("system bytes", 1), f.info.arena + f.info.hblkhd);
  EXPECT_EQ(f.Stat("in use bytes", 1), f.info.uordblks + f.info.hblkhd);
  EXPECT_GE(f.Stat("max mmap regions"), f.info.hblks);
  EXPECT_GE(f.Stat("max mmap bytes"), f.info.hblkhd);
  EXPECT_EQ(f.Stat("free blocks"), f.info.ordblks + f.info.smblks);
  EXPECT_EQ(f.Stat("held by threads"), f.info.smblks);
  EXPECT_LE(f.Stat("free page bytes") + f.Stat("freed mmap bytes"), f.info.fordblks);
  if (testing::Test::HasFailure()) printf("%s%s", f.stats, info_text);
}

}  // namespace mymalloc::test
