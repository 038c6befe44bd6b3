// The pages of a heap in which something was freed, and the new ones, in that order: so what has
// been free longest is found, and given back, without a look at the others.
//
// A heap has two, and a page may be in both: `kLink` is which of its links this one uses. Not
// thread safe: under the heap's lock. Zeroed memory is an empty queue.

#ifndef MYMALLOC_HEAP_PAGE_QUEUE_H_
#define MYMALLOC_HEAP_PAGE_QUEUE_H_

#include <cstddef>

#include "mymalloc/page/page.h"

namespace mymalloc {

template <unsigned kLink>
class PageQueue {
 public:
  static bool Has(const PageHeader* page) { return page->queue[kLink].next != nullptr; }

  // At the end, unless it is in already.
  void Push(PageHeader* page) {
    if (Has(page)) return;
    page->queue[kLink] = {page, last_};
    (last_ != nullptr ? last_->queue[kLink].next : first_) = page;
    last_ = page;
    ++size_;
  }

  // At the front. False if it is in already, and stays where it is.
  bool PushFirst(PageHeader* page) {
    if (Has(page)) return false;
    page->queue[kLink] = {first_ != nullptr ? first_ : page, nullptr};
    (first_ != nullptr ? first_->queue[kLink].prev : last_) = page;
    first_ = page;
    ++size_;
    return true;
  }

  // If it is in.
  void Remove(PageHeader* page) {
    if (!Has(page)) return;
    const PageHeader::QueueLink link = page->queue[kLink];
    PageHeader* const next = link.next != page ? link.next : nullptr;
    if (link.prev == nullptr) {
      first_ = next;
    } else {
      link.prev->queue[kLink].next = next != nullptr ? next : link.prev;
    }
    (next != nullptr ? next->queue[kLink].prev : last_) = link.prev;
    page->queue[kLink] = {};
    --size_;
  }

  // nullptr if it is empty.
  PageHeader* Pop() {
    PageHeader* const page = first_;
    if (page != nullptr) Remove(page);
    return page;
  }

  // The one that Pop would return.
  PageHeader* First() const { return first_; }

  size_t size() const { return size_; }

 private:
  PageHeader* first_;
  PageHeader* last_;
  size_t size_;
};

}  // namespace mymalloc

#endif  // MYMALLOC_HEAP_PAGE_QUEUE_H_
