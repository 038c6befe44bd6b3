#include "tools/command/symbolizer.h"

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace mymalloc::command {
namespace {

// Text may come for ever, and name ever new files.
constexpr size_t kMostModules = 64;
constexpr size_t kMostBuildIds = 4096;
constexpr size_t kMostMissing = 16;

// What the kernel says of a program whose file is gone, though another may be there by now.
constexpr char kDeleted[] = " (deleted)";

std::optional<FileIdentity> Identify(const std::string& path) {
  struct stat status;
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
  return FileIdentity(status);
}

}  // namespace

std::string Symbolizer::BuildIdFor(const FrameLine& frame) {
  const auto key = std::make_pair(frame.module, frame.load_base());
  if (!frame.build_id.empty()) {
    if (build_ids_.size() >= kMostBuildIds) build_ids_.clear();
    return build_ids_[key] = frame.build_id;
  }
  const auto found = build_ids_.find(key);
  return found == build_ids_.end() ? "" : found->second;
}

Symbolizer::Module* Symbolizer::Load(const std::string& path) {
  const std::optional<FileIdentity> identity = Identify(path);
  if (!identity) return nullptr;
  const auto found = modules_.find(path);
  if (found != modules_.end()) {
    if (found->second.identity == *identity) return &found->second;
    modules_.erase(found);
  }
  const OpenFile file = OpenRegularFile(path);
  if (!file.is_open()) return nullptr;
  if (modules_.size() >= kMostModules) modules_.clear();
  Module module = {*identity, BuildIdOf(file), ModuleSymbols::Open(path, &debug_files_)};
  return &modules_.emplace(path, std::move(module)).first->second;
}

// The file at its path, if it is the one that ran; else any that has the same build id.
ModuleSymbols* Symbolizer::FindModule(const FrameLine& frame, NamedFrame* named) {
  const bool was_deleted = absl::EndsWith(frame.module, kDeleted);
  const std::string path(absl::StripSuffix(frame.module, kDeleted));
  Module* module = Load(path);
  const bool id_is_known = !named->build_id.empty();
  const bool is_it =
      module != nullptr && (id_is_known ? module->build_id == named->build_id : !was_deleted);
  if (is_it) return module->symbols.get();
  const std::string other_path = debug_files_.Find(named->build_id);
  Module* const other = other_path.empty() ? nullptr : Load(other_path);
  if (other != nullptr) return other->symbols.get();
  if (module != nullptr && id_is_known) {
    named->other_build_id = module->build_id.empty() ? "none" : module->build_id;
  } else if (absl::StrContains(path, "/") && missing_.size() < kMostMissing) {
    missing_.insert(id_is_known ? absl::StrCat(path, " (build id ", named->build_id, ")") : path);
  }
  return nullptr;
}

NamedFrame Symbolizer::Name(const FrameLine& frame) {
  NamedFrame named;
  named.build_id = BuildIdFor(frame);
  ModuleSymbols* const symbols = FindModule(frame, &named);
  if (symbols != nullptr) named.calls = symbols->CallsAt(frame.offset);
  return named;
}

}  // namespace mymalloc::command
