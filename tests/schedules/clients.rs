//! Clients that hold their tokens: requests with one refresh token for several targets, its object and those of its successors, and the
//! provider. Of three requests every order of their steps is tried.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use bargate::oauth::{Answered, Outcome, Step, StoredResult};
use bargate::objects::{RefreshExchangeAnswer, Row};
use bargate::problem::Problem;
use proptest::prelude::*;

use crate::{NOW, Provider, TARGETS, audience};

const GRACE_MS: i64 = 10_000;

/// The object of a refresh token, as `src/edge/objects/refresh_exchange.rs` has it.
#[derive(Default)]
struct Exchange {
    kept: Option<String>,
    work: Option<Work>,
}

/// Its running work.
#[derive(Default)]
struct Work {
    row: Row,
    waiting: VecDeque<usize>,
    joined: Vec<usize>,
    call: Option<Call>,
}

/// A call to the provider.
struct Call {
    client: usize,
    sent: String,
    outcome: Option<Outcome>,
}

#[derive(Debug, PartialEq)]
enum State {
    Asks,
    Waits,
    Done(Result<String, &'static str>),
}

struct Client {
    target: Option<&'static str>,
    refresh_token: String,
    state: State,
}

struct World {
    provider: Provider,
    exchanges: BTreeMap<String, Exchange>,
    clients: Vec<Client>,
    restarts: usize,
}

#[derive(Clone)]
enum Action {
    Ask(usize),
    Provider(String),
    Store(String),
    /// The work is over, and those who joined it resume.
    End(String),
    Restart(String),
}

impl World {
    fn new(provider: Provider, wanted: &[usize], restarts: usize) -> Self {
        let mut world = Self { provider, exchanges: BTreeMap::new(), clients: Vec::new(), restarts };
        wanted.iter().for_each(|index| world.add_client(TARGETS[*index], "0".to_owned()));
        world
    }

    fn add_client(&mut self, target: Option<&'static str>, refresh_token: String) {
        self.clients.push(Client { target, refresh_token, state: State::Asks });
    }

    fn actions(&self) -> Vec<Action> {
        let asks = |(index, client): (usize, &Client)| (client.state == State::Asks).then_some(Action::Ask(index));
        let mut actions: Vec<_> = self.clients.iter().enumerate().filter_map(asks).collect();
        for (token, exchange) in &self.exchanges {
            let Some(work) = &exchange.work else { continue };
            let token = token.clone();
            actions.push(match &work.call {
                Some(Call { outcome: None, .. }) => Action::Provider(token.clone()),
                Some(_) => Action::Store(token.clone()),
                None => Action::End(token.clone()),
            });
            if self.restarts > 0 {
                actions.push(Action::Restart(token));
            }
        }
        actions
    }

    fn take(&mut self, action: Action) {
        match action {
            Action::Ask(index) => {
                let client = &mut self.clients[index];
                client.state = State::Waits;
                let token = client.refresh_token.clone();
                let exchange = self.exchanges.entry(token.clone()).or_default();
                if let Some(work) = &mut exchange.work {
                    work.joined.push(index);
                    work.waiting.push_back(index);
                } else {
                    exchange.work = Some(Work { joined: vec![index], ..Work::default() });
                    self.go_on(&token, Some(index));
                }
            }
            Action::Provider(token) => {
                let work = self.exchanges.get_mut(&token).unwrap().work.as_mut().unwrap();
                let call = work.call.as_mut().unwrap();
                call.outcome = Some(self.provider.answer(&call.sent, self.clients[call.client].target));
            }
            Action::Store(token) => {
                self.store(&token);
                self.go_on(&token, None);
            }
            Action::End(token) => {
                let work = self.exchanges.get_mut(&token).unwrap().work.take().unwrap();
                let answers = work.row.to_text(false);
                work.joined.into_iter().for_each(|index| self.deliver(index, &answers));
            }
            Action::Restart(token) => {
                self.restarts -= 1;
                let work = self.exchanges.get_mut(&token).unwrap().work.take().unwrap();
                work.joined.into_iter().for_each(|index| self.clients[index].state = State::Asks);
            }
        }
    }

    /// Takes the messages until the provider has to be asked, or there are no more.
    fn go_on(&mut self, token: &str, first: Option<usize>) {
        let exchange = self.exchanges.get_mut(token).unwrap();
        let work = exchange.work.as_mut().unwrap();
        let mut next = first;
        while let Some(index) = next.take().or_else(|| work.waiting.pop_front()) {
            let requester = format!("client {index}");
            if work.row.has_answer(self.clients[index].target, &requester) {
                work.row.add_requester(&requester);
                continue;
            }
            if work.row.current().is_none() {
                let kept = exchange.kept.as_deref().and_then(StoredResult::parse);
                match StoredResult::step(kept, &requester, NOW) {
                    Step::Request(lost) => {
                        exchange.kept = Some(StoredResult::UnderWay { lost, until: NOW + 60_000 }.to_json());
                    }
                    Step::Replay(sealed) => {
                        work.row.set_kept(&sealed);
                        continue;
                    }
                    Step::Rest | Step::Closed => panic!("neither lost nor revoked"),
                }
            }
            let sent = work.row.current().map_or(token, |current| current.expose().as_str()).to_owned();
            work.call = Some(Call { client: index, sent, outcome: None });
            return;
        }
    }

