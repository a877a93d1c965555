//! Clients that hold their tokens: tabs with a store, which may be one for all. The isolate of a request is here as well, as
//! `src/edge/auth/rotation.rs` and `src/edge/runtime/object_client.js` have it.

use std::hash::{Hash, Hasher};

use bargate::objects::{RefreshExchangeAnswer, RefreshExchangeMessage};
use bargate::problem::Problem;
use bargate::secret::Secret;

use crate::exchange::{Ask, Caller, Ticket};
use crate::provider::{TARGETS, audience};
use crate::world::{Action, Behaviour, LOGGED_OUT, WRONG_TARGET, World};

/// `RETRY_SECS` in `rotation.rs`.
const RETRY_MS: i64 = 5_000;

/// What a tab does.
#[derive(Clone, PartialEq)]
pub struct TabRules {
    pub isolate: usize,
    /// Whose memory its refresh token is in.
    pub store: usize,
    pub wants: Vec<Want>,
    /// How often it asks once more for what it did not get.
    pub retries: u8,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Want {
    /// A token for one of the targets.
    Token(usize),
    /// The revocation of the refresh token, on a logout.
    Logout,
}

impl TabRules {
    pub fn wanting(targets: &[usize]) -> Self {
        Self { isolate: 0, store: 0, wants: targets.iter().copied().map(Want::Token).collect(), retries: 1 }
    }

    pub fn logging_out() -> Self {
        Self { wants: vec![Want::Logout], ..Self::wanting(&[]) }
    }
}

#[derive(Clone)]
pub struct Tab {
    rules: TabRules,
    next: usize,
    retries: u8,
    requests: u8,
    serial: u8,
    has_tokens: bool,
    state: State,
}

#[derive(Clone, Hash, PartialEq, Debug)]
enum State {
    Idle,
    Waits(Request),
    Done,
}

#[derive(Clone, Hash, PartialEq, Debug)]
struct Request {
    message: String,
    /// The refresh token that it presents.
    sent: String,
    is_second: bool,
    at: At,
    /// Of a logout: whether the provider has revoked the refresh token.
    is_revoked: bool,
}

#[derive(Clone, Hash, PartialEq, Debug)]
enum At {
    OnTheWay,
    Object,
    Provider,
    /// The answer, or that the object could not be reached.
    Back(Option<String>),
}

impl Hash for Tab {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Self { rules: _, next, retries, requests, serial, has_tokens, state } = self;
        (next, retries, requests, serial, has_tokens, state).hash(hasher);
    }
}

impl Tab {
    pub fn new(rules: &TabRules) -> Self {
        let (rules, retries) = (rules.clone(), rules.retries);
        Self { rules, next: 0, retries, requests: 0, serial: 0, has_tokens: false, state: State::Idle }
    }

    pub fn give_up(&mut self) {
        self.state = State::Done;
    }

    pub fn has_tokens(&self) -> bool {
        self.has_tokens
    }

    /// Has done what it wanted, or has to do without.
    fn go_on(&mut self) {
        self.next += 1;
        self.end_request();
    }

    fn try_again(&mut self) {
        match self.retries.checked_sub(1) {
            Some(retries) => {
                self.retries = retries;
                self.state = State::Idle;
            }
            None => self.go_on(),
        }
    }

    fn end_request(&mut self) {
        let is_done = self.next >= self.rules.wants.len();
        self.state = if is_done { State::Done } else { State::Idle };
    }
}

impl World {
    pub fn tab_actions(&self, actions: &mut Vec<Action>) {
        for (index, tab) in self.tabs.iter().enumerate() {
            match &tab.state {
                State::Done => {}
                State::Idle => {
                    // Tabs that are alike begin in the order of their numbers: any other is the same run.
                    let is_later = |other: &Tab| other.requests == 0 && other.rules == tab.rules;
                    if tab.requests > 0 || !self.tabs[..index].iter().any(is_later) {
                        actions.push(Action::Start(index));
                    }
                }
                State::Waits(request) => {
                    match request.at {
                        At::OnTheWay => actions.push(Action::Deliver(index)),
                        At::Object => {}
                        At::Provider => {
                            actions.push(Action::Revoke(index, Behaviour::Answers));
                            if self.budget.faults > 0 {
                                actions.push(Action::Revoke(index, Behaviour::Fails));
                                actions.push(Action::Revoke(index, Behaviour::LosesAnswer));
                            }
                        }
                        At::Back(_) => actions.push(Action::Receive(index)),
                    }
                    if self.budget.losses > 0 && request.at != At::Provider {
                        if request.at != At::Back(None) {
                            actions.push(Action::Break(index));
                        }
                        actions.push(Action::HangUp(index));
                    }
                }
            }
        }
    }

