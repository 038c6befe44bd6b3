#include "mymalloc/base/number.h"

#include <type_traits>
#include <vector>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

using Floor = Ordinal<struct FloorKind>;
using Pages = Count<struct PagesKind>;
using PageNumber = Ordinal<struct PageKind, Pages>;

// What must not compile.
static_assert(!std::is_convertible<unsigned, Floor>::value, "an integer is no floor by itself");
static_assert(!std::is_convertible<Floor, unsigned>::value, "nor the other way round");
static_assert(!std::is_constructible<Floor, PageNumber>::value, "kinds do not mix");
static_assert(!std::is_constructible<PageNumber, Pages>::value, "which is not how many");

template <typename A, typename B, typename = void>
struct Adds : std::false_type {};
template <typename A, typename B>
struct Adds<A, B, decltype(void(std::declval<A>() + std::declval<B>()))> : std::true_type {};
static_assert(Adds<PageNumber, Pages>::value, "a place so much farther on is a place");
static_assert(!Adds<PageNumber, PageNumber>::value, "a sum of two places is no place");
static_assert(!Adds<PageNumber, unsigned>::value, "how far is a number of pages");

// What they are to the compiler.
static_assert(sizeof(PageNumber) == sizeof(unsigned), "as long as what it holds");
static_assert(std::is_trivially_copyable<PageNumber>::value, "an atomic may hold it");
static_assert(std::is_trivially_default_constructible<PageNumber>::value, "zeroed memory is one");
static_assert(PageNumber{3} + Pages{4} == PageNumber{7}, "before the program runs, too");

TEST(NumberTest, PlacesAndDistances) {
  PageNumber page{10};
  EXPECT_TRUE(page - PageNumber{4} == Pages{6});
  EXPECT_TRUE(page - Pages{4} == PageNumber{6});
  EXPECT_TRUE(++page == PageNumber{11});
  EXPECT_TRUE(--page == PageNumber{10});
  EXPECT_TRUE(Pages{2} + Pages{3} - Pages{1} == Pages{4});
  EXPECT_EQ(Pages{3} * 100, 300u);
  EXPECT_EQ(Floor{7} - Floor{5}, 2u);
  EXPECT_TRUE(Floor{5} < Floor{7} && Floor{7} <= Floor{7} && Floor{7} != Floor{5});
}

TEST(NumberTest, AnArrayIsLookedIntoByItsKind) {
  ArrayBy<Floor, int, 3> rooms = {};
  rooms[Floor{1}] = 5;
  EXPECT_EQ(rooms.items[1], 5);
  int sum = 0;
  for (const int n : rooms) sum += n;
  EXPECT_EQ(sum, 5);
}

TEST(NumberTest, EachHasTheFirstAndNotTheOneBehind) {
  std::vector<unsigned> seen;
  for (const Floor floor : Each<Floor>(Floor{2}, Floor{5})) seen.push_back(floor.value());
  EXPECT_EQ(seen, (std::vector<unsigned>{2, 3, 4}));
  for (const Floor floor : Each<Floor>(Floor{2}, Floor{2})) ADD_FAILURE() << floor.value();
}

}  // namespace
}  // namespace mymalloc
