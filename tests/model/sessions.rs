//! Sessions: requests with a cookie at two isolates, the object of the session, its index, logouts, and the login that begins it, as
//! `src/edge/objects/session.rs`, `session.js`, `logout_index.rs` and `src/edge/session/` have them. What is decided is the core's.

mod endings;

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use bargate::config::{Authorizer, ClaimsFrom, KeySource, SessionRules};
use bargate::oauth::{Grant, Outcome, TransportError, Unfit, parse_token_response, refusal};
use bargate::objects::{RefreshExchangeAnswer, RefreshExchangeMessage, SessionAnswer};
use bargate::problem::Problem;
use bargate::secret::Secret;
use bargate::session::{
    IndexRecord, Known, LoginClient, SessionCache, SessionCookie, SessionRecord, SessionToken, TOKEN_CACHE_MAX_SECS,
    TokenState, Tokens, revocable,
};
use bargate::token::Authentication;

use crate::exchange::{Ask, Caller, Ticket};
use crate::mutation::Mutation;
use crate::provider::{TARGETS, audience};
use crate::world::{Action, Behaviour, LOGGED_OUT, NOT_FINAL, WRONG_TARGET, World};

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

#[derive(Clone, Debug)]
pub enum SessionAction {
    Visit(usize),
    DeliverVisit(usize),
    BreakVisit(usize),
    ReceiveVisit(usize),
    /// A request whose token is still valid no longer waits for its renewal.
    Impatient(usize),
    DeliverRenewal,
    BreakRenewal,
    ReceiveRenewal,
    /// The tokens are sealed, and written.
    KeepRenewal,
    Restart,
    /// The object restarts with a config that differs in whether it has sessions.
    Reload,
    Begin(Hop),
    Logout(Hop),
    Backchannel(Hop),
    Intrude,
    /// The object of what was left is asked what has taken its place.
    AskSuccessor(usize),
    Settle(usize, Behaviour),
    Alarm,
}

/// A step of a call to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    Send,
    Deliver,
    Break,
    Receive,
}

