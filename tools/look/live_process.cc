// A live process: read while it runs, by process_vm_readv.

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tools/look/file_bytes.h"
#include "tools/look/stopped_threads.h"
#include "tools/look/target.h"

namespace mymalloc::look {
namespace {

class LiveMemory : public Memory {
 public:
  explicit LiveMemory(pid_t pid) : pid_(pid) {}
  ~LiveMemory() override {
    if (file_ >= 0) close(file_);
  }

  bool Read(uint64_t address, void* to, size_t bytes) const override {
    if (file_ >= 0) return ReadAt(file_, address, to, bytes);
    iovec local = {to, bytes};
    iovec remote = {reinterpret_cast<void*>(address), bytes};
    const ssize_t got = process_vm_readv(pid_, &local, 1, &remote, 1, 0);
    return got >= 0 && static_cast<size_t>(got) == bytes;
  }

  void ReadEach(std::vector<Piece>* pieces) const override {
    if (file_ >= 0) return Memory::ReadEach(pieces);
    for (size_t i = 0; i < pieces->size();) i = ReadSome(pieces, i);
  }

  // Whether it may be read at all. A sandbox may refuse the one way, and the kernel not have it.
  bool Probe(uint64_t address) {
    char byte;
    if (Read(address, &byte, 1)) return true;
    const int why = errno;
    file_ = open(absl::StrCat("/proc/", pid_, "/mem").c_str(), O_RDONLY | O_CLOEXEC);
    if (file_ >= 0 && Read(address, &byte, 1)) return true;
    errno = why;
    return false;
  }

 private:
  static constexpr size_t kMostAtOnce = 1024;  // IOV_MAX

  // Returns the first piece that is not settled yet. The kernel stops in the first that it cannot
  // read whole.
  size_t ReadSome(std::vector<Piece>* pieces, size_t first) const {
    const size_t count = std::min(kMostAtOnce, pieces->size() - first);
    local_.resize(count);
    remote_.resize(count);
    for (size_t i = 0; i < count; ++i) {
      const Piece& piece = (*pieces)[first + i];
      local_[i] = {piece.to, piece.bytes};
      remote_[i] = {reinterpret_cast<void*>(piece.address), piece.bytes};
    }
    ssize_t got = process_vm_readv(pid_, local_.data(), count, remote_.data(), count, 0);
    size_t i = first;
    for (; got > 0 && i < first + count; ++i) {
      Piece& piece = (*pieces)[i];
      got -= static_cast<ssize_t>(piece.bytes);
      piece.read = got >= 0;
      if (got < 0) return i + 1;
    }
    if (i < first + count) (*pieces)[i++].read = false;
    return i;
  }

  const pid_t pid_;
  int file_ = -1;
  mutable std::vector<iovec> local_;
  mutable std::vector<iovec> remote_;
};

// What stands in the way, and who can remove it.
std::string WhyNot(pid_t pid, int error) {
  const std::string process = absl::StrCat("process ", pid);
  if (error == ESRCH || error == ENOENT) return absl::StrCat("there is no ", process);
  if (error != EPERM && error != EACCES) return absl::StrCat(process, ": ", strerror(error));
  std::string scope;
  ReadWholeFile("/proc/sys/kernel/yama/ptrace_scope", &scope);
  std::string message = absl::StrCat(
      "no permission to look into ", process,
      ": run as its user, or as root; a process with more rights than its user's needs the "
      "capability CAP_SYS_PTRACE");
  if (!scope.empty() && scope[0] != '0') {
    absl::StrAppend(&message, "; kernel.yama.ptrace_scope is ", scope.substr(0, 1),
                    ", which allows it to ", scope[0] == '1' ? "parents" : "privileged processes",
                    " only (sysctl kernel.yama.ptrace_scope=0)");
  }
  return message;
}

class LiveProcess : public Target {
 public:
  bool Open(pid_t pid, std::string* error) {
    pid_ = pid;
    name_ = absl::StrCat(pid);
    std::string text;
    if (!ReadWholeFile(Proc("/maps"), &text)) return Fail(errno, error);
    mappings_ = ParseMappings(text);
    const auto readable = std::find_if(mappings_.begin(), mappings_.end(), [](const Mapping& m) {
      return m.readable && m.path != "[vvar]" && m.path != "[vsyscall]";
    });
    if (readable == mappings_.end()) {
      *error = absl::StrCat("process ", pid,
                            " has no memory: it has ended, or is a thread of the kernel");
      return false;
    }
    auto memory = std::make_unique<LiveMemory>(pid);
    if (!memory->Probe(readable->range.begin)) return Fail(errno, error);
    memory_ = std::move(memory);
    ReadProgram();
    return true;
  }

  bool is_live() const override { return true; }

  void RereadMappings() override {
    std::string text;
    if (ReadWholeFile(Proc("/maps"), &text)) mappings_ = ParseMappings(text);
  }

  std::unique_ptr<Stop> StopThreads(std::string* error) override {
    return StopThreadsOf(pid_, error);
  }

  // The process may see other files by its paths.
  std::string FileAt(const std::string& path) const override {
    const std::string own = absl::StrCat(Proc("/root"), path);
    return access(own.c_str(), R_OK) == 0 ? own : path;
  }

 private:
  std::string Proc(const char* name) const { return absl::StrCat("/proc/", pid_, name); }

  bool Fail(int why, std::string* error) const {
    *error = WhyNot(pid_, why);
    return false;
  }

  void ReadProgram() {
    char path[4096];
    const ssize_t length = readlink(Proc("/exe").c_str(), path, sizeof(path));
    if (length > 0) program_.assign(path, static_cast<size_t>(length));
  }
};

}  // namespace

std::unique_ptr<Target> OpenProcess(pid_t pid, std::string* error) {
  auto process = std::make_unique<LiveProcess>();
  if (!process->Open(pid, error)) return nullptr;
  return process;
}

}  // namespace mymalloc::look
