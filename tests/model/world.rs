//! The world: every actor's state, what may happen next, and what must hold.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use crate::exchange::{Ask, Exchange};
use crate::mutation::Mutation;
use crate::provider::{Provider, ProviderRules};
use crate::sessions::{SessionAction, SessionRulesOf, SessionWorld};
use crate::tabs::{Tab, TabRules, Want};

/// When a run begins, in milliseconds. Nothing in it is 0.
pub const START_MS: i64 = 1_000_000;

/// What a configuration fixes.
#[derive(Clone)]
pub struct Rules {
    pub name: &'static str,
    pub provider: ProviderRules,
    /// For how long an isolate's config has everyone get an answer again, in milliseconds. Isolates differ for a minute.
    pub grace_ms: [i64; 2],
    pub tabs: Vec<TabRules>,
    /// Tokens that were in a page before: those who hold them are the same client, with a memory of their own.
    pub stores: usize,
    pub session: Option<SessionRulesOf>,
    /// By how much time may go on at once, in milliseconds.
    pub leaps_ms: Vec<i64>,
    pub budget: Budget,
    /// By how much the clock of the machine differs to which a restart may move an object, in milliseconds.
    pub skew_ms: i64,
    /// Whether a restart may bring a build that knows neither targets nor successors.
    pub builds: bool,
    /// Whether somebody uses the first refresh token outside the gateway.
    pub thief: bool,
    pub mutation: Option<Mutation>,
}

impl Rules {
    pub fn is(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// Checks whether tokens for several targets are wanted, so that an object may make token requests in a row.
    pub fn has_targets(&self) -> bool {
        let wants = |tab: &TabRules| tab.wants.iter().any(|want| !matches!(want, Want::Token(0) | Want::Logout));
        self.tabs.iter().any(wants)
    }
}

/// How often the world may do harm.
#[derive(Clone, Copy, Default, Hash, PartialEq, Eq)]
pub struct Budget {
    /// An object loses its memory and its running calls.
    pub restarts: u8,
    /// A hop loses a question or an answer, or a client hangs up.
    pub losses: u8,
    /// The provider fails, or its answer is lost.
    pub faults: u8,
    /// Time goes on.
    pub leaps: u8,
}

/// How the provider takes a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Answers,
    /// It has done what was asked, and its answer is lost.
    LosesAnswer,
    /// 503.
    Fails,
    /// 429.
    Limits,
}

#[derive(Clone, Debug)]
pub enum Action {
    /// A tab sends its next request.
    Start(usize),
    /// The message of a tab's request reaches the object.
    Deliver(usize),
    /// The hop between isolate and object breaks: the isolate asks once more, or gives up.
    Break(usize),
    /// The client hangs up and asks again. Its message may still be on its way.
    HangUp(usize),
    /// The client gets its answer.
    Receive(usize),
    /// The provider revokes what a tab's isolate asks it to.
    Revoke(usize, Behaviour),
    /// A message that nobody waits for reaches the object.
    Stray(usize),
    /// The provider takes the token request of an object.
    Provider(String, Behaviour),
    /// The provider's answer reaches the object, which stores it and goes on.
    Store(String),
    /// The object's work is over, and those who wait for it go on.
    End(String),
    /// The object loses its memory; maybe on a machine with another clock, or with another build.
    Restart(String, Restart),
    /// What was to be stored is stored: only of a broken variant.
    Flush(String),
    Alarm(String),
    Leap(i64),
    /// Somebody uses a refresh token that was used before, at the provider itself.
    Thief,
    Session(SessionAction),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    Plain,
    Skewed,
    OtherBuild,
}

