//! Finds the installed library: where MYMALLOC_LIB_DIR says, or else where pkg-config does.

use std::{env, process::Command};

fn main() {
    println!("cargo:rerun-if-env-changed=MYMALLOC_LIB_DIR");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    println!("cargo:rustc-link-lib=dylib=mymalloc_prefixed");
    if let Some(folder) = env::var("MYMALLOC_LIB_DIR").ok().or_else(from_pkg_config) {
        println!("cargo:rustc-link-search=native={folder}");
        println!("cargo:lib_dir={folder}"); // DEP_MYMALLOC_PREFIXED_LIB_DIR for who depends on this.
    }
}

fn from_pkg_config() -> Option<String> {
    let output =
        Command::new("pkg-config").args(["--variable=libdir", "mymalloc_prefixed"]).output().ok()?;
    let folder = String::from_utf8(output.stdout).ok()?.trim().to_string();
    (output.status.success() && !folder.is_empty()).then_some(folder)
}
