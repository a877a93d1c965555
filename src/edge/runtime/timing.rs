//! Clocks and timers.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use js_sys::{Function, Promise};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, ms: u32) -> JsValue;

    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(id: &JsValue);
}

/// Work that has not ended this long after its time-out was ended with the request that began it.
pub const LOST_AFTER_SECS: i64 = 2;

/// Those who wait for what another request is getting look this soon for the first time, and then half as often each time
/// down to [`PAUSE_MAX_MS`]: many may wait long for a slow provider, and each look costs.
const PAUSE_MIN_MS: u32 = 4;

/// The longest time between two looks, in milliseconds.
const PAUSE_MAX_MS: u32 = 128;

/// The error of a future that took too long.
pub struct Elapsed;

/// Returns the time in milliseconds since 1970; the runtime moves it on only at I/O.
pub fn now_ms() -> f64 {
    js_sys::Date::now()
}

/// Returns the time in whole milliseconds since 1970.
pub fn now_whole_ms() -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "dates are far below 2^53")]
    let now = now_ms() as i64;
    now
}

/// Returns the time in seconds since 1970.
pub fn now_secs() -> i64 {
    now_whole_ms() / 1000
}

/// Waits.
pub async fn sleep(ms: u32) {
    Timer::start(ms).await;
}

/// The time between two looks at what another request is getting.
pub struct Pause(u32);

impl Default for Pause {
    fn default() -> Self {
        Self(PAUSE_MIN_MS)
    }
}

impl Pause {
    /// Waits, and for longer the next time.
    pub async fn wait(&mut self) {
        sleep(self.0).await;
        self.0 = (self.0 * 2).min(PAUSE_MAX_MS);
    }
}

/// A timer of the runtime, given back when it is dropped.
///
/// A request's future is first polled without a waker that counts (see [`crate::edge::fetch`]), so what it waits for must take a
/// new waker at each poll, as `JsFuture` does and the SDK's `Delay` does not.
struct Timer {
    id: JsValue,
    fired: JsFuture,
}

impl Timer {
    fn start(ms: u32) -> Self {
        let mut id = JsValue::UNDEFINED;
        let promise = Promise::new(&mut |resolve, _| id = set_timeout(&resolve, ms));
        Self { id, fired: JsFuture::from(promise) }
    }
}

impl Future for Timer {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.fired).poll(cx).map(|_| ())
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.id);
    }
}

/// Returns the result of `work`, unless it takes longer than `ms`.
///
/// # Errors
/// [`Elapsed`], and `work` is dropped.
pub async fn within<T>(ms: u32, work: impl Future<Output = T>) -> Result<T, Elapsed> {
    let mut work = pin!(work);
    let mut limit = Timer::start(ms);
    std::future::poll_fn(|cx| {
        if let Poll::Ready(value) = work.as_mut().poll(cx) {
            return Poll::Ready(Ok(value));
        }
        Pin::new(&mut limit).poll(cx).map(|()| Err(Elapsed))
    })
    .await
}
