// workload NAME [--scale=F] [--threads=N] [--live=N] [--idle] [--trace=FILE]   runs one workload
// and prints one JSON line; workload --list   names them all.
//
// A workload does a fixed amount of work from a fixed seed, so that every allocator does the same.

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "benchmarks/workloads/workload.h"

namespace workloads {
namespace {

constexpr Workload kWorkloads[] = {
    {"pair", "malloc and free of 64 bytes, again and again", Pair},
    {"batch_fifo", "batches of small blocks, freed in the order of allocation", BatchFifo},
    {"batch_lifo", "batches of small blocks, freed in reverse order", BatchLifo},
    {"batch_random", "batches of small blocks, freed in random order", BatchRandom},
    {"random_small_heap", "random replacement over 4 K live blocks of mixed sizes",
     RandomSmallHeap},
    {"random_large_heap", "random replacement over 256 K live blocks of mixed sizes",
     RandomLargeHeap},
    {"cold_heap", "random replacement over 256 K live blocks of 16-527 bytes", ColdHeap},
    {"larson", "a server: threads hand their live blocks to their successors", Larson},
    {"server_latency", "larson, each malloc and free timed", ServerLatency},
    {"prodcons_1_1", "one producer allocates, one consumer frees", ProducerConsumer11},
    {"prodcons_1_n", "one producer, several consumers", ProducerConsumer1N},
    {"prodcons_n_1", "several producers, one consumer", ProducerConsumerN1},
    {"prodcons_large", "one producer, one consumer, blocks of 33-300 KiB", ProducerConsumerLarge},
    {"remote_free", "two threads free each other's blocks; the frees alone are timed", RemoteFree},
    {"remote_free_shuffled", "the same, freed in random order", RemoteFreeShuffled},
    {"remote_cycle", "two threads free each other's blocks; allocation timed too", RemoteCycle},
    {"false_sharing_passive", "blocks of one thread handed to several, freed and reallocated there",
     FalseSharingPassive},
    {"false_sharing_active", "threads allocate tiny blocks and write to them", FalseSharingActive},
    {"realloc_growth", "buffers grown by a quarter up to 64 MiB", ReallocGrowth},
    {"realloc_strings", "many strings grown by a few bytes", ReallocStrings},
    {"medium_written", "blocks of 4-256 KiB, written from end to end", MediumWritten},
    {"large_turns", "blocks of 5-25 MiB, allocated and freed in turn", LargeTurns},
    {"calloc_1k_1m", "calloc of 1 KiB to 1 MiB, used and freed", Calloc1K1M},
    {"fragmentation", "long-lived among short-lived blocks, sizes shifting", Fragmentation},
    {"phases", "allocated in one phase, mostly freed in the next, of other sizes", Phases},
    {"thread_churn", "short-lived threads that allocate, free, and leave a little", ThreadChurn},
    {"scale_threads", "random replacement by --threads threads, the work shared", ScaleThreads},
    {"scale_33k_300k", "random replacement of 33-300 KiB by --threads threads", Scale33K300K},
    {"scale_300k_2m", "random replacement of 300 KiB - 2 MiB by --threads threads", Scale300K2M},
    {"scale_live", "random replacement over --live blocks", ScaleLive},
    {"idle_memory", "8 threads allocate 400 MB in mixed sizes and free all of it", IdleMemory},
    {"replay", "a recorded trace of a real program: --trace=FILE", Replay},
    {"touch_memory", "no allocator: the cost of touching memory for the first time", TouchMemory},
};

const Workload* Find(const char* name) {
  for (const Workload& workload : kWorkloads) {
    if (std::strcmp(workload.name, name) == 0) return &workload;
  }
  return nullptr;
}

// The value of `argument` when it is the flag `name`; null otherwise.
const char* FlagValue(const char* argument, const char* name) {
  const size_t length = std::strlen(name);
  if (std::strncmp(argument, name, length) != 0 || argument[length] != '=') return nullptr;
  return argument + length + 1;
}

bool ParseFlag(const char* argument, Options& options) {
  if (std::strcmp(argument, "--idle") == 0) {
    options.idle = true;
  } else if (const char* scale = FlagValue(argument, "--scale")) {
    options.scale = std::atof(scale);
  } else if (const char* threads = FlagValue(argument, "--threads")) {
    options.threads = std::atoi(threads);
  } else if (const char* trace = FlagValue(argument, "--trace")) {
    options.trace = trace;
  } else if (const char* live = FlagValue(argument, "--live")) {
    options.live = std::strtoull(live, nullptr, 10);
  } else {
    return false;
  }
  return true;
}

int List() {
  for (const Workload& workload : kWorkloads) {
    std::printf("%-22s %s\n", workload.name, workload.what);
  }
  return 0;
}

int Usage() {
  std::fprintf(stderr,
               "usage: workload NAME [--scale=F] [--threads=N] [--live=N] [--idle] [--trace=FILE]\n"
               "       workload --list\n");
  return 2;
}

int Main(int argc, char** argv) {
  if (argc < 2) return Usage();
  if (std::strcmp(argv[1], "--list") == 0) return List();
  const Workload* workload = Find(argv[1]);
  if (workload == nullptr) return Usage();
  Options options;
  for (int i = 2; i < argc; ++i) {
    if (!ParseFlag(argv[i], options)) return Usage();
  }
  static Report report;  // Static, so that it is no part of the heap under test.
  workload->run(options, report);
  if (options.idle) report.MeasureIdle();
  report.PrintJson(workload->name);
  return 0;
}

}  // namespace
}  // namespace workloads

int main(int argc, char** argv) { return workloads::Main(argc, argv); }