impl SessionAction {
    pub fn is_harm(&self) -> bool {
        matches!(self, Self::Restart | Self::Reload | Self::Intrude)
    }
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

fn rules() -> SessionRules {
    SessionRules {
        cookie: "__Host-s".into(),
        claims_from: ClaimsFrom::AccessToken,
        idle_secs: LIFE_SECS,
        absolute_secs: LIFE_SECS,
        after_login: "/".into(),
        after_logout: "/".into(),
        return_to_origins: Vec::new(),
        rotation_grace_secs: 10,
        renew_before_secs: 60,
        keeps_user_agent: false,
        keeps_country: false,
    }
}

fn authorizer() -> Authorizer {
    Authorizer {
        name: String::new(),
        issuer: String::new(),
        tenants: Vec::new(),
        audience: String::new(),
        audience_claim: None,
        claims: Vec::new(),
        keys: KeySource::Discovery(String::new()),
        algorithms: Vec::new(),
        clock_skew_secs: 0,
        timeout_ms: 1,
        dpop: None,
        is_supabase: false,
        logs_in: true,
    }
}

fn cookie() -> SessionCookie {
    SessionCookie::from_random([1; 16], [2; 16])
}

/// Seals tokens under the cookie's key, and behind a space the refresh token for the gateway.
fn sealed(key: &str, tokens: &Tokens) -> String {
    let text = tokens.to_json().replace(' ', "\u{1}");
    format!("{key}|{text} {}", tokens.refresh.as_deref().unwrap_or_default())
}

fn login_tokens() -> Tokens {
    Tokens {
        access: "login".into(),
        refresh: Some("r0".into()),
        subject: None,
        sid: None,
        id_token: None,
        authentication: Authentication::default(),
        held: Vec::new(),
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

    fn record(&self) -> Option<SessionRecord> {
        self.state.as_deref().and_then(SessionRecord::parse)
    }

    fn opened(&self, key: &str) -> Opened {
        let Some(record) = self.record() else { return Opened::Nothing };
        let Some((sealed_under, text)) = record.sealed_tokens().split_once('|') else { return Opened::AnothersKey };
        if sealed_under != key {
            return Opened::AnothersKey;
        }
        let members: serde_json::Value = serde_json::from_str(&text.replace('\u{1}', " ")).unwrap();
        let tokens = Tokens::from_json(members.as_object().unwrap()).unwrap();
        Opened::Tokens(record, tokens)
    }

    /// `create` there; `false` if it was ended before it began.
    fn create(&mut self, now: i64, token_until_ms: i64) -> bool {
        let now = now / 1000;
        let record = SessionRecord {
            used_at: now,
            idle_secs: LIFE_SECS,
            ends_at: now + LIFE_SECS,
            token_from: now,
            token_until: token_until_ms / 1000,
            sealed: sealed(&cookie().key(), &login_tokens()),
            began_at: Some(now),
            is_listed: false,
            client: LoginClient::default(),
        };
        if self.state.is_some() && !matches!(self.opened(&cookie().key()), Opened::Tokens(..)) {
            return false;
        }
        self.alarm = Some(record.ends_by() * 1000);
        self.state = Some(record.to_json());
        true
    }

    /// `leave` in `session.js`.
    fn leave(&mut self, sealed: Option<String>, now: i64, sets_alarm: bool) {
        self.state = None;
        if let Some(sealed) = sealed {
            self.owe(sealed, now, sets_alarm);
        }
    }

    /// `owe` there.
    fn owe(&mut self, sealed: String, now: i64, sets_alarm: bool) {
        let failures = self.left.as_ref().map_or(0, |left| left.failures);
        self.left = Some(Left { sealed: Some(sealed), failures });
        if sets_alarm {
            self.alarm = Some(now + REVOCATION_RESTART_MS);
        }
    }

    /// `settled` there, up to its first await.
    fn begin_to_settle(&mut self, sealed: Option<String>) {
        let at = if sealed.is_some() { SettleAt::OnTheWay } else { SettleAt::Provider };
        self.settled += 1;
        self.settles.push(Settle { serial: self.settled, sealed, is_second: false, at });
    }

    fn erase(&mut self) {
        (self.state, self.left, self.alarm) = (None, None, None);
    }

    pub fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        let rules = world.rules.session.as_ref().unwrap();
        let (may_lose, may_restart) = (world.budget.losses > 0, world.budget.restarts > 0);
        let mut add = |action| actions.push(Action::Session(action));
        let mut hops = |call: Call, action: fn(Hop) -> SessionAction, may_begin: bool| match call {
            Call::Idle if may_begin => add(action(Hop::Send)),
            Call::OnTheWay { .. } => {
                add(action(Hop::Deliver));
                if may_lose {
                    add(action(Hop::Break));
                }
            }
            Call::Back { .. } => {
                add(action(Hop::Receive));
                if may_lose {
                    add(action(Hop::Break));
                }
            }
            Call::Idle | Call::Over => {}
        };
        hops(self.begin, SessionAction::Begin, true);
        let has_begun = self.begin == Call::Over;
        hops(self.logout, SessionAction::Logout, has_begun && rules.logout.is_some());
        hops(self.backchannel, SessionAction::Backchannel, rules.backchannel);
        for (index, visit) in self.visits.iter().enumerate() {
            match visit.at {
                VisitAt::Idle => {
                    let is_alike = |other: &usize| {
                        matches!(self.visits[*other].at, VisitAt::Idle)
                            && self.visits[*other].next == visit.next
                            && rules.visits[*other] == rules.visits[index]
                    };
                    if has_begun && !(0..index).any(|other| is_alike(&other)) {
                        add(SessionAction::Visit(index));
                    }
                }
                VisitAt::OnTheWay { .. } => add(SessionAction::DeliverVisit(index)),
                VisitAt::Waits { is_due, .. } => {
                    if is_due {
                        add(SessionAction::Impatient(index));
                    }
                }
                VisitAt::Back { .. } => add(SessionAction::ReceiveVisit(index)),
                VisitAt::Done => {}
            }
            if may_lose && !matches!(visit.at, VisitAt::Idle | VisitAt::Done) {
                add(SessionAction::BreakVisit(index));
            }
        }
        if let Some(renewal) = &self.renewal {
            match renewal.at {
                RenewalAt::OnTheWay => add(SessionAction::DeliverRenewal),
                RenewalAt::Object => {}
                RenewalAt::Back(_) => add(SessionAction::ReceiveRenewal),
                RenewalAt::Sealing { .. } => add(SessionAction::KeepRenewal),
            }
            let is_call = !matches!(renewal.at, RenewalAt::Sealing { .. } | RenewalAt::Back(None));
            if may_lose && is_call {
                add(SessionAction::BreakRenewal);
            }
        }
        for (index, settle) in self.settles.iter().enumerate() {
            match settle.at {
                // It waits for the renewal.
                SettleAt::OnTheWay if self.renewal.is_none() => add(SessionAction::AskSuccessor(index)),
                SettleAt::OnTheWay => {}
                SettleAt::Object => {}
                SettleAt::Provider => {
                    add(SessionAction::Settle(index, Behaviour::Answers));
                    if settle.sealed.is_some() && world.budget.faults > 0 {
                        add(SessionAction::Settle(index, Behaviour::Fails));
                    }
                }
            }
        }
        if may_restart && (self.renewal.is_some() || !self.settles.is_empty()) {
            add(SessionAction::Restart);
        }
        if may_restart && rules.reloads {
            add(SessionAction::Reload);
        }
        if rules.intruder && !self.has_intruded && has_begun {
            add(SessionAction::Intrude);
        }
        if self.alarm.is_some_and(|at| world.now >= at) {
            add(SessionAction::Alarm);
        }
    }
}

#[expect(clippy::large_enum_variant, reason = "it lives for one step")]
enum Opened {
    Nothing,
    AnothersKey,
    Tokens(SessionRecord, Tokens),
}

impl World {
    fn session(&mut self) -> &mut SessionWorld {
        self.session.as_mut().unwrap()
    }

