//! Which address of a server is asked, and which comes next after a failure.

use super::outages::Outages;

/// The longest pause before a request is made again for the first time; it doubles each time.
const BACKOFF_MS: u32 = 100;

/// Statuses that say of an upstream that it cannot answer at present.
const PASSING_STATUSES: [u16; 3] = [502, 503, 504];

/// Methods whose requests have the same effect made once or more often (RFC 9110 section 9.2.2).
const IDEMPOTENT_METHODS: [&str; 5] = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"];

/// What comes after an attempt that failed.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// The next address is asked at once.
    Go,
    /// The next address is asked after a pause of a random length, up to so many milliseconds.
    Pause(u32),
    /// The client is told.
    GiveUp,
}

/// The attempts at one request.
pub struct Attempts<'t> {
    /// The origins of the server's addresses.
    origins: &'t [&'t str],
    /// Places in that, in the order in which they are asked.
    order: Vec<usize>,
    turn: usize,
    /// How many other addresses may still stand in for one that cannot be reached.
    others: usize,
    /// How often the request may still be made again.
    again: u32,
    pause_ms: u32,
    has_body: bool,
    /// Those that could not be reached.
    failing: Vec<usize>,
}

impl<'t> Attempts<'t> {
    /// Plans the attempts at a request at `now_ms`: upstreams that are down are asked last.
    ///
    /// What an upstream may have carried out is made again only if that changes nothing, and a body is gone once it is sent.
    pub fn plan(
        origins: &'t [&'t str],
        retries: u32,
        method: &str,
        has_body: bool,
        outages: &Outages,
        now_ms: f64,
    ) -> Self {
        let mut order: Vec<usize> = (0..origins.len()).collect();
        order.sort_by_key(|place| origins.get(*place).is_some_and(|origin| outages.is_down(origin, now_ms)));
        let repeatable = !has_body && IDEMPOTENT_METHODS.contains(&method);
        let (others, again) = if repeatable { (origins.len().saturating_sub(1), retries) } else { (0, 0) };
        Self { origins, order, turn: 0, others, again, pause_ms: BACKOFF_MS, has_body, failing: Vec::new() }
    }

    /// Returns the place of the address that is asked.
    pub fn place(&self) -> usize {
        self.order.iter().cycle().nth(self.turn).copied().unwrap_or_default()
    }

    fn origin(&self) -> &'t str {
        self.origins.get(self.place()).copied().unwrap_or_default()
    }

    /// Notes that an attempt begins at `now_ms`.
    pub fn begin(&self, outages: &mut Outages, now_ms: f64) {
        outages.probe(self.origin(), now_ms);
    }

    /// Checks whether another attempt could follow, so that the status of an answer matters.
    pub fn may_repeat(&self) -> bool {
        self.again > 0
    }

    /// Decides what comes after an answer.
    pub fn answered(&mut self, status: u16, outages: &mut Outages) -> Next {
        outages.end(self.origin());
        if PASSING_STATUSES.contains(&status) { self.repeat() } else { Next::GiveUp }
    }

    /// Decides what comes after an attempt without an answer.
    pub fn failed(&mut self, timed_out: bool, outages: &mut Outages, now_ms: f64) -> Next {
        // What broke with a body may have been the client's doing.
        if timed_out || self.has_body {
            return Next::GiveUp;
        }
        let place = self.place();
        // One request may bring any connection to break: an upstream is down if it answers nobody else in between.
        if !self.failing.contains(&place) {
            self.failing.push(place);
            outages.note(self.origin(), now_ms);
        }
        if self.others > 0 {
            self.others -= 1;
            self.turn += 1;
            return Next::Go;
        }
        self.repeat()
    }

    fn repeat(&mut self) -> Next {
        if self.again == 0 {
            return Next::GiveUp;
        }
        self.again -= 1;
        self.turn += 1;
        let pause_ms = self.pause_ms;
        self.pause_ms = pause_ms.saturating_mul(2);
        Next::Pause(pause_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGINS: [&str; 3] = ["https://a.example", "https://b.example", "https://c.example"];

    /// What an upstream does to an attempt.
    #[derive(Clone, Copy)]
    enum Does {
        Answers(u16),
        Breaks,
        Hangs,
    }
    use Does::{Answers, Breaks, Hangs};

    /// Makes attempts until one is the last; tells which addresses were asked, and how long the pauses were at most.
    fn made(mut attempts: Attempts<'_>, outages: &mut Outages, upstreams: &[Does]) -> (Vec<usize>, Vec<u32>) {
        let (mut asked, mut pauses) = (Vec::new(), Vec::new());
        for does in upstreams {
            attempts.begin(outages, 0.0);
            asked.push(attempts.place());
            let next = match does {
                Answers(status) => attempts.answered(*status, outages),
                Breaks => attempts.failed(false, outages, 0.0),
                Hangs => attempts.failed(true, outages, 0.0),
            };
            match next {
                Next::Go => {}
                Next::Pause(ms) => pauses.push(ms),
                Next::GiveUp => return (asked, pauses),
            }
        }
        panic!("another attempt would follow {asked:?}");
    }

    #[test]
    fn a_request_is_made_again_if_that_changes_nothing_and_something_may_come_of_it() {
        let table: &[(&str, u32, &str, bool, &[Does], &[usize], &[u32])] = &[
            ("an answer is the last", 3, "GET", false, &[Answers(200)], &[0], &[]),
            ("so is a failure of the request", 3, "GET", false, &[Answers(500)], &[0], &[]),
            ("502 may pass", 3, "GET", false, &[Answers(502), Answers(200)], &[0, 1], &[100]),
            ("503 may pass", 3, "GET", false, &[Answers(503), Answers(200)], &[0, 1], &[100]),
            ("504 may pass", 3, "GET", false, &[Answers(504), Answers(200)], &[0, 1], &[100]),
            ("so often, with longer pauses", 2, "GET", false, &[Answers(503); 3], &[0, 1, 2], &[100, 200]),
            ("without retries 503 is an answer", 0, "GET", false, &[Answers(503)], &[0], &[]),
            ("others stand in at once", 0, "GET", false, &[Breaks, Breaks, Answers(200)], &[0, 1, 2], &[]),
            ("each once", 0, "GET", false, &[Breaks; 3], &[0, 1, 2], &[]),
            ("then retries begin", 1, "GET", false, &[Breaks; 4], &[0, 1, 2, 0], &[100]),
            ("PUT is made again", 1, "PUT", false, &[Breaks, Answers(200)], &[0, 1], &[]),
            ("DELETE is made again", 1, "DELETE", false, &[Breaks, Answers(200)], &[0, 1], &[]),
            ("POST is not", 3, "POST", false, &[Breaks], &[0], &[]),
            ("nor PATCH", 3, "PATCH", false, &[Answers(503)], &[0], &[]),
            ("nor what has a body", 3, "PUT", true, &[Breaks], &[0], &[]),
            ("nor what took too long", 3, "GET", false, &[Hangs], &[0], &[]),
        ];
        for (message, retries, method, has_body, upstreams, asked, pauses) in table {
            let outages = &mut Outages::default();
            let attempts = Attempts::plan(&ORIGINS, *retries, method, *has_body, outages, 0.0);
            let made = made(attempts, outages, upstreams);
            assert_eq!((made.0.as_slice(), made.1.as_slice()), (*asked, *pauses), "{message}");
        }
    }

    #[test]
    fn an_upstream_that_is_down_is_asked_last() {
        let outages = &mut Outages::default();
        for _ in 0..3 {
            let attempts = Attempts::plan(&ORIGINS, 0, "GET", false, outages, 0.0);
            assert_eq!(made(attempts, outages, &[Breaks, Answers(200)]).0, [0, 1]);
        }
        let attempts = Attempts::plan(&ORIGINS, 0, "GET", false, outages, 0.0);
        assert_eq!(made(attempts, outages, &[Breaks, Breaks, Answers(200)]).0, [1, 2, 0]);
    }

    #[test]
    fn one_request_however_often_it_is_made_again_does_not_make_an_upstream_count_as_down() {
        let outages = &mut Outages::default();
        let one = &ORIGINS[..1];
        let attempts = Attempts::plan(one, 9, "GET", false, outages, 0.0);
        assert_eq!(made(attempts, outages, &[Breaks; 10]).0, [0; 10]);
        assert!(!outages.is_down(ORIGINS[0], 0.0));
        let attempts = Attempts::plan(one, 0, "POST", true, outages, 0.0);
        made(attempts, outages, &[Breaks]);
        let attempts = Attempts::plan(one, 0, "GET", false, outages, 0.0);
        made(attempts, outages, &[Hangs]);
        assert!(!outages.is_down(ORIGINS[0], 0.0), "nor do bodies and time-outs");
    }
}
