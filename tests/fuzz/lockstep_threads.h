// Threads that take turns: one acts while the others wait, in the same order in every run.

#ifndef MYMALLOC_TESTS_FUZZ_LOCKSTEP_THREADS_H_
#define MYMALLOC_TESTS_FUZZ_LOCKSTEP_THREADS_H_

#include <array>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace mymalloc::test {

// A thread that does what it is told while the one that tells it waits.
class LockstepThread {
 public:
  LockstepThread() : thread_([this] { Serve(); }) {}
  ~LockstepThread() {
    Run([this] { stopped_ = true; });
    thread_.join();
  }
  LockstepThread(const LockstepThread&) = delete;
  LockstepThread& operator=(const LockstepThread&) = delete;

  // Returns when the thread has done the work.
  void Run(const std::function<void()>& work) {
    std::unique_lock<std::mutex> lock(mutex_);
    work_ = &work;
    changed_.notify_all();
    changed_.wait(lock, [this] { return work_ == nullptr; });
  }

 private:
  void Serve() {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!stopped_) {
      changed_.wait(lock, [this] { return work_ != nullptr; });
      (*work_)();
      work_ = nullptr;
      changed_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::function<void()>* work_ = nullptr;
  bool stopped_ = false;
  std::thread thread_;  // the last member: it uses the others
};

// Several of them, by number; number 0 is the caller's own thread. Each starts when it is first
// needed.
class LockstepThreads {
 public:
  static constexpr unsigned kCount = 4;

  void Run(unsigned thread, const std::function<void()>& work) {
    if (thread == 0) return work();
    if (!IsRunning(thread)) threads_[thread] = std::make_unique<LockstepThread>();
    threads_[thread]->Run(work);
  }
  bool IsRunning(unsigned thread) const { return thread == 0 || threads_[thread] != nullptr; }
  void End(unsigned thread) { threads_[thread].reset(); }

 private:
  std::array<std::unique_ptr<LockstepThread>, kCount> threads_;
};

}  // namespace mymalloc::test

#endif  // MYMALLOC_TESTS_FUZZ_LOCKSTEP_THREADS_H_