    pub fn take_session(&mut self, action: &SessionAction) {
        match action {
            SessionAction::Visit(index) => self.visit(*index),
            SessionAction::DeliverVisit(index) => self.deliver_visit(*index),
            SessionAction::BreakVisit(index) => {
                self.budget.losses -= 1;
                self.fail_visit(*index);
            }
            SessionAction::ReceiveVisit(index) => self.receive_visit(*index),
            SessionAction::Impatient(index) => self.use_what_is_due(*index),
            SessionAction::DeliverRenewal => self.deliver_renewal(),
            SessionAction::BreakRenewal => {
                self.budget.losses -= 1;
                self.fail_renewal();
            }
            SessionAction::ReceiveRenewal => self.receive_renewal(),
            SessionAction::KeepRenewal => self.keep_renewal(),
            SessionAction::Restart => self.restart_session(),
            SessionAction::Reload => {
                self.session().lacks_config ^= true;
                self.restart_session();
            }
            SessionAction::Begin(hop) => self.begin(*hop),
            SessionAction::Logout(hop) => self.log_out(*hop),
            SessionAction::Backchannel(hop) => self.end_by_provider(*hop),
            SessionAction::Intrude => self.intrude(),
            SessionAction::AskSuccessor(index) => self.ask_successor(*index),
            SessionAction::Settle(index, behaviour) => self.settle(*index, *behaviour),
            SessionAction::Alarm => self.session_alarm(),
        }
    }

    /// A request comes to its isolate: `token` in `src/edge/session/access.rs`.
    fn visit(&mut self, index: usize) {
        let now = self.now;
        let VisitRules { isolate, targets } = self.rules.session.as_ref().unwrap().visits[index].clone();
        let session = self.session();
        let target = TARGETS[targets[session.visits[index].next]];
        let cache_ms = TOKEN_CACHE_MAX_SECS * 1000;
        let was_here = session.isolates[isolate].ended.is_some();
        session.visits[index].asked = now;
        session.visits[index].is_over = session.ended_at.is_some_and(|ended_at| was_here || now >= ended_at + cache_ms);
        let Isolate { cache, .. } = &mut session.isolates[isolate];
        let known = match cache.get(&cookie(), now as f64) {
            Some(Known::LoggedOut | Known::Replaced) => {
                session.visits[index].at = VisitAt::Done;
                return self.note(|| "the isolate knows that it was logged out".to_owned());
            }
            Some(Known::Token(token)) if target.is_none() => Some(token),
            _ => target.and_then(|target| cache.get_for(&cookie(), target, now as f64)),
        };
        match known {
            Some(token) => self.use_token(index, &token.token, target),
            None => self.session().visits[index].at = VisitAt::OnTheWay { is_second: false },
        }
    }

