// An oracle: says what it has allocated, and waits. Each line of its output is a fact that the
// command must tell exactly.
//
//   zoo CIRCLES SQUARES TEXTS WORDS [LEAKS]

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace zoo {

struct Shape {
  virtual ~Shape() = default;
  virtual int Corners() const = 0;
};

struct Circle : Shape {
  int Corners() const override { return 0; }
  long radius = 1;
};

struct Square : Shape {
  int Corners() const override { return 4; }
  char pad[1000] = {};
};

}  // namespace zoo

namespace {

// Of a size that the program and its libraries have no other blocks of.
constexpr size_t kTextBytes = 712;
constexpr size_t kWordBytes = 1400;

struct Everything {
  std::vector<std::unique_ptr<zoo::Shape>> shapes;
  std::vector<char*> texts;
  std::vector<long*> words;
};
Everything* everything;

long Number(char** arguments, int i) { return std::strtol(arguments[i], nullptr, 10); }

// A ring of two that nothing else points to, and a block that one of them does.
void Leak() {
  auto* volatile* const first = static_cast<void* volatile*>(std::malloc(3000));
  auto* volatile* const second = static_cast<void* volatile*>(std::malloc(3000));
  auto* volatile* const third = static_cast<void* volatile*>(std::malloc(5000));
  first[0] = const_cast<void**>(second);
  second[5] = const_cast<void**>(first + 7);
  second[9] = const_cast<void**>(third);
  third[0] = nullptr;
}

void Fill(char** arguments) {
  for (long i = 0; i < Number(arguments, 1); ++i) {
    everything->shapes.push_back(std::make_unique<zoo::Circle>());
  }
  for (long i = 0; i < Number(arguments, 2); ++i) {
    everything->shapes.push_back(std::make_unique<zoo::Square>());
  }
  for (long i = 0; i < Number(arguments, 3); ++i) {
    everything->texts.push_back(static_cast<char*>(std::malloc(kTextBytes)));
    std::memset(everything->texts.back(), 'a', kTextBytes);
  }
  for (long i = 0; i < Number(arguments, 4); ++i) {
    everything->words.push_back(static_cast<long*>(std::calloc(1, kWordBytes)));
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 5) return 2;
  everything = new Everything;
  // In a thread of its own, so that there are blocks of an ended one.
  std::thread(Fill, arguments).join();
  if (count > 5) {
    // So that no leftover of this frame points to them.
    for (long i = 0; i < Number(arguments, 5); ++i) std::thread(Leak).join();
  }
  if (!everything->shapes.empty()) {
    std::printf("shape %p\n", static_cast<void*>(everything->shapes[0].get()));
  }
  if (!everything->texts.empty()) std::printf("text %p\n", everything->texts[0]);
  std::printf("everything %p\n", static_cast<void*>(everything));
  std::printf("ready\n");
  std::fflush(stdout);
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
  return 0;
}
