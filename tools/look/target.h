// What is looked at: a process by its number, a core file, a snapshot.

#ifndef MYMALLOC_TOOLS_LOOK_TARGET_H_
#define MYMALLOC_TOOLS_LOOK_TARGET_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/look/mappings.h"
#include "tools/look/memory.h"

namespace mymalloc::look {

// What a thread's registers held, as far as they may hold pointers.
struct Thread {
  static constexpr size_t kWords = 27;  // user_regs_struct
  static constexpr size_t kStackPointer = 19;
  static constexpr size_t kVectorWords = 32;  // of xmm0 to xmm15

  uint64_t id = 0;
  uint64_t words[kWords] = {};
  std::vector<uint64_t> vectors;  // of the vector registers, where they are known

  uint64_t stack_pointer() const { return words[kStackPointer]; }
};

class Target {
 public:
  virtual ~Target() = default;

  const std::string& name() const { return name_; }        // as it was asked for
  const std::string& program() const { return program_; }  // its path; empty if it is not known
  pid_t pid() const { return pid_; }                       // 0 if it is not known
  virtual bool is_live() const { return false; }

  const Memory& memory() const { return *memory_; }
  const Mappings& mappings() const { return mappings_; }
  // Those of a live process change.
  virtual void RereadMappings() {}

  // Stops all threads of a live process, until the end of the scope, and reads their registers.
  // False if that is not allowed; *error says so then.
  class Stop {
   public:
    virtual ~Stop() = default;
    std::vector<Thread> threads;
  };
  virtual std::unique_ptr<Stop> StopThreads(std::string* error);

  // From now on whoever asked is told how many bytes are read.
  void TellReads(ToldMemory::Tell tell) {
    memory_ = std::make_unique<ToldMemory>(std::move(memory_), std::move(tell));
  }

  // By which path a mapped file can be opened here.
  virtual std::string FileAt(const std::string& path) const { return path; }

 protected:
  std::string name_;
  std::string program_;
  pid_t pid_ = 0;
  Mappings mappings_;
  std::unique_ptr<Memory> memory_;
  std::vector<Thread> threads_;  // of what is dead
};

// nullptr if it cannot be looked at; *error says why, and what helps, then.
std::unique_ptr<Target> OpenTarget(const std::string& name, std::string* error);
std::unique_ptr<Target> OpenProcess(pid_t pid, std::string* error);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_TARGET_H_
