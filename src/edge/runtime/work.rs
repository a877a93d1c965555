//! Work that calls of JavaScript poll, and no tasks.
//!
//! Whatever the edge awaits is one promise at a time, as [`Awaited`], and the work goes on in the very call that brings the promise's
//! outcome. A task instead would cost two closures and several microtasks for each promise: without them, without an AbortController
//! for each call (`fetch.js`) and with its head in one crossing, a proxied request takes 0.77 times as long.
//!
//! The runtime never settles what a cancelled request awaits. Work that waits for that is dropped: `work.js` hears from the garbage
//! collector that nothing can settle it any more.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::edge::runtime::boxed::Boxed;

#[wasm_bindgen(module = "/src/edge/runtime/work.js")]
extern "C" {
    /// Returns a promise of what [`resume`] returns for the outcome of `awaited`, which a panic rejects. After `ms`, unless that is 0, the
    /// outcome is a rejection with the text `timeout`.
    fn resumed(awaited: &Promise, id: usize, ms: u32) -> Promise;
}

/// Work that a request or an object waits for, or that goes on behind its answer. One type for all avoids a copy of the code for each.
pub type Work = Boxed<'static, Outcome>;

/// What came of a promise.
type Outcome = Result<JsValue, JsValue>;

thread_local! {
    /// The promise that the work which was polled last awaits, and for how many milliseconds.
    static AWAITED: Cell<Option<(Promise, u32)>> = const { Cell::new(None) };
    /// The outcome for the work that is polled next.
    static OUTCOME: Cell<Option<Outcome>> = const { Cell::new(None) };
    static WAITING: RefCell<Waiting> = const { RefCell::new(Waiting { works: Vec::new(), free: Vec::new() }) };
}

/// Work that [`resume`] goes on with, by its id.
struct Waiting {
    works: Vec<Option<Work>>,
    free: Vec<usize>,
}

impl Waiting {
    fn insert(&mut self, work: Work) -> usize {
        let id = self.free.pop().unwrap_or(self.works.len());
        match self.works.get_mut(id) {
            Some(place) => *place = Some(work),
            None => self.works.push(Some(work)),
        }
        id
    }

    fn take(&mut self, id: usize) -> Option<Work> {
        let work = self.works.get_mut(id)?.take()?;
        self.free.push(id);
        Some(work)
    }
}

/// Begins work soon. Returns a promise of its result.
pub fn promise(work: Work) -> Promise {
    suspended(work, &Promise::resolve(&JsValue::UNDEFINED), 0)
}

/// Begins work on the spot. Returns its result if it is finished, or else a promise of it.
pub fn settle(mut work: Work) -> JsValue {
    AWAITED.set(None);
    let polled = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    // An outcome that this work did not take is nobody else's.
    OUTCOME.set(None);
    match polled {
        Poll::Ready(Ok(value)) => value,
        Poll::Ready(Err(error)) => Promise::reject(&error).into(),
        Poll::Pending => match AWAITED.take() {
            Some((awaited, ms)) => suspended(work, &awaited, ms).into(),
            None => Promise::reject(&JsValue::from_str("the work awaits no promise")).into(),
        },
    }
}

fn suspended(work: Work, awaited: &Promise, ms: u32) -> Promise {
    let id = WAITING.with_borrow_mut(|waiting| waiting.insert(work));
    resumed(awaited, id, ms)
}

/// Goes on with work whose [`Awaited`] is settled. Returns what [`settle`] does.
#[wasm_bindgen]
pub fn resume(id: usize, value: JsValue, failed: bool) -> JsValue {
    let Some(work) = WAITING.with_borrow_mut(|waiting| waiting.take(id)) else {
        // The instance that had it has ended, and not by the hook: the entry makes the answer.
        return Promise::reject(&JsValue::from_str("the gateway has lost this request")).into();
    };
    OUTCOME.set(Some(if failed { Err(value) } else { Ok(value) }));
    settle(work)
}

/// Drops work whose [`Awaited`] nothing can settle any more.
#[wasm_bindgen]
pub fn abandon(id: usize) {
    let work = WAITING.with_borrow_mut(|waiting| waiting.take(id));
    drop(work);
}

/// A promise that work awaits by itself: never beside another future, since the work has one outcome at a time.
/// It has a number of milliseconds within which it must be settled, or 0.
pub struct Awaited(Option<(Promise, u32)>);

impl Awaited {
    /// Awaits a promise for at most `ms`; what is later is rejected with the text `timeout`.
    pub const fn within(ms: u32, promise: Promise) -> Self {
        Self(Some((promise, ms)))
    }
}

impl From<Promise> for Awaited {
    fn from(promise: Promise) -> Self {
        Self(Some((promise, 0)))
    }
}

impl Future for Awaited {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Outcome> {
        match self.0.take() {
            Some(awaited) => {
                AWAITED.set(Some(awaited));
                Poll::Pending
            }
            None => OUTCOME.take().map_or(Poll::Pending, Poll::Ready),
        }
    }
}
