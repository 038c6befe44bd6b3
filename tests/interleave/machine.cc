#include "tests/interleave/machine.h"

#include <cstdio>
#include <cstring>

namespace mymalloc::interleave {
namespace {

uint64_t Mix(uint64_t a, uint64_t b) {
  uint64_t x = a * 0x9e3779b97f4a7c15 + b + 0x632be59bd9b4e019;
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93;
  return x ^ (x >> 32);
}

template <typename... More>
uint64_t Mix(uint64_t a, uint64_t b, uint64_t c, More... more) {
  return Mix(Mix(a, b), c, static_cast<uint64_t>(more)...);
}

}  // namespace

Machine* Machine::running_ = nullptr;

void Fail(const std::string& what) { Machine::Running()->Fail(what); }

void Machine::Fail(const std::string& what) {
  if (failure_.empty()) failure_ = what;
  Stop();
}

void Machine::Begin(const Program& program) {
  program_ = &program;
  count_ = static_cast<unsigned>(program.threads.size());
  checking_ = false;
  operations_ = 0;
  locations_.clear();
  sleepers_.clear();
  trace_.clear();
  failure_.clear();
  program.reset();
  for (unsigned i = 0; i < count_; ++i) StartThread(i, &Machine::RunThread);
  for (unsigned i = 0; i < count_; ++i) Resume(i);
}

void Machine::StartThread(unsigned i, void (*body)()) {
  Thread& thread = threads_[i];
  thread.fiber.Start(body);
  thread.ended = false;
  thread.history = i + 1;
  thread.flush_history = i + 1;
  thread.buffer.clear();
  thread.last_read = 0;
  thread.paused = false;
  thread.sleeps_on = 0;
  thread.locals.assign(program_->locals.size(), 0);
  if (i < program_->local_values.size()) thread.locals = program_->local_values[i];
  thread.exchanged = 0;
}

void Machine::Check() {
  checking_ = true;
  StartThread(count_, &Machine::RunCheck);
  Resume(count_);
}

void Machine::RunCheck() {
  running_->program_->check();
  running_->Stop();
}

void Machine::RunThread() {
  Machine* const machine = running_;
  machine->program_->threads[machine->self_]();
  machine->Stop();
}

void Machine::Stop() {
  Self().ended = true;
  for (;;) Suspend();
}

void Machine::Resume(unsigned thread) {
  self_ = thread;
  running_ = this;
  SwapLocals();
  Self().fiber.Resume();
  SwapLocals();
  running_ = nullptr;
}

void Machine::SwapLocals() {
  for (size_t i = 0; i < program_->locals.size(); ++i) {
    const uint64_t value = Read(program_->locals[i], sizeof(value));
    Write(program_->locals[i], sizeof(value), Self().locals[i]);
    Self().locals[i] = value;
  }
}

void Machine::Suspend() { Fiber::Suspend(); }

void Machine::Enabled(std::vector<Step>* steps) const {
  steps->clear();
  const auto add = [&](unsigned i) {
    const Thread& thread = threads_[i];
    if (thread.ended || thread.sleeps_on != 0) return;
    if (thread.paused) {
      const auto found = locations_.find(thread.last_read);
      if (found != locations_.end() && found->second.version == thread.last_version) return;
    }
    steps->push_back({i, false});
  };
  // The thread that ran goes on first: what is found then is found with few switches.
  if (self_ < count_) add(self_);
  for (unsigned i = 0; i < count_; ++i) {
    if (i != self_) add(i);
  }
  for (unsigned i = 0; i < count_; ++i) {
    if (!threads_[i].buffer.empty()) steps->push_back({i, true});
  }
}

void Machine::Do(Step step) {
  if (step.flush) {
    Flush(step.thread);
  } else {
    Resume(step.thread);
  }
}

bool Machine::AllEnded() const {
  for (unsigned i = 0; i < count_; ++i) {
    if (!threads_[i].ended) return false;
  }
  return true;
}

uint64_t Machine::Signature() const {
  uint64_t signature = count_;
  for (unsigned i = 0; i < count_; ++i) {
    signature = Mix(signature, threads_[i].history, threads_[i].flush_history);
  }
  return signature;
}

bool Machine::Watched(uintptr_t address) const {
  if (program_->watched.empty()) return true;
  for (const Range& range : program_->watched) {
    if (address - range.begin < range.end - range.begin) return true;
  }
  return false;
}

void Machine::Point(uintptr_t address) {
  if (++operations_ > kMostOperations) Fail("the threads do not come to an end");
  if (checking_ || !Watched(address)) return;
  Suspend();
  if (!program_->objection) return;
  running_ = nullptr;
  const char* const objection = program_->objection(address);
  running_ = this;
  if (objection != nullptr) Fail(objection + (" " + NameOf(address)));
}

void Machine::NoteRead(uintptr_t address) {
  if (checking_) return;
  Location& location = locations_[address];
  Thread& self = Self();
  self.history = Mix(self.history, kLoad, address, location.write);
  location.reads += self.history;
  self.last_read = address;
  self.last_version = location.version;
}

void Machine::NoteWrite(uintptr_t address) {
  if (checking_) return;
  Location& location = locations_[address];
  Thread& self = Self();
  self.history = Mix(self.history, kModify, address, location.write, location.reads);
  location.write = self.history;
  location.reads = 0;
  ++location.version;
}

uint64_t Machine::LoadPlain(const void* address, unsigned size) {
  const bool watched = Watched(reinterpret_cast<uintptr_t>(address));
  return watched ? Load(address, size) : Read(address, size);
}

void Machine::StorePlain(void* address, unsigned size, uint64_t value) {
  if (Watched(reinterpret_cast<uintptr_t>(address))) return StoreAtOnce(address, size, value);
  Write(address, size, value);
}

uint64_t Machine::Load(const void* address, unsigned size) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(address);
  if (program_->exchange_before_load && !checking_) {
    if (const uintptr_t other = program_->exchange_before_load(at)) {
      const uint64_t value = Exchange(reinterpret_cast<void*>(other), 8, 0);
      Self().exchanged = other;
      Self().exchanged_value = value;
    }
  }
  Point(at);
  Thread& self = Self();
  for (size_t i = self.buffer.size(); i > 0; --i) {
    const Buffered& store = self.buffer[i - 1];
    if (store.address != address) continue;
    self.history = Mix(self.history, kLoad, at);
    Note(kLoad, at, store.value);
    return store.value;
  }
  NoteRead(at);
  const uint64_t value = Read(address, size);
  Note(kLoad, at, value);
  return value;
}