    pub fn start(&mut self, index: usize) {
        let tab = &mut self.tabs[index];
        let sent = self.stores[tab.rules.store].clone();
        tab.requests += 1;
        let token = Secret::new(sent.clone());
        let message = match tab.rules.wants[tab.next] {
            Want::Logout => RefreshExchangeMessage::revocation(&token),
            Want::Token(target) => RefreshExchangeMessage {
                refresh_token: token,
                requester: format!("t{index}.{}", tab.requests),
                grace_ms: self.rules.grace_ms[tab.rules.isolate],
                retry_ms: RETRY_MS,
                target: TARGETS[target].map(str::to_owned),
            }
            .to_json(),
        };
        tab.state = State::Waits(Request { message, sent, is_second: false, at: At::OnTheWay, is_revoked: false });
    }

    pub fn deliver(&mut self, index: usize) {
        let tab = &mut self.tabs[index];
        let State::Waits(request) = &mut tab.state else { unreachable!() };
        request.at = At::Object;
        let ticket = Some(Ticket { caller: Caller::Tab(index), serial: tab.serial });
        let message = request.message.clone();
        self.arrive(Ask { ticket, message });
    }

    /// `ask` in `object_client.js`: a call that fails is made once more.
    pub fn break_hop(&mut self, index: usize) {
        self.budget.losses -= 1;
        self.fail_call(index);
    }

    fn fail_call(&mut self, index: usize) {
        let tab = &mut self.tabs[index];
        tab.serial += 1;
        let State::Waits(request) = &mut tab.state else { return };
        request.at = if request.is_second { At::Back(None) } else { At::OnTheWay };
        request.is_second = true;
    }

    pub fn hang_up(&mut self, index: usize) {
        self.budget.losses -= 1;
        let tab = &mut self.tabs[index];
        tab.serial += 1;
        if let State::Waits(Request { message, at: At::OnTheWay, .. }) = &tab.state {
            self.strays.push(message.clone());
            self.strays.sort();
        }
        tab.try_again();
    }

    pub fn answer_tab(&mut self, index: usize, serial: u8, answer: Option<String>) {
        let tab = &mut self.tabs[index];
        if tab.serial != serial {
            return;
        }
        match (&mut tab.state, answer) {
            (State::Waits(_), None) => self.fail_call(index),
            (State::Waits(request), answer) => request.at = At::Back(answer),
            _ => {}
        }
    }

    /// What the client makes of its answer, as docs/refresh.md says.
    pub fn receive(&mut self, index: usize) {
        let tab = &mut self.tabs[index];
        let State::Waits(request) = std::mem::replace(&mut tab.state, State::Idle) else { unreachable!() };
        tab.serial += 1;
        let At::Back(Some(answer)) = &request.at else {
            self.note(|| "503 store_unavailable".to_owned());
            return self.tabs[index].try_again();
        };
        let Want::Token(target) = tab.rules.wants[tab.next] else {
            return self.go_on_with_logout(index, request.clone(), answer);
        };
        let answer = RefreshExchangeAnswer::parse(answer).unwrap();
        let mut next = None;
        let tokens = answer.tokens_for(TARGETS[target], &mut |token| next = Some(token.to_owned()));
        let failure = match tokens {
            Ok(tokens) => {
                next = tokens.refresh_token().map(str::to_owned);
                let aud = bargate::token::claimed_text(tokens.access_token(), "aud");
                if aud.as_deref() != Some(audience(TARGETS[target])) {
                    self.violate(WRONG_TARGET);
                }
                self.tabs[index].has_tokens = true;
                None
            }
            Err(problem) => Some(problem),
        };
        // It replaces what it has sent, and nothing that came since.
        let store = &mut self.stores[self.tabs[index].rules.store];
        if let Some(next) = next
            && *store == request.sent
        {
            *store = next;
        }
        self.note(|| format!("the client gets {}", failure.as_ref().map_or("tokens", |problem| problem.code())));
        match failure {
            None | Some(Problem::TokenUnavailable(_) | Problem::ScopeNotGiven(_)) => self.tabs[index].go_on(),
            Some(Problem::RefreshTokenUsed) => self.tabs[index].end_request(),
            Some(Problem::RefreshTokenInvalid(_)) => {
                // The store may have another by now, which is as good.
                if self.stores[self.tabs[index].rules.store] == request.sent
                    && !self.ghost.excused
                    && !self.has_logged_out()
                {
                    self.violate(LOGGED_OUT);
                }
                self.tabs[index].go_on();
            }
            Some(_) => self.tabs[index].try_again(),
        }
    }