/// What the world knows of a run and no actor does, by which it judges.
#[derive(Clone, Default, Hash)]
pub struct Ghost {
    /// Refresh tokens that the provider has replaced, whose successor nobody has: the answer was lost before it was stored.
    pub unstored: BTreeSet<String>,
    /// Refresh tokens that were lost so: nobody can use or revoke them.
    pub unknown: BTreeSet<String>,
    /// Until when everyone, and those who had asked, get the stored answer of a refresh token, by the documented times.
    pub stored: BTreeMap<String, Stored>,
    /// Refresh tokens of which the session has got what took their place.
    pub received: BTreeSet<String>,
    /// How many token requests with a refresh token have had no outcome, and when the last was.
    pub untold: BTreeMap<String, (u8, i64)>,
    /// Whether the documented bound has cost the login.
    pub excused: bool,
    /// Whether a logout was answered.
    pub is_final: bool,
    /// Whether that could not find what has to be revoked, by the documented bound.
    pub late_logout: bool,
    /// Refresh tokens whose objects were told to revoke them.
    pub closed: BTreeSet<String>,
    pub violation: Option<&'static str>,
}

#[derive(Clone, Default, Hash)]
pub struct Stored {
    pub replay_until: i64,
    pub until: i64,
    pub requesters: BTreeSet<String>,
}

pub const LOGGED_OUT: &str = "1: no honest client is logged out";
pub const REVOKED: &str = "2: the family is revoked only for a reuse from outside";
pub const WRONG_KEY: &str = "3: no token for whoever did not present its key";
pub const WRONG_TARGET: &str = "3: no token for another target";
pub const PAST_GRACE: &str = "3: no stored answer past the grace";
pub const REPEATED: &str = "4: no token request is repeated beyond the bound";
pub const REST: &str = "5: every run comes to rest";
pub const NOT_FINAL: &str = "6: a logout is final";
pub const NOT_REVOKED: &str = "6: a logout revokes the refresh token, or keeps it to be tried again";

#[derive(Clone)]
pub struct World {
    pub rules: Rc<Rules>,
    pub now: i64,
    pub budget: Budget,
    pub provider: Provider,
    pub exchanges: BTreeMap<String, Exchange>,
    pub stores: Vec<String>,
    pub tabs: Vec<Tab>,
    pub strays: Vec<String>,
    pub session: Option<Box<SessionWorld>>,
    pub has_stolen: bool,
    pub ghost: Ghost,
    /// What happens, in words, if somebody reads it.
    pub notes: Option<Vec<String>>,
}

impl World {
    pub fn new(rules: Rules) -> Self {
        let tabs = rules.tabs.iter().map(Tab::new).collect();
        let session = rules.session.as_ref().map(|session| Box::new(SessionWorld::new(session, START_MS)));
        Self {
            now: START_MS,
            budget: rules.budget,
            provider: Provider::new(),
            exchanges: BTreeMap::new(),
            stores: vec!["r0".to_owned(); rules.stores],
            tabs,
            strays: Vec::new(),
            session,
            has_stolen: false,
            ghost: Ghost::default(),
            notes: None,
            rules: Rc::new(rules),
        }
    }