    /// A request has its token.
    fn use_token(&mut self, index: usize, token: &str, target: Option<&str>) {
        let claimed = bargate::token::claimed_text(token, "aud");
        if claimed.as_deref().unwrap_or("login") != audience(target) {
            self.violate(WRONG_TARGET);
        }
        if self.session().visits[index].is_over {
            self.violate(NOT_FINAL);
        }
        self.note(|| "the request has a token".to_owned());
        self.end_visit(index);
    }

    fn end_visit(&mut self, index: usize) {
        let wants = self.rules.session.as_ref().unwrap().visits[index].targets.len();
        let visit = &mut self.session().visits[index];
        visit.next += 1;
        (visit.asked, visit.is_over) = (0, false);
        visit.at = if visit.next < wants { VisitAt::Idle } else { VisitAt::Done };
    }

    fn deliver_visit(&mut self, index: usize) {
        let session = self.session();
        let VisitAt::OnTheWay { is_second } = session.visits[index].at else { unreachable!() };
        session.visits[index].at = VisitAt::Waits { is_second, is_own: false, is_due: false };
        if session.lacks_config {
            return self.fail_visit(index);
        }
        self.access(index);
    }

    fn target_of(&self, index: usize) -> Option<&'static str> {
        let targets = &self.rules.session.as_ref().unwrap().visits[index].targets;
        TARGETS[targets[self.session.as_ref().unwrap().visits[index].next]]
    }

    /// One turn of the loop of `access` there, up to its await.
    fn access(&mut self, index: usize) {
        let target = self.target_of(index);
        let now = self.now / 1000;
        if let Some(record) = self.session().record().filter(|record| record.has_ended(now)) {
            self.expire(&record);
        }
        let (mut record, tokens) = match self.session().opened(&cookie().key()) {
            Opened::Tokens(record, tokens) => (record, tokens),
            Opened::AnothersKey => return self.answer_visit(index, &SessionAnswer::WrongKey),
            Opened::Nothing => {
                return self.answer_visit(index, &SessionAnswer::ended("it has ended, or never was"));
            }
        };
        if record.touch(&rules(), now) {
            self.session().state = Some(record.to_json());
        }
        let state = state(&record, &tokens, target, now);
        if let TokenState::Fresh(seconds) = state {
            return self.answer_visit(index, &granted(&record, tokens, target, seconds));
        }
        let session = self.session();
        let is_own = session.renewal.as_ref().is_none_or(|renewal| renewal.target == target);
        session.renewal.get_or_insert(Renewal {
            target,
            tokens,
            serial: 0,
            is_second: false,
            exchanges: 1,
            at: RenewalAt::OnTheWay,
        });
        let VisitAt::Waits { is_second, .. } = session.visits[index].at else { unreachable!() };
        let is_due = matches!(state, TokenState::Due(_));
        session.visits[index].at = VisitAt::Waits { is_second, is_own, is_due };
    }

    fn answer_visit(&mut self, index: usize, answer: &SessionAnswer) {
        let is_over = self.session().ended_at.is_some();
        let visit = &mut self.session().visits[index];
        let VisitAt::Waits { is_second, .. } = visit.at else { unreachable!() };
        visit.at = VisitAt::Back { is_second, answer: answer.to_json() };
        if is_over && matches!(answer, SessionAnswer::Token { .. }) {
            self.violate(NOT_FINAL);
        }
    }

    /// `ask` in `object_client.js`: a call that fails is made once more.
    fn fail_visit(&mut self, index: usize) {
        let visit = &mut self.session().visits[index];
        let is_second = match visit.at {
            VisitAt::OnTheWay { is_second } | VisitAt::Waits { is_second, .. } | VisitAt::Back { is_second, .. } => {
                is_second
            }
            VisitAt::Idle | VisitAt::Done => return,
        };
        if is_second {
            self.note(|| "503 store_unavailable".to_owned());
            self.end_visit(index);
        } else {
            visit.at = VisitAt::OnTheWay { is_second: true };
        }
    }

