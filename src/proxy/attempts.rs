//! Decides which of a server's addresses gets a request, and whether it is retried after a failure.

use super::outages::Outages;
use crate::config::Target;

/// The longest pause before the first retry; it doubles with each retry.
const BACKOFF_MS: u32 = 100;

/// Statuses of an upstream that cannot answer at present.
const TRANSIENT_STATUSES: [u16; 3] = [502, 503, 504];

/// Idempotent methods: sending a request more than once has the same effect (RFC 9110 section 9.2.2).
const IDEMPOTENT_METHODS: [&str; 5] = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"];

/// The outcome of an attempt.
#[derive(Debug, Clone, Copy)]
pub enum Outcome {
    /// An answer with this status.
    Answered(u16),
    /// No answer in time.
    TimedOut,
    /// No connection, or one that broke off.
    Broken,
}

/// The attempts at one request.
pub struct Attempts<'t> {
    /// The current address.
    pub target: &'t Target,
    /// Whether the request has a body.
    pub has_body: bool,
    /// The addresses in the order of the attempts, repeated.
    order: Vec<&'t Target>,
    turn: usize,
    /// How many other addresses may still replace those that could not be reached.
    others: usize,
    /// How many retries are left.
    retries: u32,
    pause_ms: u32,
    /// Origins that could not be reached.
    failing: Vec<&'t str>,
}

impl<'t> Attempts<'t> {
    /// Begins with the first address of a caller that does not count as down; those that do are last.
    ///
    /// There is none without an address. A request that an upstream may have handled is retried only if its method is idempotent. A body cannot be sent twice.
    pub fn begin(
        candidates: &[&'t Target],
        retries: u32,
        method: &str,
        has_body: bool,
        outages: &mut Outages,
        now_ms: f64,
    ) -> Option<Self> {
        let mut order = Vec::new();
        for is_last in [false, true] {
            for target in candidates.iter().copied() {
                if outages.is_down(&target.origin, now_ms) == is_last {
                    order.push(target);
                }
            }
        }
        let is_repeatable = !has_body && IDEMPOTENT_METHODS.contains(&method);
        let (others, retries) = if is_repeatable { (order.len().saturating_sub(1), retries) } else { (0, 0) };
        let target = order.first().copied()?;
        outages.record_attempt(&target.origin, now_ms);
        Some(Self { target, has_body, order, turn: 0, others, retries, pause_ms: BACKOFF_MS, failing: Vec::new() })
    }

    /// Goes on to the next address if another attempt follows, and returns the longest pause before it, in milliseconds; `None` if
    /// the outcome of this one is final.
    pub fn next(&mut self, outcome: Outcome, outages: &mut Outages, now_ms: f64) -> Option<u32> {
        let origin = &*self.target.origin;
        let longest_ms = match outcome {
            Outcome::Answered(status) => {
                outages.record_answer(origin);
                TRANSIENT_STATUSES.contains(&status).then(|| self.retry())?
            }
            // With a body, the client may have broken the connection.
            Outcome::Broken if !self.has_body => {
                let is_first = !self.failing.contains(&origin);
                outages.record_failure(origin, is_first, now_ms);
                self.failing.push(origin);
                if self.others > 0 {
                    self.others -= 1;
                    Some(0)
                } else {
                    self.retry()
                }
            }
            Outcome::Broken | Outcome::TimedOut => None,
        }?;
        self.turn = if self.turn + 1 < self.order.len() { self.turn + 1 } else { 0 };
        self.target = self.order.get(self.turn).copied()?;
        outages.record_attempt(&self.target.origin, now_ms);
        Some(longest_ms)
    }

    fn retry(&mut self) -> Option<u32> {
        self.retries = self.retries.checked_sub(1)?;
        let longest_ms = self.pause_ms;
        self.pause_ms *= 2;
        Some(longest_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Answered, Broken, TimedOut};
    use super::*;

    const ORIGINS: [&str; 3] = ["https://a.example", "https://b.example", "https://c.example"];

    fn targets(count: usize) -> Vec<Target> {
        let target = |origin: &&str| Target { origin: (*origin).to_owned(), base_path: String::new(), weight: 0 };
        ORIGINS.iter().take(count).map(target).collect()
    }

    /// Begins the attempts at a request to addresses in their order.
    fn begun<'t>(
        targets: &'t [Target],
        retries: u32,
        method: &str,
        has_body: bool,
        outages: &mut Outages,
    ) -> Attempts<'t> {
        Attempts::begin(&targets.iter().collect::<Vec<_>>(), retries, method, has_body, outages, 0.0).unwrap()
    }

