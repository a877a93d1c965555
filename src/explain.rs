//! Why a token is accepted or refused, as `bargate token explain` shows it.
//!
//! It makes every check of the gateway, and goes on when one fails. It does **not** read files,
//! make calls or know the time: values, key set and clock are arguments. It is compiled for the host only.

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
