//! Sessions with several audiences: requests, the object of the session, those of its refresh tokens, and the provider.
//!
//! What is here is the order of their steps, as `src/edge/objects/` has it.

use std::collections::BTreeMap;
use std::rc::Rc;

use bargate::config::{ClaimsFrom, SessionRules, TokenTarget};
use bargate::oauth::{Answered, Grant, Outcome, Step, StoredResult, Unfit, is_rotated, parse_token_response};
use bargate::objects::RefreshExchangeAnswer;
use bargate::problem::Problem;
use bargate::session::{LoginClient, SessionRecord, TokenState, Tokens};
use bargate::token::Authentication;
use proptest::prelude::*;

use crate::{NOW, Provider, TARGETS, audience};

const REQUESTER: &str = "session";

fn rules() -> SessionRules {
    SessionRules {
        cookie: "__Host-s".into(),
        claims_from: ClaimsFrom::AccessToken,
        idle_secs: 100_000,
        absolute_secs: 100_000,
        after_login: "/".into(),
        after_logout: "/".into(),
        return_to_origins: Vec::new(),
        rotation_grace_secs: 10,
        renew_before_secs: 60,
        keeps_user_agent: false,
        keeps_country: false,
    }
}

/// The object of a refresh token.
#[derive(Default)]
struct Exchange {
    kept: Option<String>,
    running: Option<(Option<&'static str>, Option<Outcome>)>,
}

/// The renewal that a session's object makes.
struct Renewal {
    target: Option<&'static str>,
    tokens: Tokens,
    /// Whether it waits for the object of its refresh token.
    waits: bool,
}

#[derive(Clone, PartialEq, Debug)]
enum State {
    Asks,
    Waits { own: bool },
    Done(Result<String, &'static str>),
}

struct World {
    provider: Provider,
    exchanges: BTreeMap<String, Exchange>,
    record: SessionRecord,
    tokens: Tokens,
    renewal: Option<Renewal>,
    requests: Vec<(Option<&'static str>, State)>,
    has_ended: bool,
    restarts: usize,
}

#[derive(Clone, Debug)]
enum Action {
    Request(usize),
    Renewal,
    Provider(String),
    Store(String),
    RestartSession,
    RestartExchange(String),
}

impl World {
    fn new(provider: Provider, wanted: &[usize], token_until: i64, restarts: usize) -> Self {
        let record = SessionRecord {
            used_at: NOW,
            idle_secs: 100_000,
            ends_at: NOW + 100_000,
            token_from: 0,
            token_until,
            sealed: String::new(),
            began_at: None,
            is_listed: false,
            client: LoginClient::default(),
        };
        let tokens = Tokens {
            access: "login".into(),
            refresh: Some(provider.current.to_string()),
            subject: None,
            sid: None,
            id_token: None,
            authentication: Authentication::default(),
            held: Vec::new(),
        };
        Self {
            provider,
            exchanges: BTreeMap::new(),
            record,
            tokens,
            renewal: None,
            requests: wanted.iter().map(|index| (TARGETS[*index], State::Asks)).collect(),
            has_ended: false,
            restarts,
        }
    }

    /// Returns everything that could happen next.
    fn actions(&self) -> Vec<Action> {
        let asking =
            |(index, (_, state)): (usize, &(_, State))| (*state == State::Asks).then_some(Action::Request(index));
        let mut actions: Vec<_> = self.requests.iter().enumerate().filter_map(asking).collect();
        if self.renewal.as_ref().is_some_and(|renewal| !renewal.waits) {
            actions.push(Action::Renewal);
        }
        for (token, exchange) in &self.exchanges {
            match &exchange.running {
                Some((_, None)) => actions.push(Action::Provider(token.clone())),
                Some((_, Some(_))) => actions.push(Action::Store(token.clone())),
                None => continue,
            }
            if self.restarts > 0 && self.provider.overlaps {
                actions.push(Action::RestartExchange(token.clone()));
            }
        }
        if self.restarts > 0 && self.renewal.is_some() {
            actions.push(Action::RestartSession);
        }
        actions
    }

    fn take(&mut self, action: Action) {
        match action {
            Action::Request(index) => self.ask(index),
            Action::Renewal => self.exchange(),
            Action::Provider(token) => {
                let running = self.exchanges.get_mut(&token).unwrap().running.as_mut().unwrap();
                running.1 = Some(self.provider.answer(&token, running.0));
            }
            Action::Store(token) => self.store(&token),
            Action::RestartSession => {
                self.restarts -= 1;
                self.renewal = None;
                self.wake();
            }
            Action::RestartExchange(token) => {
                self.restarts -= 1;
                self.exchanges.get_mut(&token).unwrap().running = None;
                // Who asked it asks once more.
                self.resume(&token);
            }
        }
    }

