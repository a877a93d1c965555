//! How the Worker is linked.

/// The stack's size. It is below the data, which so ends below 1 MiB: up to there, each address in the code is a byte shorter.
const STACK_BYTES: u32 = 896 * 1024;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "unknown") {
        println!("cargo:rustc-link-arg-cdylib=-zstack-size={STACK_BYTES}");
    }
}
