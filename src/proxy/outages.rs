//! Which upstreams count as down: for a while, they get requests last.

/// How many failed requests in a row make an upstream count as down.
const FAILURES_IN_A_ROW: u32 = 3;

/// How long it counts as down, in milliseconds.
const DOWN_MS: f64 = 10_000.0;

/// Upstreams that could not be reached; a config has few.
pub struct Outages(Vec<Outage>);

struct Outage {
    origin: String,
    /// How many requests in a row could not reach it.
    failures: u32,
    /// Until when it counts as down, in milliseconds since 1970.
    down_until_ms: Option<f64>,
}

impl Outages {
    /// Returns an empty list.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    fn find(&mut self, origin: &str) -> Option<&mut Outage> {
        self.0.iter_mut().find(|outage| outage.origin == origin)
    }

    /// Checks whether an upstream counts as down.
    pub(super) fn is_down(&mut self, origin: &str, now_ms: f64) -> bool {
        self.find(origin).and_then(|outage| outage.down_until_ms).is_some_and(|until_ms| is_ahead(until_ms, now_ms))
    }

    /// Records that a request goes to an upstream. If the time for which it counts as down is over, this request tries it for the
    /// others.
    pub(super) fn record_attempt(&mut self, origin: &str, now_ms: f64) {
        if let Some(until_ms) = self.find(origin).and_then(|outage| outage.down_until_ms.as_mut())
            && !is_ahead(*until_ms, now_ms)
        {
            *until_ms = now_ms + DOWN_MS;
        }
    }

    /// Records that an upstream could not be reached. One request may break any connection; an upstream is down only if it answers
    /// no other request in between. So only the first failure of a request counts.
    pub(super) fn record_failure(&mut self, origin: &str, is_first: bool, now_ms: f64) {
        if self.find(origin).is_none() {
            self.0.push(Outage { origin: origin.to_owned(), failures: 0, down_until_ms: None });
        }
        if let Some(outage) = self.find(origin) {
            outage.failures += u32::from(is_first);
            outage.down_until_ms = (outage.failures >= FAILURES_IN_A_ROW).then_some(now_ms + DOWN_MS);
        }
    }

    /// Records an answer of an upstream.
    pub(super) fn record_answer(&mut self, origin: &str) {
        if let Some(outage) = self.find(origin) {
            (outage.failures, outage.down_until_ms) = (0, None);
        }
    }
}

/// Checks whether a time is still to come. One that is too far ahead is from before the clock was set back.
fn is_ahead(until_ms: f64, now_ms: f64) -> bool {
    until_ms > now_ms && until_ms - now_ms <= DOWN_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "https://a.example";

    #[test]
    fn an_upstream_is_down_for_ten_seconds_after_three_failures_in_a_row() {
        let mut outages = Outages::none();
        for (failures, expected) in [(1, false), (2, false), (3, true), (4, true)] {
            outages.record_failure(ORIGIN, true, 0.0);
            assert_eq!(outages.is_down(ORIGIN, 0.0), expected, "after {failures}");
        }
        assert!(!outages.is_down("https://b.example", 0.0), "another is not");
        assert!(outages.is_down(ORIGIN, DOWN_MS - 1.0), "until its time is over");
        assert!(!outages.is_down(ORIGIN, DOWN_MS), "and no longer");
    }

    #[test]
    fn the_failures_of_one_request_count_once() {
        let mut outages = Outages::none();
        for is_first in [true, false, false, false, true] {
            outages.record_failure(ORIGIN, is_first, 0.0);
        }
        assert!(!outages.is_down(ORIGIN, 0.0));
    }

    #[test]
    fn one_request_tries_an_upstream_whose_time_is_over_for_the_others() {
        let mut outages = Outages::none();
        for _ in 0..FAILURES_IN_A_ROW {
            outages.record_failure(ORIGIN, true, 0.0);
        }
        outages.record_attempt(ORIGIN, DOWN_MS - 1.0);
        assert!(!outages.is_down(ORIGIN, DOWN_MS), "one before that does not");
        outages.record_attempt(ORIGIN, DOWN_MS);
        assert!(outages.is_down(ORIGIN, 2.0 * DOWN_MS - 1.0), "to the others it stays down meanwhile");
        assert!(!outages.is_down(ORIGIN, 2.0 * DOWN_MS), "and no longer, if nobody says how that one fared");
        outages.record_failure(ORIGIN, true, DOWN_MS + 5.0);
        assert!(outages.is_down(ORIGIN, 2.0 * DOWN_MS + 4.0), "and on, if it cannot be reached");
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_no_upstream_down() {
        let mut outages = Outages::none();
        let hour = 3_600_000.0;
        for _ in 0..FAILURES_IN_A_ROW {
            outages.record_failure(ORIGIN, true, hour);
        }
        assert!(outages.is_down(ORIGIN, hour));
        assert!(!outages.is_down(ORIGIN, 0.0), "an hour before");
        outages.record_attempt(ORIGIN, 0.0);
        assert!(
            outages.is_down(ORIGIN, 1.0) && !outages.is_down(ORIGIN, DOWN_MS),
            "one request tries it for the others"
        );
    }

    #[test]
    fn an_answer_brings_an_upstream_back_and_failures_are_counted_anew() {
        let mut outages = Outages::none();
        for _ in 0..FAILURES_IN_A_ROW {
            outages.record_failure(ORIGIN, true, 0.0);
        }
        outages.record_answer(ORIGIN);
        assert!(!outages.is_down(ORIGIN, 0.0), "at once");
        outages.record_failure(ORIGIN, true, 0.0);
        outages.record_failure(ORIGIN, true, 0.0);
        assert!(!outages.is_down(ORIGIN, 0.0), "two are not three");
    }
}
