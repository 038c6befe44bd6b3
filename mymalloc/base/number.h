// Numbers of one kind each: a class, a heap, a slot, so many slots. One is as long as the integer
// that it holds and costs nothing, but it becomes an integer, and an integer becomes one, only
// where that is written out; and a number of another kind it never becomes.

#ifndef MYMALLOC_BASE_NUMBER_H_
#define MYMALLOC_BASE_NUMBER_H_

#include <cstddef>

namespace mymalloc {

// What all kinds have. `Kind`: any type, to tell them apart; it need not be defined.
template <typename Kind, typename Integer>
class Number {
 public:
  Number() = default;  // as an integer, any number: zeroed memory is zero
  explicit constexpr Number(Integer value) : value_(value) {}
  constexpr Integer value() const { return value_; }

  friend constexpr bool operator==(Number a, Number b) { return a.value_ == b.value_; }
  friend constexpr bool operator!=(Number a, Number b) { return a.value_ != b.value_; }
  friend constexpr bool operator<(Number a, Number b) { return a.value_ < b.value_; }
  friend constexpr bool operator<=(Number a, Number b) { return a.value_ <= b.value_; }
  friend constexpr bool operator>(Number a, Number b) { return a.value_ > b.value_; }
  friend constexpr bool operator>=(Number a, Number b) { return a.value_ >= b.value_; }

 private:
  Integer value_;
};

// How many. Sums and differences are so many, too; so many times a length is a length.
template <typename Kind>
class Count : public Number<Count<Kind>, unsigned> {
 public:
  using Number<Count, unsigned>::Number;

  friend constexpr Count operator+(Count a, Count b) { return Count(a.value() + b.value()); }
  friend constexpr Count operator-(Count a, Count b) { return Count(a.value() - b.value()); }
  friend constexpr size_t operator*(Count n, size_t bytes) { return n.value() * bytes; }
  // Of the integers: to choose between two objects the compiler would put both into memory.
  friend constexpr Count Min(Count a, Count b) {
    return Count(b.value() < a.value() ? b.value() : a.value());
  }
};

// Which. What is added to it is how far: `Distance`, an integer or a Count.
template <typename Kind, typename Distance = unsigned>
class Ordinal : public Number<Ordinal<Kind, Distance>, unsigned> {
 public:
  using Number<Ordinal, unsigned>::Number;

  constexpr Ordinal& operator++() { return *this = Ordinal(this->value() + 1); }
  constexpr Ordinal& operator--() { return *this = Ordinal(this->value() - 1); }
  friend constexpr Ordinal operator+(Ordinal a, Distance n) {
    return Ordinal(a.value() + Plain(n));
  }
  friend constexpr Ordinal operator-(Ordinal a, Distance n) {
    return Ordinal(a.value() - Plain(n));
  }
  friend constexpr Distance operator-(Ordinal a, Ordinal b) {
    return Distance(a.value() - b.value());
  }
  friend constexpr Ordinal Min(Ordinal a, Ordinal b) {
    return Ordinal(b.value() < a.value() ? b.value() : a.value());
  }

 private:
  static constexpr unsigned Plain(unsigned n) { return n; }
  template <typename Of>
  static constexpr unsigned Plain(Count<Of> n) {
    return n.value();
  }
};

// An array into which only its own kind of number leads.
template <typename Index, typename T, size_t n>
struct ArrayBy {
  T items[n];

  constexpr T& operator[](Index i) { return items[i.value()]; }
  constexpr const T& operator[](Index i) const { return items[i.value()]; }
  constexpr T* begin() { return items; }
  constexpr T* end() { return items + n; }
  constexpr const T* begin() const { return items; }
  constexpr const T* end() const { return items + n; }
};

// The numbers from `first` up to, but not, `behind`: for (SizeClass c : EachSizeClass()).
template <typename N>
class Each {
 public:
  constexpr Each(N first, N behind) : first_(first), behind_(behind) {}

  struct Iterator {
    N at;
    constexpr N operator*() const { return at; }
    constexpr Iterator& operator++() {
      ++at;
      return *this;
    }
    constexpr bool operator!=(Iterator other) const { return at != other.at; }
  };
  constexpr Iterator begin() const { return {first_}; }
  constexpr Iterator end() const { return {behind_}; }

 private:
  N first_;
  N behind_;
};

}  // namespace mymalloc

#endif  // MYMALLOC_BASE_NUMBER_H_
