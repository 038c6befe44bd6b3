// What makes a program run with the library: its environment.

#ifndef MYMALLOC_TOOLS_COMMAND_PRELOADING_H_
#define MYMALLOC_TOOLS_COMMAND_PRELOADING_H_

#include <string>

#include "absl/strings/string_view.h"

namespace mymalloc::command {

// The library's absolute path: the one given, or if that is empty the one that belongs to this
// command. Empty if there is none, or it cannot be preloaded; *error says why then.
std::string FindLibrary(const std::string& given, std::string* error);

// Puts the library before what this process's environment preloads.
void Preload(const std::string& library);

// Adds options for the library, as name=value:name=value, to the environment. They prevail over
// those that are there.
void AddOptions(absl::string_view options);

// The option's value in the environment; empty if it is not set.
std::string OptionInEnvironment(absl::string_view name);

}  // namespace mymalloc::command

#endif  // MYMALLOC_TOOLS_COMMAND_PRELOADING_H_
