//! Clocks and timers.

use crate::edge::runtime::work::Awaited;
use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(module = "/src/edge/runtime/timing.js")]
extern "C" {
    fn sleep(ms: u32) -> Promise;

    /// Returns a promise of what another gives, which fails if that takes longer than `ms`.
    pub fn within(ms: u32, promise: &Promise) -> Promise;
}

/// Work that has not ended this long after its time-out was ended with the request that began it.
pub const LOST_AFTER_SECS: i64 = 2;

/// Those who wait for what another request is getting look this soon for the first time, and then half as often each time
/// down to [`PAUSE_MAX_MS`]: many may wait long for a slow provider, and each look costs.
const PAUSE_MIN_MS: u32 = 4;

/// The longest time between two looks, in milliseconds.
const PAUSE_MAX_MS: u32 = 128;

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
        // No timer fails.
        let _ = Awaited::from(sleep(self.0)).await;
        self.0 = (self.0 * 2).min(PAUSE_MAX_MS);
    }
}
