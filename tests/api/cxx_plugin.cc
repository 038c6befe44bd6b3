// A C++ library for a program that has no C++ in it (c_host.c): each form of operator new without
// memory, with no handler, one that gives up after some calls, one that throws, and one that frees
// enough.

#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <new>

namespace {

constexpr size_t kTooMuch = PTRDIFF_MAX;
constexpr std::align_val_t kAlignment{256};

using New = void* (*)(size_t);

struct Form {
  const char* name;
  New allocate;
};

const Form kForms[] = {
    {"plain", [](size_t n) { return ::operator new(n); }},
    {"array", [](size_t n) { return ::operator new[](n); }},
    {"aligned", [](size_t n) { return ::operator new(n, kAlignment); }},
    {"aligned array", [](size_t n) { return ::operator new[](n, kAlignment); }},
    {"nothrow", [](size_t n) { return ::operator new(n, std::nothrow); }},
    {"nothrow array", [](size_t n) { return ::operator new[](n, std::nothrow); }},
    {"aligned nothrow", [](size_t n) { return ::operator new(n, kAlignment, std::nothrow); }},
    {"aligned nothrow array",
     [](size_t n) { return ::operator new[](n, kAlignment, std::nothrow); }},
};

int calls;

void GiveUpAtTheThird() {
  if (++calls == 3) std::set_new_handler(nullptr);
}

void Throw() {
  ++calls;
  throw 7;
}

const char* Outcome(New allocate) {
  try {
    return allocate(kTooMuch) == nullptr ? "null" : "a block";
  } catch (const std::bad_alloc&) {
    return "bad_alloc";
  } catch (int) {
    return "what the handler threw";
  }
}

constexpr size_t kMiB = size_t{1} << 20;

void* reserve;

void FreeReserve() {
  ++calls;
  ::operator delete(reserve);
  reserve = nullptr;
  std::set_new_handler(nullptr);
}

// The process may have a GiB: there is room for the block only once the reserve is gone.
void TryWithReserve(const Form& form) {
  reserve = ::operator new(600 * kMiB);
  calls = 0;
  std::set_new_handler(&FreeReserve);
  void* const block = form.allocate(600 * kMiB);
  std::printf("%s: %s after %d calls that freed\n", form.name,
              block != nullptr ? "a block" : "null", calls);
  ::operator delete(block);
}

// No handler can help: none is called, and for ever would be too often.
void TryAnImpossibleAlignment() {
  static volatile size_t twenty_four = 24;  // the compiler would not have it
  static const auto impossible = static_cast<std::align_val_t>(twenty_four);
  for (const New allocate :
       {New([](size_t n) { return ::operator new(n, impossible); }),
        New([](size_t n) { return ::operator new(n, impossible, std::nothrow); })}) {
    calls = 0;
    std::set_new_handler(&GiveUpAtTheThird);
    const char* const outcome = Outcome(allocate);
    std::set_new_handler(nullptr);
    std::printf("aligned to 24: %s after %d calls\n", outcome, calls);
  }
}

}  // namespace

extern "C" __attribute__((visibility("default"))) void TryAllForms() {
  for (const Form& form : kForms) {
    for (const std::new_handler handler : {std::new_handler{nullptr}, &GiveUpAtTheThird, &Throw}) {
      calls = 0;
      std::set_new_handler(handler);
      const char* const outcome = Outcome(form.allocate);
      std::set_new_handler(nullptr);
      std::printf("%s: %s after %d calls\n", form.name, outcome, calls);
    }
    TryWithReserve(form);
  }
  TryAnImpossibleAlignment();
  std::fflush(stdout);
}
