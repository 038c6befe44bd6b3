//! All that this program allocates comes from mymalloc; and a layout that is not the block's is reported.

use std::alloc::{alloc, dealloc, Layout};
use std::collections::BTreeMap;
use std::ffi::{c_void, CStr};
use std::sync::atomic::{AtomicU32, Ordering};

#[global_allocator]
static GLOBAL: mymalloc::Mymalloc = mymalloc::Mymalloc;

static REPORTS: AtomicU32 = AtomicU32::new(0);

extern "C" fn on_misuse(misuse: *const mymalloc::misuse::Misuse, _argument: *mut c_void) {
    let what = unsafe { CStr::from_ptr((*misuse).what) };
    if what.to_bytes() == b"invalid size" {
        REPORTS.fetch_add(1, Ordering::Relaxed);
    }
}

#[repr(align(4096))]
struct Page([u8; 4096]);

fn main() {
    let words: BTreeMap<usize, String> = (0..10_000).map(|i| (i, format!("word {i}"))).collect();
    assert_eq!(words[&9_999], "word 9999");
    let usable = unsafe { mymalloc::usable_size(words[&0].as_ptr()) };
    assert!((6..64).contains(&usable), "not mymalloc's: {usable}");

    let mut pages: Vec<Page> = Vec::new(); // Grows by realloc, of more alignment than malloc has.
    for i in 0..100 {
        pages.push(Page([i; 4096]));
    }
    assert!(pages.iter().zip(0..).all(|(page, i)| page.0.iter().all(|&byte| byte == i)));
    assert_eq!(pages.as_ptr() as usize % 4096, 0);
    assert!(vec![0u8; 1 << 22].iter().all(|&byte| byte == 0));

    unsafe {
        mymalloc::misuse::on_misuse(Some(on_misuse), std::ptr::null_mut());
        let pointer = alloc(Layout::new::<[u8; 100]>());
        dealloc(pointer, Layout::new::<[u8; 5000]>());
    }
    assert_eq!(REPORTS.load(Ordering::Relaxed), 1, "the misuse was not reported");
    println!("mymalloc {}", mymalloc::version().to_str().unwrap());
}
