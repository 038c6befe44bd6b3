#include "tools/look/memory.h"

namespace mymalloc::look {

void Memory::ReadEach(std::vector<Piece>* pieces) const {
  for (Piece& piece : *pieces) piece.read = Read(piece.address, piece.to, piece.bytes);
}

bool ToldMemory::Read(uint64_t address, void* to, size_t bytes) const {
  tell_(bytes);
  return memory_->Read(address, to, bytes);
}

void ToldMemory::ReadEach(std::vector<Piece>* pieces) const {
  memory_->ReadEach(pieces);
  uint64_t bytes = 0;
  for (const Piece& piece : *pieces) bytes += piece.bytes;
  tell_(bytes);
}

}  // namespace mymalloc::look
