//! Clocks and timers.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use worker::Delay;

/// Says that a future took too long.
pub struct Elapsed;

/// Gives the time in milliseconds since 1970; the runtime moves it on only at I/O.
pub fn now_ms() -> f64 {
    js_sys::Date::now()
}

/// Gives the time in seconds since 1970.
pub fn now_secs() -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "dates are far below 2^53")]
    let seconds = (now_ms() / 1000.0) as i64;
    seconds
}

/// Waits.
pub async fn sleep(ms: u32) {
    Delay::from(Duration::from_millis(ms.into())).await;
}

/// Gives what `work` gives, unless it takes longer than `ms`.
///
/// # Errors
/// [`Elapsed`], and `work` is dropped.
pub async fn within<T>(ms: u32, work: impl Future<Output = T>) -> Result<T, Elapsed> {
    let mut work = pin!(work);
    let mut limit = pin!(Delay::from(Duration::from_millis(ms.into())));
    std::future::poll_fn(|cx| {
        if let Poll::Ready(value) = work.as_mut().poll(cx) {
            return Poll::Ready(Ok(value));
        }
        limit.as_mut().poll(cx).map(|()| Err(Elapsed))
    })
    .await
}
