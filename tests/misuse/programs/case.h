/* A fault is a function of a few lines, a case, that a program runs by name:
 *
 *   CASE(small_at_once) {
 *     char* p = Block(malloc(24));
 *     free(p);
 *     free(Give(p));
 *   }
 *
 * Before it does wrong it says on stdout what the report must tell: which pointer it gives away and
 * which block that belongs to. The tests fill that into the text that they expect. In C and C++. */

#ifndef MYMALLOC_TESTS_MISUSE_PROGRAMS_CASE_H_
#define MYMALLOC_TESTS_MISUSE_PROGRAMS_CASE_H_

#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuse-after-free" /* the faults are here on purpose */
#endif

#ifdef __cplusplus
extern "C" {
#endif

enum { kSmall = 24, kMedium = 5000, kLarge = 5 << 20, kHuge = 64 << 20 };

struct Case {
  const char* name;
  void (*run)(void);
  struct Case* next;
};

void RegisterCase(struct Case* added);

#define CASE(name)                                            \
  static void name(void);                                     \
  __attribute__((constructor)) static void Add_##name(void) { \
    static struct Case added = {#name, name, NULL};           \
    RegisterCase(&added);                                     \
  }                                                           \
  static void name(void)

/* The block that the report describes, while it is live, on the thread that has it; and the one
 * that the report accuses. NULL: none. All return what they are given, of which the compiler then
 * knows nothing. */
char* Block(void* block);
char* BlockOf(void* block, size_t usable); /* that is not live */
char* Culprit(void* block);
/* The size or alignment that the bad call is given besides. */
size_t Given(size_t number);
/* The pointer that the bad call is given, on this thread of this process. */
char* Give(const void* pointer);

/* Two or three live blocks of that size, one right behind the other. */
struct Neighbours {
  char *first, *second, *third;
};
struct Neighbours AllocateNeighbours(size_t size);

/* A byte, or the whole tag, gets another value. */
void Spoil(char* address, size_t bytes);

/* Allocates and frees enough of that size for whatever was freed before to leave the caches. */
void Churn(size_t size);

/* Runs it on another thread, to its end. */
void OnAnotherThread(void (*run)(void*), void* argument);

/* Ends the program as a failure if it is false. */
void Require(int condition, const char* what);
#define REQUIRE(condition) Require((condition) != 0, #condition)

#ifdef __cplusplus
}
#endif

#endif /* MYMALLOC_TESTS_MISUSE_PROGRAMS_CASE_H_ */