    pub fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(notes) = &mut self.notes {
            notes.push(text());
        }
    }

    /// Records that a property does not hold; the first one stays.
    pub fn violate(&mut self, property: &'static str) {
        self.ghost.violation.get_or_insert(property);
    }

    pub fn violation(&self) -> Option<&'static str> {
        self.ghost.violation
    }

    /// Returns everything that could happen next.
    pub fn actions(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        self.tab_actions(&mut actions);
        self.exchange_actions(&mut actions);
        if let Some(session) = &self.session {
            session.actions(self, &mut actions);
        }
        for (index, stray) in self.strays.iter().enumerate() {
            if !self.strays[..index].contains(stray) {
                actions.push(Action::Stray(index));
            }
        }
        if self.budget.leaps > 0 {
            let may = |ms: &&i64| self.exchanges.values().all(|exchange| exchange.may_last(**ms));
            actions.extend(self.rules.leaps_ms.iter().filter(may).map(|ms| Action::Leap(*ms)));
        }
        if self.rules.thief && !self.has_stolen && self.provider.is_spent("r0") {
            actions.push(Action::Thief);
        }
        actions
    }

    /// Checks whether of these actions none is due: time may go on, and harm may be done.
    pub fn is_at_rest(&self, actions: &[Action]) -> bool {
        actions.iter().all(|action| match action {
            Action::Leap(_) | Action::Thief | Action::Restart(..) => true,
            Action::Session(action) => action.is_harm(),
            _ => false,
        })
    }

    pub fn take(&mut self, action: &Action) {
        match action {
            Action::Start(tab) => self.start(*tab),
            Action::Deliver(tab) => self.deliver(*tab),
            Action::Break(tab) => self.break_hop(*tab),
            Action::HangUp(tab) => self.hang_up(*tab),
            Action::Receive(tab) => self.receive(*tab),
            Action::Revoke(tab, behaviour) => self.revoke_for(*tab, *behaviour),
            Action::Stray(index) => {
                let message = self.strays.remove(*index);
                self.arrive(Ask { ticket: None, message });
            }
            Action::Provider(token, behaviour) => self.call_provider(token, *behaviour),
            Action::Store(token) => self.store(token),
            Action::End(token) => self.end_work(token),
            Action::Restart(token, restart) => self.restart_exchange(token, *restart),
            Action::Flush(token) => self.flush(token),
            Action::Alarm(token) => self.alarm(token),
            Action::Leap(ms) => {
                self.budget.leaps -= 1;
                self.now += ms;
            }
            Action::Thief => {
                self.has_stolen = true;
                let rules = self.rules.provider;
                let _ = self.provider.refresh(&rules, "r0", None, self.now);
                self.ghost.excused |= self.provider.found_reuse;
            }
            Action::Session(action) => self.take_session(action),
        }
    }

    /// Returns the property that does not hold once nothing is left to do.
    pub fn violation_at_rest(&self) -> Option<&'static str> {
        if self.ghost.is_final && !self.tabs.is_empty() && !self.ghost.late_logout {
            return self.has_usable().then_some(NOT_REVOKED);
        }
        if self.session.is_some() {
            return self.session_violation_at_rest();
        }
        if self.ghost.is_final {
            return None;
        }
        (0..self.stores.len()).find_map(|store| self.clone().violation_of_store(store))
    }

    /// Checks whether there is a refresh token that somebody has and could use.
    pub fn has_usable(&self) -> bool {
        self.provider.usable().iter().any(|token| !self.ghost.unknown.contains(token))
    }

    /// Has a further tab use the refresh token that is there, without harm: it must still be worth a login.
    fn violation_of_store(mut self, store: usize) -> Option<&'static str> {
        self.budget = Budget::default();
        // Those that are to come are as good as this one.
        for tab in &mut self.tabs {
            tab.give_up();
        }
        let rules = TabRules { store, retries: 0, ..TabRules::wanting(&[0]) };
        // After so long no token request counts as lost any longer.
        for waits_ms in [0, 120_000] {
            self.now += waits_ms;
            self.tabs.push(Tab::new(&rules));
            for _ in 0..1_000 {
                let Some(action) = self.actions().into_iter().find(|action| !matches!(action, Action::Thief)) else {
                    break;
                };
                self.take(&action);
                if self.ghost.violation.is_some() || self.ghost.excused {
                    return self.ghost.violation;
                }
            }
            if self.tabs.last().is_some_and(Tab::has_tokens) {
                return None;
            }
        }
        Some(LOGGED_OUT)
    }

    /// Returns how often the provider was asked for tokens.
    pub fn token_requests(&self) -> usize {
        usize::from(self.provider.token_requests)
    }

    /// Tells states apart.
    pub fn key(&self) -> u128 {
        let mut bytes = Bytes(Vec::with_capacity(2_048));
        (self.now, self.budget, &self.provider, &self.exchanges, &self.stores, &self.tabs).hash(&mut bytes);
        (&self.strays, &self.session, self.has_stolen, &self.ghost).hash(&mut bytes);
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            hasher.write_u8(salt);
            hasher.write(&bytes.0);
            u128::from(hasher.finish())
        };
        half(0) << 64 | half(1)
    }
}

/// Collects what is hashed, so that it is written once for both halves of a key.
struct Bytes(Vec<u8>);

impl Hasher for Bytes {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        unreachable!("it is written and not read")
    }
}
