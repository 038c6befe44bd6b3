// What an address of a program or library is called, and which class a pointer to a table of
// virtual functions is of.

#ifndef MYMALLOC_TOOLS_LOOK_NAMES_H_
#define MYMALLOC_TOOLS_LOOK_NAMES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "tools/command/debug_files.h"
#include "tools/command/module_symbols.h"
#include "tools/look/mappings.h"
#include "tools/look/target.h"

namespace mymalloc::look {

class Names {
 public:
  explicit Names(const Target& target);
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  // A program or library that an address lies in.
  struct Place {
    const Module* module = nullptr;
    uint64_t bias = 0;
    std::string build_id;        // of what was mapped; empty if it is not known
    std::vector<Interval> data;  // as far as it may be written at the start
    std::unique_ptr<command::ModuleSymbols> symbols;
    bool opened = false;
  };

  // "libc.so.6"; empty if the address lies in none.
  std::string ModuleAt(uint64_t address);
  // "main_arena+96 (libc.so.6)"; empty if the address lies in no module.
  std::string SymbolAt(uint64_t address);
  // The class whose table of virtual functions an object's first word leads to; empty if it is
  // none. By the table itself, where there is run-time type information, else by the table's
  // symbol.
  const std::string& ClassOf(uint64_t word);
  // Whether it lies in code.
  bool IsCode(uint64_t address) const;
  bool IsInModule(uint64_t address) const { return FindPlace(address) != nullptr; }

 private:
  const Place* FindPlace(uint64_t address) const;
  Place* FindPlace(uint64_t address);
  std::string FileOf(const Place& place);
  command::ModuleSymbols* SymbolsOf(Place* place);
  // The symbol, and how far behind its begin.
  std::string FindSymbol(Place* place, uint64_t address, uint64_t* offset);
  std::string ClassByTypeInfo(uint64_t word) const;
  std::string ClassBySymbol(uint64_t word);

  const Target& target_;
  std::vector<Module> modules_;
  std::vector<Place> places_;  // in address order
  command::DebugFiles debug_files_{{}};
  std::unordered_map<uint64_t, std::string> classes_;  // by first words
};

// The file's name without its directories.
std::string BaseName(const std::string& path);

}  // namespace mymalloc::look

#endif  // MYMALLOC_TOOLS_LOOK_NAMES_H_
