// soak SECONDS CSV PLUGIN [--leak]: everything at once for so long, in two processes; their
// resident memory goes to the CSV file. Exits with 0 if all blocks were intact, the heaps sound,
// and the memory does not creep. --leak: with a leak on purpose, which must be found.

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "tests/soak/series.h"
#include "tests/soak/worker.h"
#include "tests/support/block.h"
#include "tests/support/check.h"

namespace mymalloc::test {
namespace {

constexpr int kWorkers = 2;
constexpr size_t kSlack = 8 * kMiB;
constexpr int kMostSamples = 300;

using Clock = std::chrono::steady_clock;

size_t ResidentBytesOf(pid_t pid) {
  FILE* const file = fopen(("/proc/" + std::to_string(pid) + "/statm").c_str(), "re");
  size_t pages = 0;
  if (file == nullptr || fscanf(file, "%*u %zu", &pages) != 1) pages = 0;
  if (file != nullptr) fclose(file);
  return pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

pid_t StartWorker(const WorkerPlan& plan) {
  const pid_t pid = fork();
  MYMALLOC_CHECK(pid >= 0);
  if (pid == 0) {
    RunWorker(plan);
    _exit(0);
  }
  return pid;
}

// Until a worker ends, or all have.
Series Record(const std::vector<pid_t>& workers, std::chrono::seconds length, FILE* csv) {
  Series total;
  const Clock::time_point start = Clock::now();
  const auto pause = std::chrono::milliseconds(length) / kMostSamples;
  fprintf(csv, "seconds,first_resident_kib,second_resident_kib\n");
  while (Clock::now() < start + length) {
    std::this_thread::sleep_for(pause);
    const std::chrono::duration<double> passed = Clock::now() - start;
    fprintf(csv, "%.1f", passed.count());
    size_t sum = 0;
    for (const pid_t pid : workers) {
      const size_t bytes = ResidentBytesOf(pid);
      fprintf(csv, ",%zu", bytes / kKiB);
      if (bytes == 0) return total;
      sum += bytes;
    }
    fprintf(csv, "\n");
    fflush(csv);
    total.Add(sum);
  }
  return total;
}

bool AllEndWell(const std::vector<pid_t>& workers) {
  bool well = true;
  for (const pid_t pid : workers) {
    int status = 0;
    MYMALLOC_CHECK(waitpid(pid, &status, 0) == pid);
    if (status == 0) continue;
    fprintf(stderr, "soak: worker %d ended with status %d\n", static_cast<int>(pid), status);
    well = false;
  }
  return well;
}

int Soak(std::chrono::seconds length, const char* csv_path, const WorkerPlan& common) {
  FILE* const csv = fopen(csv_path, "we");
  MYMALLOC_CHECK(csv != nullptr);
  std::vector<pid_t> workers;
  WorkerPlan plan = common;
  plan.end = Clock::now() + length;
  for (int i = 0; i < kWorkers; ++i) {
    ++plan.seed;
    workers.push_back(StartWorker(plan));
  }
  const Series resident = Record(workers, length, csv);
  fclose(csv);
  if (!AllEndWell(workers)) return EXIT_FAILURE;
  MYMALLOC_CHECK(resident.size() >= 20);
  const bool creeps = resident.Creeps(kSlack);
  printf(
      "%lld s: all blocks intact, heaps sound; resident memory (median): %zu MiB early, %zu MiB "
      "late: %s\n",
      static_cast<long long>(length.count()), resident.Early() / kMiB, resident.Late() / kMiB,
      creeps ? "IT CREEPS" : "it does not creep");
  return creeps ? EXIT_FAILURE : EXIT_SUCCESS;
}

std::string Self() {
  char path[4096] = {};
  MYMALLOC_CHECK(readlink("/proc/self/exe", path, sizeof(path) - 1) > 0);
  return path;
}

int Main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "--misuse") == 0) {
    Misuse();
    return EXIT_SUCCESS;
  }
  if (argc < 4) {
    fprintf(stderr, "usage: soak SECONDS CSV PLUGIN [--leak]\n");
    return EXIT_FAILURE;
  }
  WorkerPlan plan;
  plan.self = Self();
  plan.plugin = argv[3];
  plan.leak = argc == 5 && strcmp(argv[4], "--leak") == 0;
  return Soak(std::chrono::seconds(strtol(argv[1], nullptr, 10)), argv[2], plan);
}

}  // namespace
}  // namespace mymalloc::test

int main(int argc, char** argv) { return mymalloc::test::Main(argc, argv); }