    fn receive_visit(&mut self, index: usize) {
        let (target, now) = (self.target_of(index), self.now);
        let isolate = self.rules.session.as_ref().unwrap().visits[index].isolate;
        let VisitAt::Back { answer, .. } = self.session().visits[index].at.clone() else { unreachable!() };
        let asked = self.session().visits[index].asked;
        let answer = SessionAnswer::parse(&answer).unwrap();
        match answer.into_token(asked as f64, target) {
            Ok(token) => {
                self.learn(isolate, target, &token, now);
                // It was asked for before the end, and so may be used.
                self.session().visits[index].is_over = false;
                self.use_token(index, &token.token, target);
            }
            Err(problem) => {
                self.note(|| format!("the request gets {}", problem.code()));
                let has_ended = matches!(problem, Problem::SessionExpired(_) | Problem::SessionInvalid(_));
                if has_ended && !self.ghost.excused && !self.is_ending() {
                    self.violate(LOGGED_OUT);
                }
                self.end_visit(index);
            }
        }
    }

    fn learn(&mut self, isolate: usize, target: Option<&'static str>, token: &SessionToken, now: i64) {
        let outlives = self.rules.is(Mutation::CacheOutlivesLogout);
        let Isolate { cache, learned, ended } = &mut self.session().isolates[isolate];
        if outlives {
            cache.forget(&cookie());
        }
        cache.learn(&cookie(), target, token, now as f64);
        if outlives || ended.is_none() {
            learned.retain(|(other, ..)| *other != target);
            learned.push((target, token.token.to_string(), token.asked_again_ms as i64));
        }
    }

    /// Checks whether somebody has begun to end the session.
    fn is_ending(&self) -> bool {
        let session = self.session.as_ref().unwrap();
        session.logout != Call::Idle || session.backchannel != Call::Idle
    }

    /// `usable` there.
    fn usable(&mut self, target: Option<&str>) -> Option<SessionAnswer> {
        let now = self.now / 1000;
        let Opened::Tokens(record, tokens) = self.session().opened(&cookie().key()) else { return None };
        match state(&record, &tokens, target, now) {
            TokenState::Fresh(seconds) | TokenState::Due(seconds) => Some(granted(&record, tokens, target, seconds)),
            TokenState::Expired => None,
        }
    }

    /// A request does not wait any longer for what is due, or the renewal has ended.
    fn use_what_is_due(&mut self, index: usize) {
        match self.usable(self.target_of(index)) {
            Some(answer) => self.answer_visit(index, &answer),
            None => {
                if let VisitAt::Waits { is_due, .. } = &mut self.session().visits[index].at {
                    *is_due = false;
                }
            }
        }
    }

    fn deliver_renewal(&mut self) {
        let renewal = self.session().renewal.as_mut().unwrap();
        renewal.at = RenewalAt::Object;
        let message = RefreshExchangeMessage {
            refresh_token: Secret::new(renewal.tokens.refresh.clone().unwrap_or_default()),
            requester: "session".to_owned(),
            grace_ms: i64::from(rules().rotation_grace_secs) * 1000,
            retry_ms: SESSION_RETRY_MS,
            target: renewal.target.map(str::to_owned),
        };
        let ticket = Some(Ticket { caller: Caller::Renewal, serial: renewal.serial });
        self.arrive(Ask { ticket, message: message.to_json() });
    }

    fn fail_renewal(&mut self) {
        let Some(renewal) = &mut self.session().renewal else { return };
        renewal.serial += 1;
        renewal.at = if renewal.is_second { RenewalAt::Back(None) } else { RenewalAt::OnTheWay };
        renewal.is_second = true;
    }

    pub fn answer_session(&mut self, caller: Caller, serial: u8, answer: Option<String>) {
        if caller == Caller::Settle {
            return self.answer_settle(serial, answer);
        }
        let Some(renewal) = &mut self.session().renewal else { return };
        if renewal.serial != serial || !matches!(renewal.at, RenewalAt::Object) {
            return;
        }
        match answer {
            None => self.fail_renewal(),
            answer => renewal.at = RenewalAt::Back(answer),
        }
    }

