//! The last failure of a call to a provider that this isolate has made: its public code and when, never what the provider said. What a
//! request says of a provider is none.

use std::cell::Cell;

use crate::edge::runtime::timing::now_ms;
use crate::problem::Problem;

/// How the codes of a provider's failures begin.
const PROVIDER: &str = "idp_";

thread_local! {
    static LAST: Cell<(&'static str, f64)> = const { Cell::new(("", 0.0)) };
}

/// Remembers what came of a call by its code, if that is the provider's failure.
pub fn note(problem: &Problem) {
    let code = problem.code();
    if code.starts_with(PROVIDER) {
        LAST.with(|last| last.set((code, now_ms())));
    }
}

/// Returns the code of the last failure, and when it was, in milliseconds since 1970; an empty code if there was none.
pub fn last() -> (&'static str, f64) {
    LAST.with(Cell::get)
}
