#include "mymalloc/misuse/crash.h"

#include <signal.h>
#include <time.h>
#include <ucontext.h>

#include "mymalloc/base/lock.h"
#include "mymalloc/base/syscall.h"
#include "mymalloc/fault/fault.h"
#include "mymalloc/heap/freer.h"
#include "mymalloc/large/large.h"
#include "mymalloc/misuse/sampled_blocks.h"
#include "mymalloc/supply/page_map.h"

namespace mymalloc {
namespace {

struct sigaction g_before;

// Whether a lock comes free, and can be waited for: not if this thread itself holds it, which
// faulted in a signal handler that interrupted the allocator, or in the allocator.
bool ComesFree(Lock& lock) { return ReportLockHolder(lock).held(); }

bool ExplainSampled(uintptr_t address, Fault* fault) {
  static SampledSlot slot;  // too large for a small handler's stack
  slot = g_sampled.Nearest(address);
  if (slot.state == SampledSlot::kUnused) return false;
  fault->block = slot.Describe();
  fault->allocated = &slot.allocated;
  fault->freed = &slot.freed;
  fault->Say(slot.state == SampledSlot::kFree ? Message::kUsedAfterFree
             : address < slot.block           ? Message::kAccessBefore
                                              : Message::kAccessPast);
  return true;
}

bool ExplainHeld(uintptr_t address, Fault* fault) {
  FreedLarge::Record freed;
  if (!g_large_blocks.FindFreed(address, &freed) || !freed.held.Contains(address)) return false;
  fault->block = freed.Describe();
  fault->Say(Message::kUsedAfterFree);
  return true;
}

// The guard pages before and behind a large block, and behind a page of slots.
bool ExplainGuardPage(uintptr_t address, Fault* fault) {
  Interval range;
  Owner owner;
  const bool behind = g_page_map.Find(address - KernelPage(), &range, &owner);
  if (!behind && !g_page_map.Find(address + KernelPage(), &range, &owner)) return false;
  const LargeBlock* const large = owner.large();
  if (large == nullptr && (owner.page() == nullptr || !behind)) return false;
  if (large != nullptr) {
    fault->block = {large->block, large->usable(), large->IsLive() ? "live" : FaultBlock::kFree, 0,
                    0};
    fault->block.maker = NotedMaker(large->kind);
    fault->Say(behind ? Message::kAccessPast : Message::kAccessBefore);
  } else {
    const PageHeader& page = *owner.page();
    const SlotIndex slot = page.slots_end() - kOneSlot;
    fault->block = {page.Block(slot), page.stride() - kTagBytes, "the last of its page",
                    page.page().value(), slot.value()};
    fault->Say(Message::kAccessPastRun);
  }
  return true;
}

// What happens to a signal that no handler of the program's waits for. A fault comes again when the
// instruction does, and now ends the process, also where the signal is ignored, as the kernel has
// it. One that was sent does not come again by itself.
void LetHappen(int signal, bool sent) {
  if (sent && g_before.sa_handler == SIG_IGN) return;
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  sigaction(signal, &standard, nullptr);
  // Blocked until the handler has returned.
  if (sent) Syscall(SYS_tgkill, CurrentPid(), CurrentTid(), signal);
}

void OnFault(int signal, siginfo_t* info, void* context) {
  const auto* const registers = static_cast<const ucontext_t*>(context);
  constexpr long kWrite = 2;  // of the processor's error code for a page fault
  const bool write = (registers->uc_mcontext.gregs[REG_ERR] & kWrite) != 0;
  if (info->si_code == SEGV_MAPERR || info->si_code == SEGV_ACCERR) {
    ExplainAccess(reinterpret_cast<uintptr_t>(info->si_addr), write ? "store" : "load");
  }
  if ((g_before.sa_flags & SA_SIGINFO) != 0) return g_before.sa_sigaction(signal, info, context);
  if (g_before.sa_handler != SIG_DFL && g_before.sa_handler != SIG_IGN) {
    return g_before.sa_handler(signal);
  }
  LetHappen(signal, info->si_code <= 0);
}

}  // namespace

bool ExplainAccess(uintptr_t address, const char* called) {
  if (!ComesFree(g_page_map.lock()) || !ComesFree(g_large_blocks.lock())) return false;
  Fault fault;
  fault.called = called;
  fault.address = address;
  Interval range;
  Owner owner;
  const bool known = g_page_map.Find(address, &range, &owner);
  const bool explained = known ? owner.sampled() && ExplainSampled(address, &fault)
                               : ExplainHeld(address, &fault) || ExplainGuardPage(address, &fault);
  FaultEvent freed;
  if (fault.freed == nullptr) fault.freed = FreedBy(FreedFromWhere(fault.block), &freed);
  if (explained) Explain(fault);
  return explained;
}

void InstallCrashHandler() {
  struct sigaction action = {};
  action.sa_sigaction = &OnFault;
  // SA_RESTART: one that was sent, and is ignored, interrupts no system call.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  sigaction(SIGSEGV, &action, &g_before);
}

}  // namespace mymalloc
