//! What the program asks its surroundings for, besides files and its standard streams: documents from addresses, checks of
//! signatures, and answers of the person at the terminal.
//!
//! On a machine, `machine` has them. As WebAssembly (WASI) the program has no means for them; `shell` asks the shell that runs it.

#[cfg(not(target_os = "wasi"))]
mod machine;
#[cfg(target_os = "wasi")]
mod shell;
mod terms;

#[cfg(not(target_os = "wasi"))]
pub use machine::{ask, check_signature, choose, fetch, path_of, prepare};
#[cfg(target_os = "wasi")]
pub use shell::{ask, check_signature, choose, fetch, path_of, prepare};
pub use terms::Question;