void Machine::Store(void* address, unsigned size, uint64_t value) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(address);
  if (checking_ || !program_->store_buffers || !Watched(at))
    return StoreAtOnce(address, size, value);
  Point(at);
  Thread& self = Self();
  self.history = Mix(self.history, kStore, at);
  self.buffer.push_back({address, size, value, self.history});
  Note(kStore, at, value);
}

void Machine::StoreAtOnce(void* address, unsigned size, uint64_t value) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(address);
  Point(at);
  NoteWrite(at);
  Write(address, size, value);
  Note(kStore, at, value);
}

void Machine::Flush(unsigned thread) {
  Thread& t = threads_[thread];
  const Buffered store = t.buffer.front();
  t.buffer.erase(t.buffer.begin());
  const uintptr_t at = reinterpret_cast<uintptr_t>(store.address);
  Location& location = locations_[at];
  t.flush_history = Mix(t.flush_history, store.hash, location.write, location.reads);
  location.write = t.flush_history;
  location.reads = 0;
  ++location.version;
  Write(store.address, store.size, store.value);
  trace_.push_back({static_cast<uint8_t>(thread), kFlush, at, store.value});
}

void Machine::DrainBuffer() {
  while (!Self().buffer.empty()) Flush(self_);
}

uint64_t Machine::Exchange(void* address, unsigned size, uint64_t value) {
  Thread& self = Self();
  if (self.exchanged == reinterpret_cast<uintptr_t>(address)) {
    self.exchanged = 0;
    return self.exchanged_value;
  }
  return Modify(address, size, [value](uint64_t, uint64_t* fresh) {
    *fresh = value;
    return true;
  });
}

