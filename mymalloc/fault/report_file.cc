#include "mymalloc/fault/report_file.h"

#include "absl/base/attributes.h"
#include "mymalloc/base/options.h"
#include "mymalloc/base/syscall.h"
#include "mymalloc/fault/option_file.h"

namespace mymalloc {

// Not inlined: the name is not to be on the stack while the report is made.
ABSL_ATTRIBUTE_NOINLINE void AppendToReportFile(const Printer& report) {
  const long file = OpenToAppend(g_options.report_file);
  if (IsError(file)) return;
  report.CopyTo(static_cast<int>(file));
  CloseFile(file);
}

}  // namespace mymalloc
