#include "tools/look/memory.h"

namespace mymalloc::look {

void Memory::ReadEach(std::vector<Piece>* pieces) const {
  for (Piece& piece : *pieces) piece.read = Read(piece.address, piece.to, piece.bytes);
}

}  // namespace mymalloc::look
