//! Why a token is trusted or refused, as `bargate token explain` says it.
//!
//! Every check that the gateway makes of a token is made here too, each whatever became of the others. It does **not** read files,
//! make calls or know the time: the values, the key set and the clock are passed in. It is compiled for the host only.

mod advice;
mod check;
mod checks;
mod key_checks;
mod kind;
mod report;
mod rules;
mod signature;
pub mod time;

pub use check::{Check, Outcome};
pub use checks::{Explanation, Verdict};
pub use kind::Kind;
pub use report::Report;
pub use rules::{Expected, Rules, Sources, Unusable};
pub use signature::is_by_key;