    fn store(&mut self, token: &str) {
        let exchange = self.exchanges.get_mut(token).unwrap();
        let work = exchange.work.as_mut().unwrap();
        let Call { client, sent, outcome } = work.call.take().unwrap();
        let (outcome, target) = (Rc::new(outcome.unwrap()), self.clients[client].target.map(str::to_owned));
        work.row.add(RefreshExchangeAnswer::new(outcome, target), &sent, &format!("client {client}"));
        if work.row.current().is_some() {
            let (sealed, requester) = (work.row.to_text(true), work.row.requesters().to_owned());
            let (replay_until, until) = (NOW + GRACE_MS, NOW + GRACE_MS);
            let answered = Answered { sealed, requester, replay_until, until };
            exchange.kept = Some(StoredResult::Answered(answered).to_json());
        } else {
            exchange.kept = None;
        }
    }

    /// What a client does with its answer, as docs/refresh.md says.
    fn deliver(&mut self, index: usize, answers: &str) {
        let client = &mut self.clients[index];
        let Some(answer) = Row::select(answers, client.target) else {
            client.state = State::Asks;
            return;
        };
        let mut next = None;
        client.state = match answer.tokens_for(client.target, &mut |token| next = Some(token.to_owned())) {
            Ok(tokens) => {
                next = tokens.refresh_token().map(str::to_owned);
                State::Done(Ok(tokens.access_token().to_owned()))
            }
            Err(Problem::RefreshTokenUsed) => State::Asks,
            Err(problem) => State::Done(Err(problem.code())),
        };
        if let Some(next) = next {
            client.refresh_token = next;
        }
    }

    /// Takes the steps that `choose` names, of so many, until there is nothing to do.
    fn run(&mut self, mut choose: impl FnMut(usize) -> usize) {
        for _ in 0..1_000 {
            let calls = self.exchanges.values().filter_map(|exchange| exchange.work.as_ref()?.call.as_ref()).count();
            assert!(calls <= 1, "one exchange at a time");
            let actions = self.actions();
            if actions.is_empty() {
                return;
            }
            let choice = choose(actions.len());
            self.take(actions[choice].clone());
        }
        panic!("it never ends");
    }

    /// Asserts what holds for every schedule; audiences of `may_lack` may have no token.
    fn assert_sound(&self, may_lack: &[&str]) {
        assert!(!self.provider.is_revoked, "a refresh token was used twice");
        for Client { target, state, .. } in &self.clients {
            let audience = audience(*target);
            match state {
                State::Done(Ok(token)) => {
                    let claims = bargate::token::claimed(token).expect("a token");
                    assert_eq!(claims["aud"].as_str(), Some(audience), "another's token");
                }
                State::Done(Err(code)) => assert!(may_lack.contains(&audience), "{audience}: {code}"),
                waiting => panic!("{audience}: {waiting:?}"),
            }
        }
    }
}

/// Runs a world in every order of its steps, and returns in how many.
fn explore(world: impl Fn() -> World, check: impl Fn(World)) -> usize {
    // At each step: which choice was made, of how many.
    let mut path: Vec<(usize, usize)> = Vec::new();
    let mut count = 0;
    loop {
        let mut step = 0;
        let mut one = world();
        one.run(|choices| {
            if step == path.len() {
                path.push((0, choices));
            }
            step += 1;
            path[step - 1].0
        });
        check(one);
        count += 1;
        while path.pop_if(|(choice, choices)| *choice + 1 == *choices).is_some() {}
        match path.last_mut() {
            Some((choice, _)) => *choice += 1,
            None => return count,
        }
    }
}

/// Asserts that each client still has a login: with what it holds it gets a token for another audience.
fn assert_alive(mut world: World) {
    for index in 0..world.clients.len() {
        let refresh_token = world.clients[index].refresh_token.clone();
        world.add_client(TARGETS[4], refresh_token);
        world.run(|_| 0);
    }
    world.clients.retain(|client| client.target == TARGETS[4]);
    world.assert_sound(&[]);
}

#[test]
fn in_every_order_there_is_one_exchange_for_each_audience_and_each_client_gets_its_own() {
    for wanted in [[1, 2, 3], [0, 1, 1], [1, 2, 1]] {
        let orders = explore(
            || World::new(Provider::default(), &wanted, 0),
            |world| {
                world.assert_sound(&[]);
                assert_eq!(world.provider.calls, count(&wanted), "{wanted:?}");
                assert_alive(world);
            },
        );
        assert!(orders > 20, "{wanted:?}: {orders}");
    }
}

fn count(wanted: &[usize]) -> usize {
    (0..TARGETS.len()).filter(|index| wanted.contains(index)).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn so_it_is_for_twenty_requests_in_any_order(
        wanted in prop::collection::vec(0..TARGETS.len() - 1, 1..20),
        steps in prop::collection::vec(0_usize..64, 0..200),
    ) {
        let mut world = World::new(Provider::default(), &wanted, 0);
        let mut steps = steps.into_iter();
        world.run(|choices| steps.next().unwrap_or_default() % choices);
        world.assert_sound(&[]);
        prop_assert_eq!(world.provider.calls, count(&wanted));
        assert_alive(world);
    }
}

#[test]
fn in_every_order_an_audience_that_is_refused_or_ignored_costs_the_others_nothing() {
    let provider = || Provider { refused: Some("a"), ignored: Some("b"), ..Provider::default() };
    explore(
        || World::new(provider(), &[1, 2, 3], 0),
        |world| {
            world.assert_sound(&["a", "b"]);
            assert_eq!(world.provider.calls, 3);
            assert_alive(world);
        },
    );
}

#[test]
fn wherever_an_object_restarts_no_login_is_lost() {
    explore(
        || World::new(Provider { overlaps: true, ..Provider::default() }, &[1, 2, 1], 1),
        |world| {
            world.assert_sound(&[]);
            assert!((2..=3).contains(&world.provider.calls), "{}", world.provider.calls);
            assert_alive(world);
        },
    );
}
