//! The gateway as what a Worker runs: the exports of `bargate`'s edge, and nothing besides.
//!
//! A separate crate, because a library that is also built for the host's tests keeps everything that they might call: 13 KiB more,
//! compressed.

#[cfg(target_os = "unknown")]
extern crate bargate;

/// Two kibibytes less, compressed, than the allocator that comes with Rust.
#[cfg(target_os = "unknown")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