uint64_t Machine::FetchOr(void* address, unsigned size, uint64_t bits) {
  const uint64_t old = Modify(address, size, [bits](uint64_t before, uint64_t* fresh) {
    *fresh = before | bits;
    return true;
  });
  return program_->fetch_or_result ? program_->fetch_or_result(old) : old;
}

void Machine::BarrierOnAllThreads() {
  if (program_->barriers_do_nothing) return;
  Suspend();
  uint64_t seen = 0;
  for (unsigned i = 0; i < count_; ++i) {
    while (!threads_[i].buffer.empty()) Flush(i);
    // Every thread's next step comes after this one, and this one after its last.
    seen = Mix(seen, threads_[i].history, threads_[i].flush_history);
  }
  for (unsigned i = 0; i < count_; ++i) threads_[i].history = Mix(seen, kBarrier, i);
  Note(kBarrier, 0, 0);
}

void Machine::Pause() {
  Self().paused = true;
  Suspend();
  Self().paused = false;
  Self().history = Mix(Self().history, kPause);
}

// Who comes first and who later makes a difference: all sleeps and wakes on a word are writes of
// one more location, that of the kernel's queue.
void Machine::SleepOn(const uint32_t* word, uint32_t value) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(word);
  Point(at);
  DrainBuffer();
  NoteRead(at);
  if (Read(word, sizeof(*word)) != value) return;
  NoteWrite(at + 1);
  Note(kSleep, at, value);
  Self().sleeps_on = at;
  sleepers_.push_back(self_);
  Suspend();
}

void Machine::WakeOne(const uint32_t* word) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(word);
  Point(at);
  NoteWrite(at + 1);
  for (size_t i = 0; i < sleepers_.size(); ++i) {
    Thread& sleeper = threads_[sleepers_[i]];
    if (sleeper.sleeps_on != at) continue;
    sleeper.sleeps_on = 0;
    sleeper.history = Mix(sleeper.history, kWake, Self().history);
    Note(kWake, at, sleepers_[i]);
    sleepers_.erase(sleepers_.begin() + static_cast<std::ptrdiff_t>(i));
    return;
  }
  Note(kWake, at, count_);
}

uint64_t Machine::Read(const void* address, unsigned size) {
  uint64_t value = 0;
  memcpy(&value, address, size);
  return value;
}

void Machine::Write(void* address, unsigned size, uint64_t value) { memcpy(address, &value, size); }

void Machine::Note(Kind kind, uintptr_t address, uint64_t value) {
  if (checking_ || (kind != kBarrier && !Watched(address))) return;
  trace_.push_back({static_cast<uint8_t>(self_), kind, address, value});
}

std::string Machine::NameOf(uintptr_t address) const {
  char text[32];
  for (const Range& range : program_->watched) {
    if (address - range.begin >= range.end - range.begin) continue;
    snprintf(text, sizeof(text), "+%zu", static_cast<size_t>(address - range.begin));
    return range.name + text;
  }
  snprintf(text, sizeof(text), "%#zx", static_cast<size_t>(address));
  return text;
}

std::string Machine::Trace() const {
  static constexpr const char* kNames[] = {
      "load", "store", "modify", "modify (fails)", "flush ", "barrier ", "pause ", "sleep", "wake"};
  std::string all;
  for (const Event& event : trace_) {
    char text[64];
    snprintf(text, sizeof(text), " %#zx\n", static_cast<size_t>(event.value));
    all += "  thread " + std::to_string(event.thread) + ": " + kNames[event.kind] + " " +
           NameOf(event.address) + text;
  }
  return all;
}

}  // namespace mymalloc::interleave
