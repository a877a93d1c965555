//! Which upstreams count as down: they are asked last for a while.

/// So many requests in a row that cannot reach an upstream make it count as down.
const FAILURES_IN_A_ROW: u32 = 3;

/// How long it counts as down.
const DOWN_MS: f64 = 10_000.0;

/// Upstreams that could not be reached lately. Only those of the config are ever in it, and each answer takes its upstream out.
#[derive(Default)]
pub struct Outages(Vec<Outage>);

struct Outage {
    origin: Box<str>,
    /// How many requests in a row could not reach it.
    failures: u32,
    /// Until when it counts as down, in milliseconds since 1970.
    down_until_ms: Option<f64>,
}

impl Outages {
    fn find(&mut self, origin: &str) -> Option<&mut Outage> {
        self.0.iter_mut().find(|outage| &*outage.origin == origin)
    }

    /// Checks whether an upstream counts as down at `now_ms`.
    pub fn is_down(&self, origin: &str, now_ms: f64) -> bool {
        let until =
            |outage: &Outage| &*outage.origin == origin && outage.down_until_ms.is_some_and(|until| until > now_ms);
        self.0.iter().any(until)
    }

    /// Notes that a request goes to an upstream. The first once its time is over tries it for the others, to whom it stays down
    /// meanwhile.
    pub(super) fn probe(&mut self, origin: &str, now_ms: f64) {
        if let Some(until) = self.find(origin).and_then(|outage| outage.down_until_ms.as_mut())
            && *until <= now_ms
        {
            *until = now_ms + DOWN_MS;
        }
    }

    /// Notes a request that could not reach an upstream.
    pub(super) fn note(&mut self, origin: &str, now_ms: f64) {
        if self.find(origin).is_none() {
            self.0.push(Outage { origin: origin.into(), failures: 0, down_until_ms: None });
        }
        if let Some(outage) = self.find(origin) {
            outage.failures = outage.failures.saturating_add(1);
            outage.down_until_ms = (outage.failures >= FAILURES_IN_A_ROW).then_some(now_ms + DOWN_MS);
        }
    }

    /// Notes an answer of an upstream.
    pub(super) fn end(&mut self, origin: &str) {
        self.0.retain(|outage| &*outage.origin != origin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_down_for_a_while_after_three_failures_in_a_row() {
        let outages = &mut Outages::default();
        let (origin, other) = ("https://a.example", "https://b.example");
        for (failures, expected) in [(1, false), (2, false), (3, true), (4, true)] {
            outages.note(origin, 0.0);
            assert_eq!(outages.is_down(origin, 0.0), expected, "after {failures}");
        }
        assert!(!outages.is_down(other, 0.0), "another is not");
        assert!(outages.is_down(origin, DOWN_MS - 1.0), "until its time is over");
        assert!(!outages.is_down(origin, DOWN_MS), "and no longer");
        outages.probe(origin, DOWN_MS);
        assert!(outages.is_down(origin, DOWN_MS), "one request tries it for the others");
        outages.end(origin);
        assert!(!outages.is_down(origin, DOWN_MS), "an answer brings it back");
        outages.note(origin, 0.0);
        assert!(!outages.is_down(origin, 0.0), "and failures are counted anew");
    }
}