    /// `access` in `objects/session.rs`.
    fn ask(&mut self, index: usize) {
        let (target, _) = self.requests[index];
        let state = if self.has_ended { State::Done(Err("ended")) } else { self.usable(target) };
        self.requests[index].1 = match (state, &self.renewal) {
            (State::Asks, None) => {
                self.renewal = Some(Renewal { target, tokens: self.tokens.clone(), waits: false });
                State::Waits { own: true }
            }
            (State::Asks, Some(renewal)) => State::Waits { own: renewal.target == target },
            (done, _) => done,
        };
    }

    fn usable(&self, target: Option<&str>) -> State {
        let (state, token) = match target {
            None => (self.record.token_state(&rules(), NOW), Ok(self.tokens.access.clone())),
            Some(target) => {
                let held = self.tokens.held_for(target);
                let token = held.map_or(Err("none"), |held| held.token.clone().map_err(|_| "unfit"));
                (self.record.held_state(held, &rules(), NOW), token)
            }
        };
        match state {
            TokenState::Fresh(_) => State::Done(token),
            TokenState::Due(_) | TokenState::Expired => State::Asks,
        }
    }

    /// `answer` and `exchange` in `objects/refresh_exchange.rs`, until the provider is asked.
    fn exchange(&mut self) {
        let renewal = self.renewal.as_mut().unwrap();
        let token = renewal.tokens.refresh.clone().unwrap();
        let exchange = self.exchanges.entry(token).or_default();
        renewal.waits = true;
        if exchange.running.is_some() {
            return;
        }
        match StoredResult::step(exchange.kept.as_deref().and_then(StoredResult::parse), REQUESTER, NOW) {
            Step::Request(lost) => {
                exchange.kept = Some(StoredResult::UnderWay { lost, until: NOW + 60_000 }.to_json());
                exchange.running = Some((renewal.target, None));
            }
            Step::Replay(sealed) => {
                let answer = RefreshExchangeAnswer::parse(&sealed).unwrap();
                self.deliver(&answer);
            }
            Step::Rest | Step::Closed => self.finish(Err("unavailable")),
        }
    }

    /// The rest of `exchange` there.
    fn store(&mut self, token: &str) {
        let exchange = self.exchanges.get_mut(token).unwrap();
        let (target, outcome) = exchange.running.take().unwrap();
        let outcome = outcome.unwrap();
        let rotated = is_rotated(&outcome, token);
        let target_text = target.map(str::to_owned);
        let answer = RefreshExchangeAnswer::new(Rc::new(outcome), target_text);
        exchange.kept = rotated.then(|| {
            let (sealed, until) = (answer.to_json(), NOW + 60_000);
            let requester = REQUESTER.to_owned();
            StoredResult::Answered(Answered { sealed, requester, replay_until: NOW, until }).to_json()
        });
        let waits = |renewal: &&Renewal| renewal.waits && renewal.tokens.refresh.as_deref() == Some(token);
        match self.renewal.as_ref().filter(waits) {
            Some(renewal) if renewal.target == target => self.deliver(&answer),
            // A result for another target: who waits looks again, and finds it stored.
            _ => self.resume(token),
        }
    }

    fn resume(&mut self, token: &str) {
        if let Some(renewal) = &mut self.renewal
            && renewal.tokens.refresh.as_deref() == Some(token)
        {
            renewal.waits = false;
        }
    }

    /// `Renewal::run` in `objects/session.rs`, for one answer.
    fn deliver(&mut self, answer: &RefreshExchangeAnswer) {
        let target = answer.target.as_deref();
        let response = (*answer.outcome).as_ref().ok().unwrap();
        let renewal = self.renewal.as_mut().unwrap();
        match parse_token_response(Grant::Refresh, response) {
            Err(Problem::RefreshTokenInvalid(_)) => {
                self.has_ended = true;
                self.finish(Err("ended"));
            }
            Err(Problem::IdpRejected(error)) => {
                let text = target.expect("only targets are refused");
                renewal.tokens.refuse(text, Unfit::refused(&TokenTarget::parse(text).unwrap(), &error), NOW);
                self.tokens = renewal.tokens.clone();
                self.finish(Err("unfit"));
            }
            Err(problem) => panic!("{}", problem.code()),
            Ok(tokens) => {
                renewal.tokens.take_over(target, &tokens, None, NOW, 600);
                self.tokens = renewal.tokens.clone();
                if target.is_none() {
                    self.record.renew(&tokens, NOW);
                }
                let is_wanted = target == renewal.target;
                renewal.waits = false;
                if is_wanted {
                    self.finish(Ok(()));
                }
            }
        }
    }

