// A C program that misuses the heap in the way that its argument names.

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mymalloc/mymalloc.h"

// It is there when the library is.
#pragma weak mymalloc_on_misuse

#define TEST_FUNCTION __attribute__((noinline))
#define NO_TAIL_CALL() __asm__ volatile("")

static void* volatile block;

TEST_FUNCTION void ReleaseBlock(void) {
  free(block);
  NO_TAIL_CALL();
}

TEST_FUNCTION void ReleaseTwice(void) {
  block = malloc(40);
  ReleaseBlock();
  ReleaseBlock();
  NO_TAIL_CALL();
}

static void* OnThread(void* argument) {
  ReleaseTwice();
  NO_TAIL_CALL();
  return argument;
}

TEST_FUNCTION void OnSmallThread(void) {
  pthread_attr_t attributes;
  pthread_t thread;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN);
  if (pthread_create(&thread, &attributes, OnThread, NULL) != 0) _exit(2);
  pthread_join(thread, NULL);
}

static void Handle(int number) {
  (void)number;
  ReleaseTwice();
  NO_TAIL_CALL();
}

// On the smallest stack that a handler can be expected to have.
TEST_FUNCTION void OnSignalStack(void) {
  static char memory[8192];
  stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)};
  struct sigaction action = {.sa_handler = Handle, .sa_flags = SA_ONSTACK};
  if (sigaltstack(&stack, NULL) != 0 || sigaction(SIGUSR1, &action, NULL) != 0) _exit(2);
  raise(SIGUSR1);
  NO_TAIL_CALL();
}

// printf would allocate.
static void Print(const char* text) {
  if (write(STDOUT_FILENO, text, strlen(text)) < 0) _exit(2);
}

static void Tell(const struct mymalloc_misuse* misuse, void* argument) {
  Print(argument);
  Print(misuse->what);
  // What misuses the heap in these cases frees a block twice, or a pointer into one.
  const bool twice = strcmp(misuse->what, "double free") == 0;
  const enum mymalloc_misuse_kind kind = twice ? MYMALLOC_DOUBLE_FREE : MYMALLOC_INVALID_POINTER;
  Print(misuse->kind == kind ? " in " : " (of another kind) in ");
  Print(misuse->called);
  Print(misuse->address == block ? ", address right" : ", address wrong");
  Print(misuse->block == block ? ", block right" : ", block wrong");
  Print(misuse->usable_size == 40 ? ", size right\n" : ", size wrong\n");
  Print(strlen(misuse->message) == misuse->message_size ? "" : "length wrong\n");
  Print(misuse->message);
}

static void TellAndMisuse(const struct mymalloc_misuse* misuse, void* argument) {
  Tell(misuse, argument);
  free(block);
  free((char*)argument + 1);
}

static void TellAndCrash(const struct mymalloc_misuse* misuse, void* argument) {
  Tell(misuse, argument);
  raise(SIGSEGV);
}

static void CrashAndMisuse(int number) {
  (void)number;
  ReleaseTwice();
  _exit(4);
}

int main(int argc, char** argv) {
  static char argument[] = "told: ";
  const char* how = argc > 1 ? argv[1] : "";
  if (mymalloc_on_misuse == NULL) return 3;
  if (strcmp(how, "thread") == 0) {
    OnSmallThread();
  } else if (strcmp(how, "signal") == 0) {
    OnSignalStack();
  } else if (strcmp(how, "callback") == 0) {
    mymalloc_on_misuse(Tell, argument);
  } else if (strcmp(how, "removed") == 0) {
    mymalloc_on_misuse(Tell, argument);
    mymalloc_on_misuse(NULL, NULL);
  } else if (strcmp(how, "misusing") == 0) {
    mymalloc_on_misuse(TellAndMisuse, argument);
  } else if (strcmp(how, "crashing") == 0) {
    signal(SIGSEGV, CrashAndMisuse);
    mymalloc_on_misuse(TellAndCrash, argument);
  }
  ReleaseTwice();
  Print("went on\n");
  return 0;
}
