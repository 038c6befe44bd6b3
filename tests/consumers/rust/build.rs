//! The program looks for the library where it was linked with it.

fn main() {
    if let Ok(folder) = std::env::var("DEP_MYMALLOC_PREFIXED_LIB_DIR") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