    /// One turn of `Renewal::run` there, up to the sealing of the tokens.
    fn receive_renewal(&mut self) {
        let now = self.now / 1000;
        let renewal = self.session().renewal.as_mut().unwrap();
        renewal.serial += 1;
        let RenewalAt::Back(answer) = &renewal.at else { unreachable!() };
        let Some(answer) = answer.clone() else { return self.end_renewal(&away()) };
        let RefreshExchangeAnswer { outcome, target, .. } = RefreshExchangeAnswer::parse(&answer).unwrap();
        let parsed = (*outcome).as_ref().map_err(|error| Problem::from(error.clone()));
        match parsed.and_then(|answer| parse_token_response(Grant::Refresh, answer)) {
            Ok(tokens) => {
                assert!(renewal.tokens.are_followed_by(target.as_deref(), &tokens, &authorizer()), "one user");
                let sent = renewal.tokens.refresh.clone();
                renewal.tokens.take_over(target.as_deref(), &tokens, None, now, 600);
                if self.rules.is(Mutation::OldRefreshTokenKept) {
                    self.session().renewal.as_mut().unwrap().tokens.refresh = sent.clone();
                }
                let session = self.session();
                let record_at = session.state.clone();
                session.renewal.as_mut().unwrap().at = RenewalAt::Sealing { answer, unfit: false, record_at, sent };
            }
            Err(problem) => {
                let fails = self.rules.is(Mutation::FailureEndsSession);
                if fails || matches!(problem, Problem::RefreshTokenInvalid(_)) {
                    let now = self.now;
                    self.session().leave(None, now, true);
                    if fails {
                        return self.end_renewal(&SessionAnswer::ended("it was not renewed"));
                    }
                }
                let Some(unfit) = target.as_deref().and_then(|target| refusal(target, &problem)) else {
                    return self.end_renewal(&SessionAnswer::NotRenewed(outcome));
                };
                let session = self.session();
                let record_at = session.state.clone();
                let renewal = session.renewal.as_mut().unwrap();
                renewal.tokens.refuse(target.as_deref().unwrap_or_default(), unfit, now);
                renewal.at = RenewalAt::Sealing { answer, unfit: true, record_at, sent: None };
            }
        }
    }

    /// The rest of it.
    fn keep_renewal(&mut self) {
        let now = self.now / 1000;
        let session = self.session.as_mut().unwrap();
        let renewal = session.renewal.as_mut().unwrap();
        let RenewalAt::Sealing { answer, unfit, record_at, sent } = renewal.at.clone() else { unreachable!() };
        let RefreshExchangeAnswer { outcome, replayed, target, .. } = RefreshExchangeAnswer::parse(&answer).unwrap();
        let tokens = renewal.tokens.clone();
        let sealed = sealed(&cookie().key(), &tokens);
        let drops = self.rules.is(Mutation::OldRefreshTokenKept);
        let looked = if self.rules.is(Mutation::RenewalResurrects) { record_at } else { session.state.clone() };
        let Some(mut record) = looked.as_deref().and_then(SessionRecord::parse) else {
            if !unfit {
                let sealed = revocable(&sealed);
                session.owe(sealed.clone().unwrap(), self.now, !self.rules.is(Mutation::NoRevocationAlarm));
                session.begin_to_settle(sealed);
            }
            return self.end_renewal(&SessionAnswer::Done);
        };
        let parsed = (*outcome).as_ref().ok().and_then(|answer| parse_token_response(Grant::Refresh, answer).ok());
        if let (None, Some(tokens)) = (&target, &parsed) {
            record.renew(tokens, now);
        }
        record.sealed = sealed;
        session.state = Some(record.to_json());
        self.ghost.received.extend(sent.clone().filter(|sent| Some(sent) != tokens.refresh.as_ref() || drops));
        if unfit {
            let reason = tokens.held_for(target.as_deref().unwrap_or_default());
            let unfit = reason.and_then(|held| held.token.clone().err()).unwrap();
            return self.end_renewal(&SessionAnswer::Unfit(unfit));
        }
        let until = match &target {
            Some(target) => tokens.held_for(target).map_or(i64::MAX, |held| held.until),
            None => record.token_until,
        };
        let outlived = replayed && until <= now && tokens.refresh != sent;
        if !outlived && target.as_deref() == renewal.target {
            return self.end_renewal(&SessionAnswer::Done);
        }
        renewal.exchanges += 1;
        (renewal.is_second, renewal.at) = (false, RenewalAt::OnTheWay);
        if renewal.exchanges > EXCHANGES_MAX {
            self.end_renewal(&away());
        }
    }

