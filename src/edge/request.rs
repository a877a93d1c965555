//! One request: its context, what a path asks of it, how it is passed on, and how it is answered.

pub mod access_log;
pub mod answer;
pub mod body;
pub mod context;
pub mod fault;
pub mod forwarding;
mod otlp;
pub mod rules;
