// Reads a target's heap.

#ifndef MYMALLOC_TOOLS_LOOK_HEAP_READER_H_
#define MYMALLOC_TOOLS_LOOK_HEAP_READER_H_

#include <memory>
#include <string>

#include "mymalloc/report/descriptor.h"
#include "tools/look/heap_model.h"
#include "tools/look/target.h"

namespace mymalloc::look {

// Once, as it is at the moment. Of a process that runs meanwhile what is torn looks like damage.
void ReadHeapOnce(const Target& target, const Descriptor& descriptor, HeapModel* model);

// The same while the process runs, a few times. False if each gave something torn.
bool ReadHeapRunning(const Target& target, const Descriptor& descriptor, HeapModel* model);

// The same so that it belongs together: a live process is read while it runs, again if that gave
// something torn, and then stopped for the time that it takes. `stopped`: nothing moves already.
void ReadHeap(Target* target, const Descriptor& descriptor, bool stopped, HeapModel* model);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_HEAP_READER_H_