    /// Checks whether a logout has begun, from which on a refusal is right.
    fn has_logged_out(&self) -> bool {
        self.tabs.iter().any(|tab| tab.requests > 0 && tab.rules.wants.contains(&Want::Logout))
    }

    /// `revoke` in `rotation.rs`: the object says what has taken the place of the token, until nothing has.
    fn go_on_with_logout(&mut self, index: usize, mut request: Request, answer: &str) {
        if let Some(next) = RefreshExchangeMessage::parse_revocation(answer) {
            request.message = RefreshExchangeMessage::revocation(&next);
            (request.sent, request.is_revoked, request.is_second) = (next.expose().clone(), false, false);
            request.at = At::OnTheWay;
        } else if request.is_revoked {
            self.note(|| "the client has logged out".to_owned());
            self.ghost.is_final = true;
            return self.tabs[index].go_on();
        } else {
            // The object keeps what has taken its place only for a while.
            let is_late = self.provider.is_spent(&request.sent);
            self.ghost.late_logout |= is_late && {
                let stored = self.ghost.stored.get(&request.sent);
                stored.is_none_or(|stored| self.now >= stored.until - self.rules.skew_ms.abs())
            };
            request.at = At::Provider;
        }
        self.tabs[index].state = State::Waits(request);
    }

    pub fn revoke_for(&mut self, index: usize, behaviour: Behaviour) {
        self.budget.faults -= u8::from(behaviour != Behaviour::Answers);
        let rules = self.rules.provider;
        let State::Waits(request) = &mut self.tabs[index].state else { unreachable!() };
        if behaviour != Behaviour::Fails {
            self.provider.revoke(&rules, &request.sent);
        }
        if behaviour == Behaviour::Answers {
            (request.is_revoked, request.is_second, request.at) = (true, false, At::OnTheWay);
        } else {
            self.tabs[index].try_again();
        }
    }

    /// Says in words what an action is.
    pub fn tell(&self, action: &Action) -> String {
        let of = |index: &usize| match &self.tabs[*index].state {
            State::Waits(request) => format!("of tab {index} with {}", request.sent),
            _ => format!("of tab {index}"),
        };
        match action {
            Action::Start(index) => {
                let Tab { rules, next, .. } = &self.tabs[*index];
                let wants = match rules.wants[*next] {
                    Want::Logout => "logs out".to_owned(),
                    Want::Token(target) => format!("wants a token for {}", audience(TARGETS[target])),
                };
                format!("tab {index} {wants}, and sends {} to isolate {}", self.stores[rules.store], rules.isolate)
            }
            Action::Deliver(index) => format!("the request {} reaches the object", of(index)),
            Action::Break(index) => format!("the call {} between isolate and object breaks", of(index)),
            Action::HangUp(index) => format!("the client hangs up the request {}", of(index)),
            Action::Receive(index) => format!("the answer to the request {} reaches the client", of(index)),
            Action::Revoke(index, how) => format!("the provider is asked to revoke the token {}: {how:?}", of(index)),
            Action::Stray(_) => "a request that nobody waits for reaches its object".to_owned(),
            Action::Provider(token, how) => {
                format!("the request of the object of {token} reaches the provider: {how:?}")
            }
            Action::Store(token) => format!("the object of {token} gets the provider's answer"),
            Action::End(token) => format!("the object of {token} answers those who wait"),
            Action::Restart(token, how) => format!("the object of {token} restarts: {how:?}"),
            Action::Flush(token) => format!("the object of {token} has stored the answer"),
            Action::Alarm(token) => format!("the alarm of the object of {token}"),
            Action::Leap(ms) => format!("{} s pass", ms / 1000),
            Action::Thief => "somebody uses r0 at the provider, outside the gateway".to_owned(),
            Action::Session(action) => self.tell_session(action),
        }
    }
}
