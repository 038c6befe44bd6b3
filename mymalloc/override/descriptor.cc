#include "mymalloc/report/descriptor.h"

#include "mymalloc/mymalloc.h"
#include "mymalloc/report/layout.h"

// Nothing in the program refers to it, so the linker would be free to leave it out.
extern "C" {
alignas(mymalloc::Descriptor::kAlignment)
    __attribute__((used, retain)) const mymalloc::Descriptor mymalloc_descriptor = {
        {mymalloc::Descriptor::kMagic[0], mymalloc::Descriptor::kMagic[1]},
        &mymalloc_descriptor,
        sizeof(mymalloc::Descriptor),
        MYMALLOC_VERSION,
        mymalloc::Layout::Fingerprint(),
        &mymalloc::g_page_map,
        &mymalloc::g_page_supply,
        &mymalloc::g_registry,
        &mymalloc::g_heaps,
        &mymalloc::g_large_blocks,
        &mymalloc::g_sampled,
        &mymalloc::g_tag_secret,
        &mymalloc::g_options,
        &mymalloc::os::g_chunk_window,
        mymalloc::os::g_chunk_table,
        &mymalloc::os::g_metadata_ranges,
};
}
