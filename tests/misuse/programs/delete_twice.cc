// The double frees that only C++ has.

#include <memory>
#include <new>
#include <string>
#include <vector>

#include "tests/misuse/programs/case.h"

namespace {

struct Small {
  char bytes[40];
};
struct Virtual {
  virtual ~Virtual() {}
  char bytes[3000];
};
struct alignas(128) Wide {
  char bytes[128];
};

template <typename T>
T* Made(T* object) {
  return reinterpret_cast<T*>(Block(object));
}
template <typename T>
T* Given(T* object) {
  return reinterpret_cast<T*>(Give(object));
}

CASE(object) {
  Small* const p = Made(new Small);
  delete p;
  delete Given(p);
}
CASE(integer) {
  int* const p = Made(new int);
  delete p;
  delete Given(p);
}
CASE(array) {
  int* const p = Made(new int[1000]);
  delete[] p;
  delete[] Given(p);
}
CASE(large_array) {
  char* const p = Made(new char[kLarge]);
  delete[] p;
  delete[] Given(p);
}
CASE(without_a_size) {
  void* const p = Block(operator new(kSmall));
  operator delete(p);
  operator delete(Give(p));
}
CASE(object_with_virtual_destructor) {
  void* const p = Block(operator new(sizeof(Virtual)));
  delete new (p) Virtual;
  operator delete(Give(p), sizeof(Virtual));
}
CASE(over_aligned_object) {
  Wide* const p = Made(new Wide);
  delete p;
  delete Given(p);
}
CASE(nothrow) {
  void* const p = Block(operator new(kSmall, std::nothrow));
  operator delete(p, std::nothrow);
  operator delete(Give(p), std::nothrow);
}
CASE(freed_then_deleted) {
  Small* const p = Made(new Small);
  free(static_cast<void*>(p));
  delete Given(p);
}
CASE(deleted_then_freed) {
  Small* const p = Made(new Small);
  delete p;
  free(Give(p));
}
CASE(two_owners) {
  Small* const p = Made(new Small);
  std::unique_ptr<Small> first(p);
  std::unique_ptr<Small> second(p);
  first.reset();
  second.reset(Given(second.release()));
}
CASE(vector_and_delete) {
  std::vector<int> numbers(100);
  void* const p = Block(numbers.data());
  std::vector<int>().swap(numbers);
  operator delete(Give(p));
}
CASE(string_and_free) {
  std::string text(100, 'x');
  void* const p = Block(&text[0]);
  std::string().swap(text);
  free(Give(p));
}
CASE(deleted_on_another_thread) {
  Small* const p = Made(new Small);
  OnAnotherThread([](void* object) { delete static_cast<Small*>(object); }, p);
  delete Given(p);
}

}  // namespace
