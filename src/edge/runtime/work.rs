//! Work that is polled by a call of JavaScript, and not by a task.
//!
//! A promise that work awaits as a `JsFuture` costs two closures, a task and several microtasks. Without them, without an AbortController
//! for each call (`fetch.js`) and with its head in one crossing, a proxied request takes 0.77 times as long. So work that awaits only one
//! promise, as [`Awaited`], goes on in the very call by which JavaScript gives its outcome.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use js_sys::Promise;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::JsFuture;

use crate::edge::runtime::panic::{Work, guarded_promise};

#[wasm_bindgen(module = "/src/edge/runtime/work.js")]
extern "C" {
    /// Returns a promise of what [`resume`] returns for the outcome of `awaited`, which a panic rejects. After `ms`, unless that is 0, the
    /// outcome is a rejection with the text `timeout`.
    fn resumed(awaited: &Promise, id: usize, ms: u32) -> Promise;

    /// Returns a promise of the same outcome as `awaited`, with the same limit of time.
    fn limited(awaited: &Promise, ms: u32) -> Promise;
}

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

/// Polls work on the spot. Returns its result if it is finished, or else a promise of it.
pub fn settle(mut work: Work) -> JsValue {
    AWAITED.set(None);
    let polled = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    // An outcome that this work did not take is nobody else's.
    OUTCOME.set(None);
    match polled {
        Poll::Ready(Ok(value)) => value,
        Poll::Ready(Err(error)) => Promise::reject(&error).into(),
        Poll::Pending => match AWAITED.take() {
            Some((awaited, ms)) => {
                let id = WAITING.with_borrow_mut(|waiting| waiting.insert(work));
                resumed(&awaited, id, ms).into()
            }
            None => guarded_promise(work).into(),
        },
    }
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

/// A promise that work awaits by itself: never beside another future, whose wake-up [`resume`] would not be.
pub enum Awaited {
    /// Not polled yet, and for how many milliseconds it is awaited; 0 if for any time. What is too late is rejected with the text `timeout`.
    Begun(Promise, u32),
    /// [`resume`] brings the outcome.
    Resumed,
    /// A task awaits it, which has a waker.
    Spawned(JsFuture),
}

impl Future for Awaited {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        if let Self::Begun(promise, ms) = &*self {
            if cx.waker().will_wake(Waker::noop()) {
                AWAITED.set(Some((promise.clone(), *ms)));
                *self = Self::Resumed;
                return Poll::Pending;
            }
            let promise = if *ms > 0 { limited(promise, *ms) } else { promise.clone() };
            *self = Self::Spawned(JsFuture::from(promise));
        }
        match &mut *self {
            Self::Spawned(future) => Pin::new(future).poll(cx),
            _ => OUTCOME.take().map_or(Poll::Pending, Poll::Ready),
        }
    }
}
