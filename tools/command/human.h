// Amounts as people write them.

#ifndef MYMALLOC_TOOLS_COMMAND_HUMAN_H_
#define MYMALLOC_TOOLS_COMMAND_HUMAN_H_

#include <cstdint>
#include <string>

namespace mymalloc::command {

// "12.3 MiB"
std::string HumanBytes(uint64_t bytes);
// "1,234,567"
std::string Grouped(uint64_t number);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_HUMAN_H_
