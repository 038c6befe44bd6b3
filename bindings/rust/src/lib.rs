//! The allocator mymalloc as a program's global allocator:
//!
//! ```ignore
//! #[global_allocator]
//! static GLOBAL: mymalloc::Mymalloc = mymalloc::Mymalloc;
//! ```
//!
//! The program is linked with `libmymalloc_prefixed.so`, so that what C libraries in it allocate stays libc's.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{c_void, CStr};
use std::os::raw::c_char;
use std::ptr;

extern "C" {
    fn mymalloc_version() -> *const c_char;
    fn mymalloc_malloc(size: usize) -> *mut c_void;
    fn mymalloc_calloc(count: usize, size: usize) -> *mut c_void;
    fn mymalloc_realloc(pointer: *mut c_void, size: usize) -> *mut c_void;
    fn mymalloc_memalign(alignment: usize, size: usize) -> *mut c_void;
    fn mymalloc_free_sized(pointer: *mut c_void, size: usize);
    fn mymalloc_free_aligned_sized(pointer: *mut c_void, alignment: usize, size: usize);
    fn mymalloc_malloc_usable_size(pointer: *mut c_void) -> usize;
}

/// What malloc aligns to.
const ALIGNMENT: usize = 16;

/// The allocator, which has no state of its own.
pub struct Mymalloc;

// SAFETY: the functions are malloc's, by other names. Memory is freed with the layout it was asked for, and a
// layout that does not fit the block is reported.
unsafe impl GlobalAlloc for Mymalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGNMENT {
            mymalloc_malloc(layout.size()).cast()
        } else {
            mymalloc_memalign(layout.align(), layout.size()).cast()
        }
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if layout.align() <= ALIGNMENT {
            mymalloc_free_sized(pointer.cast(), layout.size());
        } else {
            mymalloc_free_aligned_sized(pointer.cast(), layout.align(), layout.size());
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGNMENT {
            return mymalloc_calloc(1, layout.size()).cast();
        }
        let pointer = self.alloc(layout);
        if !pointer.is_null() {
            ptr::write_bytes(pointer, 0, layout.size());
        }
        pointer
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if layout.align() <= ALIGNMENT {
            return mymalloc_realloc(pointer.cast(), size).cast();
        }
        let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
        if !moved.is_null() {
            ptr::copy_nonoverlapping(pointer, moved, layout.size().min(size));
            self.dealloc(pointer, layout);
        }
        moved
    }
}

/// The version of the library that the program runs with.
pub fn version() -> &'static CStr {
    // SAFETY: a text that ends with 0 and is there for good.
    unsafe { CStr::from_ptr(mymalloc_version()) }
}

/// How many bytes may be used of what `pointer` points to; 0 for a null pointer.
///
/// # Safety
/// `pointer` is null or of a live allocation of this allocator.
pub unsafe fn usable_size(pointer: *const u8) -> usize {
    mymalloc_malloc_usable_size(pointer as *mut c_void)
}

/// What a program registers to be told of a misuse of its heap.
pub mod misuse {
    use super::{c_char, c_void};

    /// As `struct mymalloc_misuse` of the header; all of it is valid only while the callback runs.
    #[repr(C)]
    pub struct Misuse {
        /// The kind in words: "double free".
        pub what: *const c_char,
        /// The function that found it.
        pub called: *const c_char,
        /// What that was given.
        pub address: *mut c_void,
        /// Where the block begins, or null.
        pub block: *mut c_void,
        /// Of that block.
        pub usable_size: usize,
        /// The report as it is written to stderr, terminated.
        pub message: *const c_char,
        /// Its length.
        pub message_size: usize,
        /// A number of `enum mymalloc_misuse_kind`.
        pub kind: u32,
    }

    /// Must neither allocate nor free, as the allocator may hold locks.
    pub type Callback = extern "C" fn(misuse: *const Misuse, argument: *mut c_void);

    extern "C" {
        fn mymalloc_on_misuse(callback: Option<Callback>, argument: *mut c_void);
    }

    /// Has `callback` called on each misuse; `None` removes it.
    ///
    /// # Safety
    /// The callback does what a signal handler may, and no more.
    pub unsafe fn on_misuse(callback: Option<Callback>, argument: *mut c_void) {
        mymalloc_on_misuse(callback, argument);
    }
}
