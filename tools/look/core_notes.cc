#include "tools/look/core_notes.h"

#include <elf.h>
#include <sys/procfs.h>
#include <sys/user.h>

#include <algorithm>
#include <cstring>

namespace mymalloc::look {
namespace {

constexpr size_t kMostFiles = 1 << 20;

template <typename T>
bool Take(absl::string_view* bytes, T* value) {
  if (bytes->size() < sizeof(T)) return false;
  std::memcpy(value, bytes->data(), sizeof(T));
  bytes->remove_prefix(sizeof(T));
  return true;
}

// How many, the unit of offsets, begin, end and offset of each; then all paths.
void ParseFiles(absl::string_view text, CoreNotes* notes) {
  uint64_t count = 0;
  uint64_t unit = 0;
  if (!Take(&text, &count) || !Take(&text, &unit) || count > kMostFiles) return;
  const size_t first = notes->files.size();
  for (uint64_t i = 0; i < count; ++i) {
    Mapping file;
    if (!Take(&text, &file.range.begin) || !Take(&text, &file.range.end) ||
        !Take(&text, &file.offset)) {
      break;
    }
    file.offset *= unit;
    notes->files.push_back(file);
  }
  for (size_t i = first; i < notes->files.size() && !text.empty(); ++i) {
    const size_t end = std::min(text.find('\0'), text.size() - 1);
    notes->files[i].path = std::string(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
}

void ParseThread(absl::string_view bytes, CoreNotes* notes) {
  prstatus_t status;
  if (!Take(&bytes, &status)) return;
  Thread thread;
  thread.id = static_cast<uint64_t>(status.pr_pid);
  static_assert(sizeof(status.pr_reg) == sizeof(thread.words), "the same registers");
  std::memcpy(thread.words, status.pr_reg, sizeof(thread.words));
  notes->threads.push_back(std::move(thread));
}

// Behind the thread's own note.
void ParseVectors(absl::string_view bytes, CoreNotes* notes) {
  user_fpregs_struct registers;
  if (notes->threads.empty() || !Take(&bytes, &registers)) return;
  std::vector<uint64_t>& vectors = notes->threads.back().vectors;
  vectors.resize(Thread::kVectorWords);
  static_assert(sizeof(registers.xmm_space) == Thread::kVectorWords * sizeof(uint64_t), "all");
  std::memcpy(vectors.data(), registers.xmm_space, sizeof(registers.xmm_space));
}

void ParseProcess(absl::string_view bytes, CoreNotes* notes) {
  prpsinfo_t process;
  if (!Take(&bytes, &process)) return;
  notes->pid = process.pr_pid;
  notes->program.assign(process.pr_fname, strnlen(process.pr_fname, sizeof(process.pr_fname)));
}

void ParseNote(uint32_t type, absl::string_view contents, CoreNotes* notes) {
  if (type == NT_FILE) ParseFiles(contents, notes);
  if (type == NT_PRSTATUS) ParseThread(contents, notes);
  if (type == NT_PRFPREG) ParseVectors(contents, notes);
  if (type == NT_PRPSINFO) ParseProcess(contents, notes);
}

constexpr size_t Padded(size_t size) { return (size + 3) & ~size_t{3}; }

}  // namespace

void ParseNotes(absl::string_view segment, CoreNotes* notes) {
  Elf64_Nhdr header;
  while (Take(&segment, &header)) {
    const size_t name = Padded(header.n_namesz);
    const size_t contents = Padded(header.n_descsz);
    if (name > segment.size() || header.n_descsz > segment.size() - name) return;
    if (absl::string_view(segment.data(), header.n_namesz) == absl::string_view("CORE\0", 5)) {
      ParseNote(header.n_type, segment.substr(name, header.n_descsz), notes);
    }
    segment.remove_prefix(std::min(segment.size(), name + contents));
  }
}

}  // namespace mymalloc::look
