#include "tests/daemons/system_call_filter.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <utility>

#include "tests/support/check.h"

namespace mymalloc::test {
namespace {

sock_filter Load(size_t offset) {
  return {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<uint32_t>(offset)};
}

sock_filter Return(uint32_t verdict) { return {BPF_RET | BPF_K, 0, 0, verdict}; }

sock_filter SkipNextUnless(uint32_t value) { return {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value}; }

sock_filter SkipNextIf(uint32_t value) { return {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, value}; }

sock_filter SkipNextIfAtLeast(uint32_t value) { return {BPF_JMP | BPF_JGE | BPF_K, 1, 0, value}; }

sock_filter SkipNextIfBelow(uint32_t value) { return {BPF_JMP | BPF_JGE | BPF_K, 0, 1, value}; }

void CheckArchitecture(std::vector<sock_filter>* code) {
  code->insert(code->end(), {Load(offsetof(seccomp_data, arch)), SkipNextIf(AUDIT_ARCH_X86_64),
                             Return(SECCOMP_RET_KILL_PROCESS)});
}

void Judge(const std::vector<int>& calls, uint32_t verdict, uint32_t otherwise,
           std::vector<sock_filter>* code) {
  code->push_back(Load(offsetof(seccomp_data, nr)));
  for (const int call : calls) {
    code->push_back(SkipNextUnless(static_cast<uint32_t>(call)));
    code->push_back(Return(verdict));
  }
  code->push_back(Return(otherwise));
}

void Install(std::vector<sock_filter> code) {
  const sock_fprog program = {static_cast<unsigned short>(code.size()), code.data()};
  MYMALLOC_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  MYMALLOC_CHECK(
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0);
}

void Explain(int, siginfo_t* trap, void*) {
  char text[64];
  const int length =
      snprintf(text, sizeof(text), "system call %d is not allowed\n", trap->si_syscall);
  if (write(STDERR_FILENO, text, static_cast<size_t>(length)) != length) _exit(2);
  _exit(1);
}

void Install(const std::vector<int>& calls, uint32_t verdict, uint32_t otherwise) {
  std::vector<sock_filter> code;
  CheckArchitecture(&code);
  Judge(calls, verdict, otherwise, &code);
  Install(std::move(code));
}

}  // namespace

std::vector<int> AllocatorCalls() {
  return {SYS_mmap, SYS_munmap, SYS_mremap, SYS_mprotect, SYS_madvise, SYS_futex};
}

std::vector<int> MemoryCalls() {
  std::vector<int> calls = AllocatorCalls();
  calls.insert(calls.end(), {SYS_brk, SYS_write, SYS_exit, SYS_exit_group, SYS_rt_sigreturn});
  return calls;
}

void AllowOnly(const std::vector<int>& calls, uint32_t otherwise) {
  Install(calls, SECCOMP_RET_ALLOW, otherwise);
}

Code CodeOf(const std::string& library) {
  std::ifstream maps("/proc/self/maps");
  Code code{0, 0};
  for (std::string line; std::getline(maps, line);) {
    if (line.find(" r-xp ") == std::string::npos) continue;
    if (line.find(library) == std::string::npos) continue;
    MYMALLOC_CHECK(code.end == 0);
    MYMALLOC_CHECK(sscanf(line.c_str(), "%lx-%lx", &code.begin, &code.end) == 2);
  }
  MYMALLOC_CHECK(code.end != 0);
  return code;
}

void AllowOnlyFrom(Code code, const std::vector<int>& calls, uint32_t otherwise) {
  constexpr size_t kLow = offsetof(seccomp_data, instruction_pointer);
  constexpr size_t kHigh = kLow + sizeof(uint32_t);
  const auto high = static_cast<uint32_t>(code.begin >> 32);
  MYMALLOC_CHECK(high == static_cast<uint32_t>(code.end >> 32));
  std::vector<sock_filter> filter;
  CheckArchitecture(&filter);
  const sock_filter allow = Return(SECCOMP_RET_ALLOW);
  filter.insert(filter.end(), {Load(kHigh), SkipNextIf(high), allow, Load(kLow),
                               SkipNextIfAtLeast(static_cast<uint32_t>(code.begin)), allow,
                               SkipNextIfBelow(static_cast<uint32_t>(code.end)), allow});
  Judge(calls, SECCOMP_RET_ALLOW, otherwise, &filter);
  Install(std::move(filter));
}

void Deny(const std::vector<int>& calls, uint32_t verdict) {
  Install(calls, verdict, SECCOMP_RET_ALLOW);
}

void AllowOnlyAdvice(int advice) {
  std::vector<sock_filter> filter;
  CheckArchitecture(&filter);
  const sock_filter allow = Return(SECCOMP_RET_ALLOW);
  filter.insert(filter.end(), {Load(offsetof(seccomp_data, nr)), SkipNextIf(SYS_madvise), allow,
                               Load(offsetof(seccomp_data, args[2])),
                               SkipNextUnless(static_cast<uint32_t>(advice)), allow,
                               Return(SECCOMP_RET_ERRNO | EINVAL)});
  Install(std::move(filter));
}

void ExplainTraps() {
  struct sigaction action = {};
  action.sa_sigaction = Explain;
  action.sa_flags = SA_SIGINFO;
  MYMALLOC_CHECK(sigaction(SIGSYS, &action, nullptr) == 0);
}

}  // namespace mymalloc::test
