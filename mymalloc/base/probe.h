// Places at which a tracer may look: bpftrace, perf, gdb and SystemTap find them in the library's
// notes (stapsdt, version 3) and put a breakpoint there. Where none does, a probe is one `nop`.
//
//   MYMALLOC_PROBE(slow_free, block, stride);     bpftrace -e 'usdt:/...so:mymalloc:slow_free {...}'
//
// Two arguments, both numbers of 64 bits. The probes: slow_alloc (class, how many blocks),
// slow_free (block, class), grow (address, bytes), purge (address, bytes), misuse (kind, address).

#ifndef MYMALLOC_BASE_PROBE_H_
#define MYMALLOC_BASE_PROBE_H_

#include <cstdint>

// The note has the addresses of the nop and of a section whose place tells how far the file was
// moved since (prelink), the semaphore's (none), and the texts: provider, name, where the arguments
// are.
#define MYMALLOC_PROBE(name, first, second)                                   \
  __asm__ volatile(                                                           \
      "990: nop\n"                                                            \
      ".pushsection .note.stapsdt,\"?\",\"note\"\n"                           \
      ".balign 4\n"                                                           \
      ".4byte 992f-991f, 994f-993f, 3\n"                                      \
      "991: .asciz \"stapsdt\"\n"                                             \
      "992: .balign 4\n"                                                      \
      "993: .8byte 990b, _.stapsdt.base, 0\n"                                 \
      ".asciz \"mymalloc\"\n"                                                 \
      ".asciz \"" #name                                                       \
      "\"\n"                                                                  \
      ".asciz \"8@%[one] 8@%[two]\"\n"                                        \
      "994: .balign 4\n"                                                      \
      ".popsection\n"                                                         \
      ".ifndef _.stapsdt.base\n"                                              \
      ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n" \
      ".weak _.stapsdt.base\n"                                                \
      ".hidden _.stapsdt.base\n"                                              \
      "_.stapsdt.base: .space 1\n"                                            \
      ".size _.stapsdt.base, 1\n"                                             \
      ".popsection\n"                                                         \
      ".endif\n"                                                              \
      :                                                                       \
      : [one] "nor"(static_cast<uint64_t>(first)), [two] "nor"(static_cast<uint64_t>(second)))

#endif  // MYMALLOC_BASE_PROBE_H_