    fn finish(&mut self, outcome: Result<(), &'static str>) {
        self.renewal = None;
        if let Err(error) = outcome {
            for (_, state) in self.requests.iter_mut().filter(|(_, state)| *state == State::Waits { own: true }) {
                *state = State::Done(Err(error));
            }
        }
        self.wake();
    }

    fn wake(&mut self) {
        for (_, state) in &mut self.requests {
            if matches!(state, State::Waits { .. }) {
                *state = State::Asks;
            }
        }
    }

    /// Takes the steps of a schedule, and then the first of those that are left until there is nothing to do.
    fn run(&mut self, schedule: &[usize]) {
        let mut choices = schedule.iter().copied().chain(std::iter::repeat(0));
        for _ in 0..10_000 {
            let running = self.exchanges.values().filter(|exchange| exchange.running.is_some()).count();
            assert!(running <= 1, "one exchange at a time");
            let actions = self.actions();
            if actions.is_empty() {
                return;
            }
            self.take(actions[choices.next().unwrap() % actions.len()].clone());
        }
        panic!("it never ends");
    }

    /// Asserts what holds for every schedule.
    fn assert_sound(&self, may_lack: &[&str]) {
        assert!(!self.provider.is_revoked && !self.has_ended, "a refresh token was used twice");
        for (target, state) in &self.requests {
            let audience = audience(*target);
            match state {
                State::Done(Ok(token)) if target.is_none() && token == "login" => {}
                State::Done(Ok(token)) => {
                    let claims = bargate::token::claimed(token).expect("a token");
                    assert_eq!(claims["aud"].as_str(), Some(audience), "another's token");
                }
                State::Done(Err(error)) => assert!(may_lack.contains(&audience), "{audience}: {error}"),
                waiting => panic!("{audience}: {waiting:?}"),
            }
        }
        for held in &self.tokens.held {
            let claims = held.token.as_ref().ok().and_then(|token| bargate::token::claimed(token));
            let audience = audience(Some(&held.target));
            assert!(
                claims.is_none_or(|claims| claims["aud"].as_str() == Some(audience)),
                "{audience}: another's is held"
            );
        }
    }
}

/// Returns how many audiences are wanted.
fn count(wanted: &[usize], has_expired: bool) -> usize {
    TARGETS.iter().enumerate().filter(|(index, _)| wanted.contains(index) && (*index > 0 || has_expired)).count()
}

fn schedule() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0_usize..64, 0..200)
}

fn requests() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(0..TARGETS.len(), 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn there_is_one_exchange_for_each_audience_however_requests_come(
        (wanted, steps, expired) in (requests(), schedule(), any::<bool>()),
    ) {
        let until = if expired { NOW } else { NOW + 600 };
        let mut world = World::new(Provider::default(), &wanted, until, 0);
        world.run(&steps);
        world.assert_sound(&[]);
        prop_assert_eq!(world.provider.calls, count(&wanted, expired));
    }

    #[test]
    fn a_session_that_restarts_makes_none_twice_and_mixes_none_up(
        (wanted, steps, restarts) in (requests(), schedule(), 1_usize..5),
    ) {
        let mut world = World::new(Provider::default(), &wanted, NOW, restarts);
        world.run(&steps);
        world.assert_sound(&[]);
        prop_assert_eq!(world.provider.calls, count(&wanted, true));
    }

    #[test]
    fn what_is_lost_with_the_object_of_a_refresh_token_is_asked_for_once_more(
        (wanted, steps) in (requests(), schedule()),
    ) {
        let mut world = World::new(Provider { overlaps: true, ..Provider::default() }, &wanted, NOW, 1);
        world.run(&steps);
        world.assert_sound(&[]);
        prop_assert!(world.provider.calls <= count(&wanted, true) + 1);
    }

    #[test]
    fn an_audience_that_the_provider_refuses_or_ignores_costs_the_others_nothing(
        (wanted, steps, expired, restarts) in (requests(), schedule(), any::<bool>(), 0_usize..3),
    ) {
        let until = if expired { NOW } else { NOW + 600 };
        let provider = Provider { refused: Some("a"), ignored: Some("b"), ..Provider::default() };
        let mut world = World::new(provider, &wanted, until, restarts);
        world.run(&steps);
        world.assert_sound(&["a", "b"]);
        // What a refused refresh brings is not stored, so a session that restarts meanwhile asks again.
        let at_most = count(&wanted, expired) + restarts;
        prop_assert!((count(&wanted, expired)..=at_most).contains(&world.provider.calls), "{}", world.provider.calls);
    }
}