    /// Makes attempts with these outcomes, and asserts that none follows the last of them; returns which addresses were
    /// used, by index, and the longest pauses between.
    fn made(mut attempts: Attempts<'_>, outages: &mut Outages, outcomes: &[Outcome]) -> (Vec<usize>, Vec<u32>) {
        let (mut asked, mut pauses) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            asked.extend(ORIGINS.iter().position(|origin| *origin == attempts.target.origin));
            match attempts.next(*outcome, outages, 0.0) {
                Some(longest_ms) => pauses.push(longest_ms),
                None => break,
            }
        }
        assert_eq!((asked.len(), pauses.len()), (outcomes.len(), outcomes.len() - 1), "{outcomes:?}");
        (asked, pauses)
    }

    /// What is tested, the number of addresses and of retries, the method, whether there is a body, the outcome of each attempt,
    /// which addresses are used, and the longest pauses between.
    type Row<'r> = (&'r str, usize, u32, &'r str, bool, &'r [Outcome], &'r [usize], &'r [u32]);

    #[test]
    fn a_request_is_sent_again_if_that_changes_nothing_and_something_may_come_of_it() {
        let table: &[Row<'_>] = &[
            ("an answer stands", 3, 3, "GET", false, &[Answered(200)], &[0], &[]),
            ("so does a failure of the request", 3, 3, "GET", false, &[Answered(500)], &[0], &[]),
            ("502 may pass", 3, 3, "GET", false, &[Answered(502), Answered(200)], &[0, 1], &[100]),
            ("503 may pass", 3, 3, "GET", false, &[Answered(503), Answered(200)], &[0, 1], &[100]),
            ("504 may pass", 3, 3, "GET", false, &[Answered(504), Answered(200)], &[0, 1], &[100]),
            ("pauses grow", 3, 2, "GET", false, &[Answered(503); 3], &[0, 1, 2], &[100, 200]),
            ("five retries are five", 1, 5, "GET", false, &[Answered(502); 6], &[0; 6], &[100, 200, 400, 800, 1600]),
            ("without retries 503 stands", 3, 0, "GET", false, &[Answered(503)], &[0], &[]),
            ("others stand in at once", 3, 0, "GET", false, &[Broken, Broken, Answered(200)], &[0, 1, 2], &[0, 0]),
            ("each of them once", 3, 0, "GET", false, &[Broken; 3], &[0, 1, 2], &[0, 0]),
            ("then come retries", 3, 2, "GET", false, &[Broken; 5], &[0, 1, 2, 0, 1], &[0, 0, 100, 200]),
            ("a retry goes to the next", 2, 1, "GET", false, &[Answered(503), Broken, Broken], &[0, 1, 0], &[100, 0]),
            ("one alone is asked again", 1, 1, "GET", false, &[Broken, Answered(200)], &[0, 0], &[100]),
            ("HEAD is sent again", 3, 0, "HEAD", false, &[Broken, Answered(200)], &[0, 1], &[0]),
            ("OPTIONS is", 3, 0, "OPTIONS", false, &[Broken, Answered(200)], &[0, 1], &[0]),
            ("PUT is", 3, 0, "PUT", false, &[Broken, Answered(200)], &[0, 1], &[0]),
            ("DELETE is", 3, 0, "DELETE", false, &[Broken, Answered(200)], &[0, 1], &[0]),
            ("POST is not", 3, 3, "POST", false, &[Broken], &[0], &[]),
            ("nor PATCH", 3, 3, "PATCH", false, &[Answered(503)], &[0], &[]),
            ("nor a method in other letters", 3, 3, "get", false, &[Broken], &[0], &[]),
            ("nor what has a body", 3, 3, "PUT", true, &[Broken], &[0], &[]),
            ("nor what took too long", 3, 3, "GET", false, &[TimedOut], &[0], &[]),
            ("nor what did so behind another", 1, 3, "GET", false, &[Answered(503), TimedOut], &[0, 0], &[100]),
        ];
        for (message, count, retries, method, has_body, outcomes, asked, pauses) in table {
            let (targets, mut outages) = (targets(*count), Outages::none());
            let attempts = begun(&targets, *retries, method, *has_body, &mut outages);
            let made = made(attempts, &mut outages, outcomes);
            assert_eq!((&*made.0, &*made.1), (*asked, *pauses), "{message}");
        }
    }

    #[test]
    fn an_upstream_that_is_down_is_asked_last_by_whatever_is_asked() {
        let (targets, mut outages) = (targets(3), Outages::none());
        for _ in 0..3 {
            let attempts = begun(&targets, 0, "GET", false, &mut outages);
            assert_eq!(made(attempts, &mut outages, &[Broken, Answered(200)]).0, [0, 1]);
        }
        let attempts = begun(&targets, 0, "POST", true, &mut outages);
        assert_eq!(made(attempts, &mut outages, &[Answered(200)]).0, [1], "with a body");
        let attempts = begun(&targets, 0, "GET", false, &mut outages);
        assert_eq!(made(attempts, &mut outages, &[Broken, Broken, Answered(200)]).0, [1, 2, 0], "if the others fail");
        let attempts = begun(&targets, 0, "GET", false, &mut outages);
        assert_eq!(made(attempts, &mut outages, &[Answered(200)]).0, [0], "until it answers");
    }

    #[test]
    fn the_others_stand_in_in_the_order_of_the_caller() {
        let (targets, mut outages) = (targets(3), Outages::none());
        let ranked = [&targets[1], &targets[2], &targets[0]];
        for expected in [[1, 2, 0], [1, 2, 0], [1, 2, 0]] {
            let attempts = Attempts::begin(&ranked, 0, "GET", false, &mut outages, 0.0).unwrap();
            assert_eq!(made(attempts, &mut outages, &[Broken, Broken, Answered(200)]).0, expected);
        }
        let attempts = Attempts::begin(&ranked, 0, "POST", true, &mut outages, 0.0).unwrap();
        assert_eq!(made(attempts, &mut outages, &[Answered(200)]).0, [0], "those that are down are last");
    }

    #[test]
    fn what_one_client_does_makes_no_upstream_count_as_down() {
        let table: &[(&str, u32, &str, bool, &[Outcome])] = &[
            ("one request, however often it is sent again", 9, "GET", false, &[Broken; 10]),
            ("bodies that break off", 0, "POST", true, &[Broken]),
            ("time-outs", 0, "GET", false, &[TimedOut]),
            ("failures between answers", 1, "GET", false, &[Broken, Answered(200)]),
        ];
        let targets = targets(1);
        for (message, retries, method, has_body, outcomes) in table {
            let mut outages = Outages::none();
            // The first row is one request; the others are many.
            for _ in 0..if *retries > 1 { 1 } else { 5 } {
                let attempts = begun(&targets, *retries, method, *has_body, &mut outages);
                made(attempts, &mut outages, outcomes);
            }
            assert!(!outages.is_down(ORIGINS[0], 0.0), "{message}");
        }
    }
}
