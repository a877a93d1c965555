//! Futures in boxes.
//!
//! Without a box, a future is part of the one that awaits it, and the code of both is one function. One that is large is in a
//! box: of the code of all integrations, that saves a seventh.

use std::pin::Pin;

/// A future in a box.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Puts a future in a box.
pub fn boxed<'a, T>(work: impl Future<Output = T> + 'a) -> Boxed<'a, T> {
    Box::pin(work)
}
