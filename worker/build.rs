//! How the WebAssembly of the Worker is linked.

/// The stack stands before the data: with less than the usual MiB of it, addresses of data are numbers of three bytes, not four.
const STACK_BYTES: u32 = 896 * 1024;

fn main() {
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("unknown") {
        println!("cargo:rustc-link-arg-cdylib=-zstack-size={STACK_BYTES}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
