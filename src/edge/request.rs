//! One request: its context, what a path asks of it, how it is passed on, and how it is answered.

pub mod answer;
pub mod exchange;
pub mod fault;
pub mod forwarding;
pub mod rules;
