// What would have been found later, had the process gone on.

#ifndef MYMALLOC_REPORT_EXIT_CHECK_H_
#define MYMALLOC_REPORT_EXIT_CHECK_H_

namespace mymalloc {

// Looks at what lies behind each live block, and at what is in quarantine or held back, of this
// thread and of those that have ended: what others hold may change meanwhile. Reports what is
// wrong. Nothing where this thread was interrupted in the allocator.
void CheckAtExit();

}  // namespace mymalloc

#endif  // MYMALLOC_REPORT_EXIT_CHECK_H_
