// The option report_file: where reports are kept besides stderr.

#ifndef MYMALLOC_FAULT_REPORT_FILE_H_
#define MYMALLOC_FAULT_REPORT_FILE_H_

#include "mymalloc/base/printer.h"

namespace mymalloc {

// Appends the report to the file, by one write(2). Nothing is open before and after; a file that
// cannot be opened is passed over, as the report is on stderr.
void AppendToReportFile(const Printer& report);

}  // namespace mymalloc

#endif  // MYMALLOC_FAULT_REPORT_FILE_H_
