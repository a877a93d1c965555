//! The reason for work: a request, or a message to a Durable Object.

use js_sys::Promise;
use worker::Env;

/// What work at the edge is done for.
pub trait Invocation {
    /// Returns the Worker's bindings.
    fn env(&self) -> &Env;

    /// Keeps a promise's work running when its requester has hung up.
    fn keep_alive(&self, work: &Promise);
}

/// What outlives its caller by itself: a message to an object, which stays; or work that already runs under `waitUntil`.
pub struct Detached(pub Env);

impl Invocation for Detached {
    fn env(&self) -> &Env {
        &self.0
    }

    fn keep_alive(&self, _: &Promise) {}
}
