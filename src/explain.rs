//! Why a token is accepted or refused, as `bargate token explain` shows it.
//!
//! It makes every check of the gateway, and goes on when one fails. It does **not** read files,
//! make calls or know the time: values, key set, clock and the check of a signature are arguments. `signature` has that check for
//! machines. It is compiled for the host only.

mod advice;
mod api_key;
mod check;
mod checks;
mod key_checks;
mod kind;
mod proof_checks;
mod report;
mod rules;
#[cfg(not(target_os = "wasi"))]
mod signature;
pub mod time;

pub use check::{Check, Outcome};
pub use checks::{Explanation, Verdict};
pub use key_checks::{CheckSignature, Signature};
pub use kind::Kind;
pub use proof_checks::GivenProof;
pub use report::Report;
pub use rules::{Expected, Rules, Sources, Unusable};
#[cfg(not(target_os = "wasi"))]
pub use signature::is_by_key;
