#include "mymalloc/heap/page_queue.h"

#include <algorithm>
#include <deque>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace mymalloc {
namespace {

// Only their links are looked at.
using Pages = std::vector<PageHeader>;

TEST(PageQueueTest, AnEmptyOneHasNothing) {
  Pages pages(1);
  PageQueue<0> queue{};
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(queue.Pop(), nullptr);
  EXPECT_FALSE(queue.Has(&pages[0]));
  queue.Push(&pages[0]);
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_TRUE(queue.Has(&pages[0]));
  EXPECT_EQ(queue.Pop(), &pages[0]);
  EXPECT_EQ(queue.Pop(), nullptr);
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_FALSE(queue.Has(&pages[0]));
}

TEST(PageQueueTest, FirstInFirstOut) {
  for (size_t count : {1u, 2u, 3u, 1000u}) {
    Pages pages(count);
    PageQueue<1> queue{};
    for (PageHeader& page : pages) queue.Push(&page);
    EXPECT_EQ(queue.size(), count);
    for (PageHeader& page : pages) ASSERT_EQ(queue.Pop(), &page) << count;
    EXPECT_EQ(queue.Pop(), nullptr);
  }
}

TEST(PageQueueTest, WhatIsPushedFirstIsNext) {
  Pages pages(4);
  PageQueue<0> queue{};
  EXPECT_TRUE(queue.PushFirst(&pages[2]));
  queue.Push(&pages[3]);
  EXPECT_TRUE(queue.PushFirst(&pages[1]));
  EXPECT_FALSE(queue.PushFirst(&pages[3]));
  EXPECT_TRUE(queue.PushFirst(&pages[0]));
  EXPECT_EQ(queue.size(), 4u);
  for (PageHeader& page : pages) ASSERT_EQ(queue.Pop(), &page);
  EXPECT_EQ(queue.Pop(), nullptr);
}

// A page that is in keeps its place, and one that is not in can be removed all the same.
TEST(PageQueueTest, APageIsInOnceAtMost) {
  Pages pages(3);
  PageQueue<0> queue{};
  queue.Remove(&pages[0]);
  queue.Push(&pages[0]);
  queue.Push(&pages[1]);
  queue.Push(&pages[0]);
  EXPECT_EQ(queue.size(), 2u);
  queue.Remove(&pages[2]);
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(queue.Pop(), &pages[0]);
  EXPECT_EQ(queue.Pop(), &pages[1]);
  EXPECT_EQ(queue.Pop(), nullptr);
}

TEST(PageQueueTest, APageIsInTwoQueuesAtOnce) {
  Pages pages(3);
  PageQueue<0> one{};
  PageQueue<1> other{};
  for (PageHeader& page : pages) one.Push(&page);
  for (size_t i = pages.size(); i-- > 0;) other.Push(&pages[i]);
  other.Remove(&pages[1]);
  EXPECT_TRUE(one.Has(&pages[1]));
  EXPECT_FALSE(other.Has(&pages[1]));
  for (PageHeader& page : pages) EXPECT_EQ(one.Pop(), &page);
  EXPECT_EQ(other.Pop(), &pages[2]);
  EXPECT_EQ(other.Pop(), &pages[0]);
  EXPECT_EQ(other.Pop(), nullptr);
}

TEST(PageQueueTest, AgreesWithADeque) {
  std::mt19937 random(1);
  Pages pages(1000);
  PageQueue<0> queue{};
  std::deque<PageHeader*> model;
  for (size_t i = 0; i < 200000; ++i) {
    PageHeader* const page = &pages[random() % pages.size()];
    const auto at = std::find(model.begin(), model.end(), page);
    ASSERT_EQ(queue.Has(page), at != model.end());
    // Long, and empty, in turn.
    const bool grows = i / 1000 % 2 == 0;
    if (random() % 4 < (grows ? 3u : 1u)) {
      queue.Push(page);
      if (at == model.end()) model.push_back(page);
    } else if (random() % 2 == 0) {
      queue.Remove(page);
      if (at != model.end()) model.erase(at);
    } else {
      ASSERT_EQ(queue.Pop(), model.empty() ? nullptr : model.front());
      if (!model.empty()) model.pop_front();
    }
    ASSERT_EQ(queue.size(), model.size());
  }
}

}  // namespace
}  // namespace mymalloc
