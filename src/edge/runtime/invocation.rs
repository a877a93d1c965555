//! What the runtime was asked for: a request, or a message to a Durable Object.

use js_sys::Promise;
use worker::Env;

/// What work at the edge is done for.
pub trait Invocation {
    /// Gives the Worker's bindings.
    fn env(&self) -> &Env;

    /// Keeps a promise's work going when whoever asked has gone.
    fn keep_alive(&self, work: &Promise);
}
