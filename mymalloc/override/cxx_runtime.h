// The C++ library of the program, if it has one: what operator new needs of it.
//
// libmymalloc.so must not need libstdc++. In a C++ program the references in cxx_runtime.cc, which
// are weak, were bound when it was loaded. In a C program that loads C++ libraries later (python3,
// for one) they are null for ever, and the functions are looked for when they are needed: in
// the module that called, which may have a C++ library of its own inside, or in libstdc++.so.6.

#ifndef MYMALLOC_OVERRIDE_CXX_RUNTIME_H_
#define MYMALLOC_OVERRIDE_CXX_RUNTIME_H_

#include <new>

namespace mymalloc::api {

// `caller`: an address in the code that called operator new. Where that call was the last thing its
// function did, it is one in that function's caller: a C++ library inside of the module is then not
// found if that lies in another module.
//
// nullptr if none is set, or there is no C++ library.
std::new_handler GetNewHandler(const void* caller);

// Ends the process if there is no C++ library.
[[noreturn]] void ThrowBadAlloc(const void* caller);

}  // namespace mymalloc::api

// The compiler's calls for a `catch (...)` that drops what it caught, passed on. The file that
// catches has them called by
//
//   __asm__(MYMALLOC_CATCH_THROUGH_CXX_RUNTIME)
#define MYMALLOC_CATCH_THROUGH_CXX_RUNTIME                \
  ".set __gxx_personality_v0, mymalloc_cxx_personality\n" \
  ".set __cxa_begin_catch, mymalloc_cxx_begin_catch\n"    \
  ".set __cxa_end_catch, mymalloc_cxx_end_catch\n"

#endif  // MYMALLOC_OVERRIDE_CXX_RUNTIME_H_
