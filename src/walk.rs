//! The way of one request through a gateway, step by step, as `bargate request explain` shows it.
//!
//! Every decision is the core's own, which the Worker makes too: this module puts them in the Worker's order and says what each comes
//! to. It sends nothing, reads no files and has no clock. What a config alone cannot decide, such as counts, sessions and upstreams, is
//! said to be unknown, and the way goes on as if it passed. It is compiled for the host only.

mod answer;
mod credentials;
mod hidden;
mod integration;
mod known;
mod progress;
mod report;
mod request;
mod step;
mod upstream;
mod way;
mod words;

pub use known::{Known, Unusable};
pub use progress::TokenCheck;
pub use request::{Request, RequestText};
pub use step::{Answered, Kind, Outcome, SentHeader, Step, StepOutcome, Upstream};
pub use way::Way;
