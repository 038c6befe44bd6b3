// A drop-in for std::atomic whose operations are steps of a modelled thread (machine.h). Outside of
// one they act at once.

#ifndef MYMALLOC_TESTS_INTERLEAVE_SCHEDULED_ATOMIC_H_
#define MYMALLOC_TESTS_INTERLEAVE_SCHEDULED_ATOMIC_H_

#include <atomic>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tests/interleave/machine.h"

namespace mymalloc::interleave {

template <typename T>
uint64_t ToBits(T value) {
  static_assert(std::is_trivially_copyable<T>::value && sizeof(T) <= sizeof(uint64_t), "a word");
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof(T));
  return bits;
}

template <typename T>
T FromBits(uint64_t bits) {
  T value;
  memcpy(static_cast<void*>(&value), &bits, sizeof(T));
  return value;
}

// The two built-in functions that the engine uses on plain memory. Their stores are not delayed:
// the engine also looks at such memory by plain reads.
template <typename T>
T LoadPlain(const T* address) {
  Machine* const machine = Machine::Running();
  return machine != nullptr ? FromBits<T>(machine->LoadPlain(address, sizeof(T))) : *address;
}

template <typename T>
void StorePlain(T* address, T value) {
  if (Machine* const machine = Machine::Running()) {
    machine->StorePlain(address, sizeof(T), ToBits(value));
  } else {
    *address = value;
  }
}

template <typename T>
class ScheduledAtomic {
 public:
  static constexpr bool is_always_lock_free = std::atomic<T>::is_always_lock_free;

  ScheduledAtomic() = default;
  constexpr ScheduledAtomic(T value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  ScheduledAtomic(const ScheduledAtomic&) = delete;
  ScheduledAtomic& operator=(const ScheduledAtomic&) = delete;

  T operator=(T value) {  // NOLINT(misc-unconventional-assign-operator): as the standard's
    store(value);
    return value;
  }

  T load(std::memory_order = std::memory_order_seq_cst) const {
    Machine* const machine = Machine::Running();
    return machine != nullptr ? FromBits<T>(machine->Load(&value_, sizeof(T))) : value_;
  }

  void store(T value, std::memory_order order = std::memory_order_seq_cst) {
    Machine* const machine = Machine::Running();
    if (machine == nullptr) {
      value_ = value;
      return;
    }
    machine->Store(&value_, sizeof(T), ToBits(value));
    if (order == std::memory_order_seq_cst) machine->DrainBuffer();
  }

  T exchange(T value, std::memory_order = std::memory_order_seq_cst) {
    if (Machine* const machine = Machine::Running()) {
      return FromBits<T>(machine->Exchange(&value_, sizeof(T), ToBits(value)));
    }
    const T old = value_;
    value_ = value;
    return old;
  }

  T fetch_or(T bits, std::memory_order = std::memory_order_seq_cst) {
    if (Machine* const machine = Machine::Running()) {
      return FromBits<T>(machine->FetchOr(&value_, sizeof(T), ToBits(bits)));
    }
    const T old = value_;
    value_ = static_cast<T>(old | bits);
    return old;
  }

  T fetch_and(T bits, std::memory_order = std::memory_order_seq_cst) {
    return Modify([bits](T old) { return static_cast<T>(old & bits); });
  }
  T fetch_add(T n, std::memory_order = std::memory_order_seq_cst) {
    return Modify([n](T old) { return static_cast<T>(old + n); });
  }
  T fetch_sub(T n, std::memory_order = std::memory_order_seq_cst) {
    return Modify([n](T old) { return static_cast<T>(old - n); });
  }

  bool compare_exchange_strong(T& expected, T value, std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst) {
    const T wanted = expected;
    if (Machine* const machine = Machine::Running()) {
      const auto change = [&](uint64_t old, uint64_t* fresh) {
        *fresh = ToBits(value);
        return old == ToBits(wanted);
      };
      expected = FromBits<T>(machine->Modify(&value_, sizeof(T), change));
    } else {
      expected = value_;
      if (value_ == wanted) value_ = value;
    }
    return expected == wanted;
  }
  // x86-64's never fails without a reason.
  bool compare_exchange_weak(T& expected, T value, std::memory_order = std::memory_order_seq_cst,
                             std::memory_order = std::memory_order_seq_cst) {
    return compare_exchange_strong(expected, value);
  }

  operator T() const { return load(); }  // NOLINT(google-explicit-constructor)

 private:
  template <typename Change>
  T Modify(Change&& change) {
    if (Machine* const machine = Machine::Running()) {
      const auto bits = [&](uint64_t old, uint64_t* fresh) {
        *fresh = ToBits(change(FromBits<T>(old)));
        return true;
      };
      return FromBits<T>(machine->Modify(&value_, sizeof(T), bits));
    }
    const T old = value_;
    value_ = change(old);
    return old;
  }

  T value_;
};

}  // namespace mymalloc::interleave

#endif  // MYMALLOC_TESTS_INTERLEAVE_SCHEDULED_ATOMIC_H_
