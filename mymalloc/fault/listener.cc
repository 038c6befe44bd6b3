#include "mymalloc/fault/listener.h"

#include <atomic>
#include <cstdint>

#include "mymalloc/base/syscall.h"

namespace mymalloc {
namespace {

std::atomic<FaultListener> g_listener{nullptr};

// The threads that are in the listener just now. A thread-local variable would cost every thread
// something; this costs nothing before something is wrong.
class ThreadsInside {
 public:
  // False if the thread is there already, or there are too many to keep account of.
  bool Enter(long tid) {
    for (const std::atomic<long>& thread : threads_) {
      if (thread.load(std::memory_order_relaxed) == tid) return false;
    }
    for (std::atomic<long>& thread : threads_) {
      long nobody = 0;
      if (thread.compare_exchange_strong(nobody, tid, std::memory_order_relaxed)) return true;
    }
    return false;
  }

  void Leave(long tid) {
    for (std::atomic<long>& thread : threads_) {
      if (thread.load(std::memory_order_relaxed) == tid) thread.store(0, std::memory_order_relaxed);
    }
  }

 private:
  std::atomic<long> threads_[64] = {};
};

ThreadsInside g_inside;

}  // namespace

void SetFaultListener(FaultListener listener) { g_listener = listener; }

bool HasFaultListener() { return g_listener != nullptr; }

void TellFaultListener(const Fault& fault, const char* message, size_t size) {
  const FaultListener listener = g_listener;
  if (listener == nullptr || !IsThreadOfLibc()) return;
  const long tid = CurrentTid();
  if (!g_inside.Enter(tid)) return;
  listener(fault, message, size);
  g_inside.Leave(tid);
}

}  // namespace mymalloc
