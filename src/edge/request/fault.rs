//! Panics on request, for the test that shows that none is for good. Built with the feature `fault-injection` alone.

#[cfg(feature = "fault-injection")]
use crate::http::request::RequestHead as _;

use crate::edge::request::exchange::Exchange;

/// Panics where the request asks for it: at once, or in a task.
#[cfg(feature = "fault-injection")]
pub async fn inject(exchange: &Exchange) {
    #[expect(clippy::panic, reason = "what this feature is for")]
    match exchange.header("x-bargate-fault").as_deref() {
        Some("panic") => panic!("a panic that a test asked for"),
        Some("panic-in-task") => {
            crate::edge::runtime::timing::sleep(1).await;
            panic!("a panic in a task that a test asked for")
        }
        _ => {}
    }
}

/// Does nothing: faults are not built in.
#[cfg(not(feature = "fault-injection"))]
pub async fn inject(_: &Exchange) {}
