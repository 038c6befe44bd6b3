#include "mymalloc/fault/fault.h"

#include <unistd.h>

#include <atomic>

#include "absl/base/attributes.h"
#include "mymalloc/base/options.h"
#include "mymalloc/base/printer.h"
#include "mymalloc/base/probe.h"
#include "mymalloc/base/syscall.h"
#include "mymalloc/base/units.h"
#include "mymalloc/fault/abort.h"
#include "mymalloc/fault/last_report.h"
#include "mymalloc/fault/listener.h"
#include "mymalloc/fault/report_file.h"
#include "mymalloc/fault/stack_printer.h"
#include "mymalloc/fault/stack_trace.h"

namespace mymalloc {
namespace {

constexpr unsigned kMostFrames = 16;

// Whether the thread gives memory back; and whether it found something to abort for.
__thread bool t_giving_back ABSL_ATTRIBUTE_INITIAL_EXEC;
__thread bool t_abort_is_due ABSL_ATTRIBUTE_INITIAL_EXEC;

void PrintPrefix(Printer& out) {
  out.Text("mymalloc[").Signed(CurrentPid()).Text(".").Signed(CurrentTid()).Text("]: ");
}

void PrintBlock(Printer& out, const char* heading, const FaultBlock& block, uintptr_t address) {
  if (block.begin == 0) return;
  out.Text("  ").Text(heading).Text(": [").Pointer(block.begin).Text(", ");
  out.Pointer(block.begin + block.usable).Text("), ").Decimal(block.usable);
  out.Text(" usable bytes");
  if (block.maker != nullptr) out.Text(" by ").Text(block.maker);
  out.Text(", ").Text(block.state);
  if (address != block.begin) {
    out.Text(", the pointer is at offset ").Signed(static_cast<int64_t>(address - block.begin));
  }
  if (block.page != 0) {
    out.Text("; slot ").Decimal(block.slot).Text(" of page ").Pointer(block.page);
  } else {
    out.Text("; a range of its own");
  }
  out.Text("\n");
}

void PrintEvent(Printer& out, const char* what, const FaultEvent* event, size_t reserved) {
  if (event == nullptr || event->count == 0) return;
  out.Text("  ").Text(what);
  if (event->thread != 0) out.Text(" by thread ").Signed(event->thread);
  out.Text(event->thread != 0 ? ":\n" : " from:\n");
  PrintFrames(event->frames, event->count, reserved, out);
}

// Whether the block could have been a sampled one (misuse/sampled_blocks.h), of which more is
// known.
bool CouldBeSampled(const Fault& fault) {
  constexpr size_t kAround = 16;
  return fault.block.begin != 0 && fault.block.sampling_shows_more &&
         fault.block.usable <= KernelPage() - kAround && fault.allocated == nullptr &&
         !(g_options.sample == Sampling{1});
}

void PrintAdvice(Printer& out, const Fault& fault) {
  out.Text("  ").Text(fault.advice).Text("\n");
  if (CouldBeSampled(fault)) {
    out.Text("  Run it with MYMALLOC_SAMPLE=1 to see where such blocks are allocated and freed.\n");
  }
}

// The advice stands last, and is there whatever else had to be left out.
void PrintStacksAndAdvice(Printer& out, const uintptr_t* frames, unsigned count,
                          const Fault& fault) {
  const size_t before = out.size();
  PrintAdvice(out, fault);
  const size_t reserved = out.size() - before;
  out.CutBackTo(before);
  // Half of the room at most, if there is a past to tell.
  const bool has_past = fault.allocated != nullptr || fault.freed != nullptr;
  PrintStack(frames, count, reserved + (has_past ? out.room() / 2 : 0), out);
  PrintEvent(out, "freed", fault.freed, reserved + out.room() / 2);
  PrintEvent(out, "allocated", fault.allocated, reserved);
  PrintAdvice(out, fault);
}

void PrintReport(Printer& out, const Fault& fault, const uintptr_t* frames, unsigned count) {
  PrintPrefix(out);
  out.Text(NameOf(fault.what)).Text(": ");
  if (fault.called != nullptr) {
    out.Text(fault.called).Text("(").Pointer(fault.address).Text("): ");
  } else {
    out.Text("found ").Text(IsGivingBack() ? "while giving memory back" : "by a later call");
    out.Text(": ").Pointer(fault.address).Text(": ");
  }
  out.Text(fault.detail).Text("\n");
  if (fault.given_name != nullptr) {
    out.Text("  given: ").Text(fault.given_name).Text(" ").Decimal(fault.given).Text("\n");
  }
  PrintBlock(out, "block", fault.block, fault.address);
  PrintDamage(out, {fault.block.begin, fault.block.usable}, fault.written);
  PrintBlock(out, "probably by", fault.culprit, fault.culprit.begin);
  PrintStacksAndAdvice(out, frames, count, fault);
}

// Most of what a report needs of the stack is the text; so that a small stack is enough, it is
// here, for one report at a time.
ABSL_CONST_INIT Printer g_text;
std::atomic<bool> g_text_in_use{false};

void ReportInto(Printer& out, const Fault& fault, const uintptr_t* frames, unsigned count) {
  MYMALLOC_PROBE(misuse, fault.what, fault.address);
  PrintReport(out, fault, frames, count);
  const char* const message = out.Terminated();
  const size_t size = out.size();
  KeepLastReport(message, size);
  if (g_options.on_error != OnError::kIgnore) {
    out.CopyTo(STDERR_FILENO);
    // Second: a sandbox may end the process for opening a file.
    AppendToReportFile(out);
  }
  TellFaultListener(fault, message, size);
}

ABSL_ATTRIBUTE_NOINLINE void ReportIntoOwnText(const Fault& fault, const uintptr_t* frames,
                                               unsigned count) {
  Printer own;
  ReportInto(own, fault, frames, count);
}

}  // namespace

const char* NotedMaker(Kind kind) { return g_policy.Notes() ? NameOf(kind) : nullptr; }

// Not inlined: in a program that the library is linked into, this is where the stack begins.
ABSL_ATTRIBUTE_NOINLINE void Explain(const Fault& fault) {
  if (g_options.on_error == OnError::kIgnore && !HasFaultListener()) return;
  uintptr_t frames[kMostFrames];
  const unsigned count = CaptureStack(frames, kMostFrames);
  if (g_text_in_use.exchange(true)) {
    ReportIntoOwnText(fault, frames, count);
  } else {
    g_text.CutBackTo(0);
    ReportInto(g_text, fault, frames, count);
    g_text_in_use = false;
  }
}

void Report(const Fault& fault) {
  if (g_options.on_error != OnError::kAbort) return Explain(fault);
  // The first is the one that ends the process, so only that is reported: a handler of SIGABRT may
  // come upon more of the same damage.
  const bool found_later = fault.called == nullptr;
  if (found_later && IsAborting()) return;
  if (!IsGivingBack()) {
    Explain(fault);
    Abort();
  }
  if (!t_abort_is_due) Explain(fault);
  t_abort_is_due = true;
}

void BeginGivingBack() { t_giving_back = true; }

bool EndGivingBack() {
  t_giving_back = false;
  const bool due = t_abort_is_due;
  t_abort_is_due = false;
  return due;
}

bool IsGivingBack() { return t_giving_back; }

void Die(const char* message) {
  Printer out;
  PrintPrefix(out);
  out.Text(message).Text("\n").WriteTo(STDERR_FILENO);
  Abort();
}

}  // namespace mymalloc
