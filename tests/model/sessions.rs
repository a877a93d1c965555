//! Sessions: requests with a cookie at two isolates, the object of the session, its index, logouts, and the login that begins it, as
//! `src/edge/objects/session.rs`, `session.js`, `logout_index.rs` and `src/edge/session/` have them. What is decided is the core's.

mod actions;
mod endings;
mod object;
mod renewal;
mod visits;

use std::hash::{Hash, Hasher};

use bargate::session::{IndexRecord, SessionCache, Tokens};

use object::cookie;

pub use actions::{Hop, SessionAction};

use crate::world::World;

/// `SESSION_RETRY_SECS` in `rotation.rs`.
const SESSION_RETRY_MS: i64 = 60_000;
/// `TOMBSTONE_SECS` in `objects/session.rs`.
const TOMBSTONE_MS: i64 = 60_000;
/// Those of these names in `session.js`.
const REVOCATION_TRIES: u32 = 6;
const REVOCATION_RETRY_MS: i64 = 60_000;
const REVOCATION_RESTART_MS: i64 = 30_000;
/// The longest time between two tries.
const REVOCATION_LAST_MS: i64 = REVOCATION_RETRY_MS * 4_i64.pow(REVOCATION_TRIES - 2);
/// `EXCHANGES_MAX` in `objects/session.rs`.
const EXCHANGES_MAX: u8 = 4;
/// What is stored of a session that was ended before it began.
const ENDED: &str = "ended";
/// The life of the session, by use and in all.
const LIFE_SECS: i64 = 100_000;
/// The name of the index, and of the logout token that ends its sessions.
const JTI: &str = "jti";

/// What happens with a session.
#[derive(Clone)]
pub struct SessionRulesOf {
    pub visits: Vec<VisitRules>,
    /// For how long the access token of the login is valid at the beginning, in milliseconds.
    pub token_left_ms: i64,
    /// The isolate that a logout comes to.
    pub logout: Option<usize>,
    /// Whether the provider ends its sessions.
    pub backchannel: bool,
    /// Whether the session is only about to begin.
    pub begins: bool,
    /// Whether somebody knows the session's name, and not its key.
    pub intruder: bool,
    /// Whether a restart may bring a config without sessions.
    pub reloads: bool,
}

#[derive(Clone, PartialEq)]
pub struct VisitRules {
    pub isolate: usize,
    pub targets: Vec<usize>,
}

/// A call, with its second attempt.
#[derive(Clone, Copy, Hash, PartialEq, Eq, Debug, Default)]
enum Call {
    #[default]
    Idle,
    OnTheWay {
        is_second: bool,
    },
    /// The answer is on its way back; whether it is the one that was wished for.
    Back {
        is_second: bool,
        is_done: bool,
    },
    Over,
}

#[derive(Clone, Hash, Default)]
struct Left {
    sealed: Option<String>,
    failures: u32,
}

/// A revocation under way. What is sealed for the gateway is here the refresh token itself.
#[derive(Clone, Hash)]
struct Settle {
    serial: u8,
    sealed: Option<String>,
    is_second: bool,
    at: SettleAt,
}

#[derive(Clone, Copy, Hash, PartialEq, Eq)]
enum SettleAt {
    OnTheWay,
    Object,
    Provider,
}

#[derive(Clone)]
struct Renewal {
    target: Option<&'static str>,
    tokens: Tokens,
    serial: u8,
    is_second: bool,
    exchanges: u8,
    at: RenewalAt,
}

#[derive(Clone, Hash)]
enum RenewalAt {
    OnTheWay,
    Object,
    Back(Option<String>),
    /// The tokens are about to be written.
    Sealing {
        answer: String,
        unfit: bool,
        record_at: Option<String>,
        /// The refresh token that was used.
        sent: Option<String>,
    },
}

#[derive(Clone, Hash)]
struct Visit {
    next: usize,
    /// When the question was asked, in milliseconds.
    asked: i64,
    /// Whether it began when no token may be given any longer.
    is_over: bool,
    at: VisitAt,
}

#[derive(Clone, Hash)]
enum VisitAt {
    Idle,
    OnTheWay {
        is_second: bool,
    },
    /// It waits for a renewal: its own, or for another target.
    Waits {
        is_second: bool,
        is_own: bool,
        is_due: bool,
    },
    Back {
        is_second: bool,
        answer: String,
    },
    Done,
}

/// What an isolate remembers.
#[derive(Clone)]
struct Isolate {
    cache: SessionCache,
    /// What it learned, and when, since the cache does not tell.
    learned: Vec<(Option<&'static str>, String, i64)>,
    ended: Option<i64>,
}

#[derive(Clone)]
pub struct SessionWorld {
    state: Option<String>,
    left: Option<Left>,
    alarm: Option<i64>,
    lacks_config: bool,
    renewal: Option<Renewal>,
    settles: Vec<Settle>,
    settled: u8,
    index: Option<String>,
    visits: Vec<Visit>,
    isolates: [Isolate; 2],
    begin: Call,
    logout: Call,
    backchannel: Call,
    /// When a logout was answered, in milliseconds.
    ended_at: Option<i64>,
    has_intruded: bool,
}

impl Hash for SessionWorld {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        (&self.state, &self.left, self.alarm, self.lacks_config, &self.settles, self.settled, &self.index).hash(hasher);
        (&self.visits, self.begin, self.logout, self.backchannel, self.ended_at, self.has_intruded).hash(hasher);
        for Isolate { learned, ended, .. } in &self.isolates {
            (learned, ended).hash(hasher);
        }
        self.renewal.is_some().hash(hasher);
        if let Some(Renewal { target, tokens, serial, is_second, exchanges, at }) = &self.renewal {
            (target, tokens.to_json(), serial, is_second, exchanges, at).hash(hasher);
        }
    }
}

impl SessionWorld {
    pub fn new(rules: &SessionRulesOf, now: i64) -> Self {
        let isolate = || Isolate { cache: SessionCache::default(), learned: Vec::new(), ended: None };
        let visit = |_: &VisitRules| Visit { next: 0, asked: 0, is_over: false, at: VisitAt::Idle };
        let mut world = Self {
            state: None,
            left: None,
            alarm: None,
            lacks_config: false,
            renewal: None,
            settles: Vec::new(),
            settled: 0,
            index: None,
            visits: rules.visits.iter().map(visit).collect(),
            isolates: [isolate(), isolate()],
            begin: Call::Idle,
            logout: Call::Idle,
            backchannel: Call::Idle,
            ended_at: None,
            has_intruded: false,
        };
        if !rules.begins {
            let mut index = IndexRecord::default();
            index.add(&cookie().object_name(), now / 1000 + LIFE_SECS);
            world.index = index.to_json();
            world.create(now, now + rules.token_left_ms);
            world.begin = Call::Over;
        }
        world
    }
}

impl World {
    fn session(&mut self) -> &mut SessionWorld {
        self.session.as_mut().unwrap()
    }

    fn restart_session(&mut self) {
        self.budget.restarts -= 1;
        let session = self.session();
        session.renewal = None;
        session.settles.clear();
        let waiting = |visit: &Visit| matches!(visit.at, VisitAt::Waits { .. });
        let waiting: Vec<usize> =
            session.visits.iter().enumerate().filter(|(_, visit)| waiting(visit)).map(|(index, _)| index).collect();
        waiting.into_iter().for_each(|index| self.fail_visit(index));
    }
}
