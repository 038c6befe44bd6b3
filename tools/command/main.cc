// The command `mymalloc`: what one does with the library besides preloading it.

#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/command/check.h"
#include "tools/command/diff.h"
#include "tools/command/find.h"
#include "tools/command/leaks.h"
#include "tools/command/map.h"
#include "tools/command/ps.h"
#include "tools/command/run.h"
#include "tools/command/snapshot_command.h"
#include "tools/command/stats.h"
#include "tools/command/subcommand.h"
#include "tools/command/symbolize.h"
#include "tools/command/top.h"
#include "tools/command/types.h"

namespace mymalloc::command {
namespace {

std::vector<Subcommand> Subcommands() {
  return {RunCommand(),   SymbolizeCommand(), PsCommand(),   TopCommand(),
          StatsCommand(), TypesCommand(),     FindCommand(), LeaksCommand(),
          CheckCommand(), SnapshotCommand(),  DiffCommand(), MapCommand()};
}

std::string Help() {
  std::string help =
      "usage: mymalloc SUBCOMMAND [FLAG...] [ARGUMENT...]\n\n"
      "What one does with the allocator mymalloc besides preloading it.\n\n";
  for (const Subcommand& subcommand : Subcommands()) {
    absl::StrAppendFormat(&help, "  %-12s%s\n", subcommand.name, subcommand.summary);
  }
  absl::StrAppend(&help,
                  "\nmymalloc SUBCOMMAND --help tells all of one. Where it does not say otherwise, "
                  "the exit code is\n0 on success, 1 if not all that was asked for could be had, "
                  "and 2 if the command line is wrong.\n");
  return help;
}

int Main(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    const std::string help = Help();
    std::fwrite(help.data(), 1, help.size(), stderr);
    return kUsageError;
  }
  const std::string& name = arguments[0];
  if (name == "--help" || name == "-h" || name == "help") {
    const std::string help = Help();
    return std::fwrite(help.data(), 1, help.size(), stdout) == help.size() ? 0 : kFailed;
  }
  for (const Subcommand& subcommand : Subcommands()) {
    if (subcommand.name == name)
      return RunSubcommand(subcommand, {arguments.begin() + 1, arguments.end()});
  }
  std::fprintf(stderr, "mymalloc: there is no subcommand \"%s\"; mymalloc --help lists them\n",
               name.c_str());
  return kUsageError;
}

}  // namespace
}  // namespace mymalloc::command

int main(int argc, char** argv) { return mymalloc::command::Main({argv + 1, argv + argc}); }
