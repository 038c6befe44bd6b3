// A file that an option names: report_file, stats_file.

#ifndef MYMALLOC_FAULT_OPTION_FILE_H_
#define MYMALLOC_FAULT_OPTION_FILE_H_

#include "mymalloc/base/options.h"

namespace mymalloc {

// Opens it to append to, and makes it if it is not there; %p in its name is the process's number.
// The file's descriptor, or the kernel's error; an error, too, if the option names none.
long OpenToAppend(const Path& path);
void CloseFile(long file);

}  // namespace mymalloc

#endif  // MYMALLOC_FAULT_OPTION_FILE_H_
