//! Shares one call to the provider among all requests that need it at the same time.
//!
//! Workers forbid a request from awaiting another's I/O, so later requests wait on their own timers for a value to
//! be settled. The work itself runs under `waitUntil`: the client that began it may hang up.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use wasm_bindgen::JsValue;

use crate::edge::runtime::boxed::{Boxed, boxed};
use crate::edge::runtime::invocation::Invocation;
use crate::edge::runtime::timing::{LOST_AFTER_SECS, Pause, now_ms};
use crate::edge::runtime::work::{Awaited, promise};
use crate::oauth::{Outcome, TransportError};

/// How long outcomes are stored and waited for.
#[derive(Clone, Copy)]
pub struct SingleFlightRules {
    /// An outcome that may be given again is, for this long after it was settled.
    pub replay_ms: f64,
    /// Work that has not settled after this long is taken to be lost, and begun again.
    pub lost_after_ms: f64,
}

impl SingleFlightRules {
    /// Makes the rules for one call that may take `timeout_ms`.
    pub fn of_call(timeout_ms: u32, replay_ms: f64) -> Self {
        Self { replay_ms, lost_after_ms: f64::from(timeout_ms) + LOST_AFTER_SECS as f64 * 1000.0 }
    }
}

/// Calls that are under way or just done, by key; clones share it. A list: each use looks at all of it anyway, for what is old.
#[derive(Clone, Default)]
pub struct SingleFlight(Rc<RefCell<Vec<Keyed>>>);

type Keyed = (String, Rc<Flight>);

struct Flight {
    began_ms: Cell<f64>,
    result: RefCell<Option<Settled>>,
}

struct Settled {
    at_ms: f64,
    outcome: Rc<Outcome>,
}

impl SingleFlight {
    /// Runs `work` for `key`, or waits for the request that runs it, or returns the outcome that it has just stored.
    ///
    /// The work says whether its outcome may be given again; otherwise it goes to those who wait for it and to nobody later. `keep_alive`
    /// keeps the work going when the client hangs up. Work that ends without an outcome took too long.
    pub fn share<'a>(
        &'a self,
        invocation: &'a dyn Invocation,
        key: String,
        rules: SingleFlightRules,
        work: Boxed<'static, (Outcome, bool)>,
    ) -> Boxed<'a, Rc<Outcome>> {
        boxed(self.run(invocation, key, rules, work))
    }

    async fn run(
        &self,
        invocation: &dyn Invocation,
        key: String,
        rules: SingleFlightRules,
        work: Boxed<'static, (Outcome, bool)>,
    ) -> Rc<Outcome> {
        self.forget_old(rules);
        let existing = self.0.borrow().iter().find(|(known, _)| *known == key).map(|(_, flight)| Rc::clone(flight));
        let flight = match existing {
            None => Rc::new(Flight { began_ms: Cell::new(now_ms()), result: RefCell::new(None) }),
            Some(flight) => {
                if let Some(outcome) = result_of(&flight, rules).await {
                    return outcome;
                }
                // The first request that finds it lost takes it over; the others, which share it, wait for that.
                flight.began_ms.set(now_ms());
                flight
            }
        };
        {
            let mut flights = self.0.borrow_mut();
            flights.retain(|(known, _)| *known != key);
            flights.push((key, Rc::clone(&flight)));
        }
        let (flights, own) = (self.clone(), Rc::clone(&flight));
        let running = promise(Box::pin(async move {
            let (outcome, replays) = work.await;
            if !replays {
                flights.0.borrow_mut().retain(|(_, known)| !Rc::ptr_eq(known, &own));
            }
            *own.result.borrow_mut() = Some(Settled { at_ms: now_ms(), outcome: Rc::new(outcome) });
            Ok(JsValue::UNDEFINED)
        }));
        invocation.keep_alive(&running);
        // What it rejects with is a panic of the instance, which leaves no result.
        let _ = Awaited::from(running).await;
        let settled = flight.result.borrow();
        settled.as_ref().map_or_else(|| Rc::new(Err(TransportError::Timeout)), |settled| Rc::clone(&settled.outcome))
    }

    fn forget_old(&self, rules: SingleFlightRules) {
        let now = now_ms();
        self.0.borrow_mut().retain(|(_, flight)| match &*flight.result.borrow() {
            Some(settled) => (now - settled.at_ms).abs() < rules.replay_ms,
            // Kept for long enough to be found lost by those who wait for it.
            None => (now - flight.began_ms.get()).abs() < 2.0 * rules.lost_after_ms,
        });
    }
}

/// Waits for another's work; `None` if it takes so long that it must be lost.
async fn result_of(flight: &Flight, rules: SingleFlightRules) -> Option<Rc<Outcome>> {
    let mut pause = Pause::default();
    loop {
        if let Some(settled) = &*flight.result.borrow() {
            return Some(Rc::clone(&settled.outcome));
        }
        // A time in the future is from before the clock was set back.
        if (now_ms() - flight.began_ms.get()).abs() >= rules.lost_after_ms {
            return None;
        }
        pause.wait().await;
    }
}
