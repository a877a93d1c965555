//! The last failure of a provider that this isolate has seen: its public code and when, never what the provider said.

use std::cell::Cell;

use crate::edge::runtime::timing::now_ms;

/// How the codes of a provider's failures begin.
const PROVIDER: &str = "idp_";

thread_local! {
    static LAST: Cell<(&'static str, f64)> = const { Cell::new(("", 0.0)) };
}

/// Remembers a failure by its code, if it is a provider's.
pub fn note(code: &'static str) {
    if code.starts_with(PROVIDER) {
        LAST.with(|last| last.set((code, now_ms())));
    }
}

/// Returns the code of the last failure, and when it was, in milliseconds since 1970; an empty code if there was none.
pub fn last() -> (&'static str, f64) {
    LAST.with(Cell::get)
}