    /// The renewal is over: those who wait for it go on, as the end of `access` there.
    fn end_renewal(&mut self, renewed: &SessionAnswer) {
        self.session().renewal = None;
        for index in 0..self.session().visits.len() {
            let VisitAt::Waits { is_own, is_due, .. } = self.session().visits[index].at else { continue };
            if is_due {
                self.use_what_is_due(index);
                if !matches!(self.session().visits[index].at, VisitAt::Waits { .. }) {
                    continue;
                }
            }
            if !is_own {
                self.access(index);
                continue;
            }
            if let Some(answer) = self.usable(self.target_of(index)) {
                self.answer_visit(index, &answer);
            } else if !matches!(renewed, SessionAnswer::Done) {
                self.answer_visit(index, renewed);
            } else if self.session().record().is_none() {
                self.answer_visit(index, &SessionAnswer::ended("it ended while it was renewed"));
            } else {
                self.answer_visit(index, &away());
            }
        }
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

    pub fn tell_session(&self, action: &SessionAction) -> String {
        let session = self.session.as_ref().unwrap();
        let of = |index: &usize| {
            let VisitRules { isolate, .. } = &self.rules.session.as_ref().unwrap().visits[*index];
            format!("request {index} at isolate {isolate}")
        };
        let renewal = session.renewal.as_ref().and_then(|renewal| renewal.tokens.refresh.clone()).unwrap_or_default();
        match action {
            SessionAction::Visit(index) => {
                format!("{} wants a token for {}", of(index), audience(self.target_of(*index)))
            }
            SessionAction::DeliverVisit(index) => format!("{} reaches the session", of(index)),
            SessionAction::BreakVisit(index) => format!("the call of {} to the session breaks", of(index)),
            SessionAction::ReceiveVisit(index) => format!("the session's answer reaches {}", of(index)),
            SessionAction::Impatient(index) => format!("{} no longer waits for the renewal", of(index)),
            SessionAction::DeliverRenewal => format!("the renewal reaches the object of {renewal}"),
            SessionAction::BreakRenewal => format!("the call of the renewal to the object of {renewal} breaks"),
            SessionAction::ReceiveRenewal => "the answer reaches the renewal".to_owned(),
            SessionAction::KeepRenewal => format!("the session writes what came, with {renewal}"),
            SessionAction::Restart => "the session's object restarts".to_owned(),
            SessionAction::Reload => "the session's object restarts, with another config".to_owned(),
            SessionAction::Begin(hop) => format!("the login: {hop:?}"),
            SessionAction::Logout(hop) => format!("the logout: {hop:?}"),
            SessionAction::Backchannel(hop) => format!("the provider's logout: {hop:?}"),
            SessionAction::Intrude => "somebody ends the session with another key".to_owned(),
            SessionAction::AskSuccessor(_) => "the object of what the session left is asked what followed".to_owned(),
            SessionAction::Settle(_, how) => format!("the provider is asked to revoke what the session left: {how:?}"),
            SessionAction::Alarm => "the session's alarm".to_owned(),
        }
    }
}

/// `Asked::state` there.
fn state(record: &SessionRecord, tokens: &Tokens, target: Option<&str>, now: i64) -> TokenState {
    match target {
        Some(target) => record.held_state(tokens.held_for(target), &rules(), now),
        None => record.token_state(&rules(), now),
    }
}

/// `Asked::granted` there.
fn granted(record: &SessionRecord, tokens: Tokens, target: Option<&str>, valid_secs: i64) -> SessionAnswer {
    let held = target.map(|target| tokens.held_for(target).cloned());
    let (token, until) = match held.map(|held| held.map(|held| (held.token, held.until))) {
        None => (tokens.access, record.token_until),
        Some(Some((Ok(token), until))) => (token, until),
        Some(Some((Err(unfit), _))) => return SessionAnswer::Unfit(unfit),
        Some(None) => return SessionAnswer::Unfit(Unfit { reason: "it is not held".into(), missing: String::new() }),
    };
    let (subject, id_token, authentication) = (None, None, tokens.authentication);
    SessionAnswer::Token {
        token,
        subject,
        id_token,
        authentication,
        until,
        valid_secs,
        target: target.map(str::to_owned),
    }
}

/// Answers that the provider is unavailable.
fn away() -> SessionAnswer {
    let outcome: Outcome = Err(TransportError::Unreachable("away".to_owned()));
    SessionAnswer::NotRenewed(Rc::new(outcome))
}
