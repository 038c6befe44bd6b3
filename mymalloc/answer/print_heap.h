// The heap as a picture, for people.

#ifndef MYMALLOC_ANSWER_PRINT_HEAP_H_
#define MYMALLOC_ANSWER_PRINT_HEAP_H_

namespace mymalloc {

// Each page with a character for each slot, each large block, all statistics. False where the
// system has no memory for that.
bool PrintHeap(int fd);

}  // namespace mymalloc

#endif  // MYMALLOC_ANSWER_PRINT_HEAP_H_
