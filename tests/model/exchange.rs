//! The object of a refresh token, as `src/edge/objects/refresh_exchange.rs` has it: what is decided is the core's, and what is here is the
//! order of its steps. A step ends where that code awaits something that others can see.

use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use bargate::oauth::{
    Answered, Grant, LOST_WINDOW_MS, Outcome, ProviderResponse, Step, StoredResult, TransportError, is_rotated,
    parse_token_response,
};
use bargate::objects::{RefreshExchangeAnswer, RefreshExchangeMessage, Row};
use serde_json::Value;

use crate::mutation::Mutation;
use crate::provider::Verdict;
use crate::world::{Action, Behaviour, NOT_FINAL, PAST_GRACE, REPEATED, REVOKED, Restart, WRONG_KEY, World};

/// The longest time that a token request may take: no `timeout_ms` is longer.
const PROVIDER_TIMEOUT_MS: i64 = 25_000;

/// Whom an answer is for. A serial that has passed is of a call that nobody waits for any longer.
#[derive(Clone, Copy, Hash, PartialEq, Eq, Debug)]
pub struct Ticket {
    pub caller: Caller,
    pub serial: u8,
}

#[derive(Clone, Copy, Hash, PartialEq, Eq, Debug)]
pub enum Caller {
    Tab(usize),
    Renewal,
    Settle,
}

/// A message, and who waits for the answer.
#[derive(Clone, Hash)]
pub struct Ask {
    pub ticket: Option<Ticket>,
    pub message: String,
}

#[derive(Clone, Default, Hash)]
pub struct Exchange {
    stored: Option<String>,
    /// By its own clock.
    alarm: Option<i64>,
    skew: i64,
    /// Whether it runs a build that knows neither targets nor successors.
    is_older: bool,
    /// What a broken variant has not stored yet.
    unflushed: Option<String>,
    pub work: Option<Work>,
    /// Revocations, which wait for the work.
    revoking: Vec<Ask>,
}

#[derive(Clone)]
pub struct Work {
    row: Row,
    waiting: VecDeque<String>,
    joined: Vec<Joined>,
    call: Option<Call>,
    /// Whether it gives a stored answer again.
    replays: bool,
    /// The answers as they came, for a broken variant.
    originals: Vec<String>,
    /// The row as a text, which tells it from others.
    text: String,
}

#[derive(Clone, Hash)]
struct Joined {
    ask: Ask,
    arrived: i64,
    after_logout: bool,
}

/// A token request, on its way to the provider or back.
#[derive(Clone)]
struct Call {
    message: String,
    sent: String,
    back: Option<Back>,
}

#[derive(Clone)]
struct Back {
    outcome: Rc<Outcome>,
    has_spent: bool,
}

impl Hash for Work {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let Self { row, waiting, joined, call, replays, originals, text } = self;
        (text, row.requesters()).hash(hasher);
        (row.current().map(|token| token.expose().as_str()), row.has_answer(Some(" "), " ")).hash(hasher);
        (waiting, joined, replays, originals).hash(hasher);
        call.is_some().hash(hasher);
        if let Some(Call { message, sent, back }) = call {
            let back = back
                .as_ref()
                .map(|back| (RefreshExchangeAnswer::new(Rc::clone(&back.outcome), None).to_json(), back.has_spent));
            (message, sent, back).hash(hasher);
        }
    }
}

impl Exchange {
    /// Checks whether time may go on so far meanwhile: what needs nobody outside takes no time, and a token request takes only so long.
    pub fn may_last(&self, ms: i64) -> bool {
        match self.work.as_ref().map(|work| &work.call) {
            None => true,
            Some(None) => false,
            Some(Some(_)) => ms <= PROVIDER_TIMEOUT_MS,
        }
    }
}

/// Seals a text: who opens it with another key gets nothing.
fn seal(key: &str, text: &str) -> String {
    format!("{key}|{text}")
}

fn open(key: &str, sealed: &str) -> Option<String> {
    let (sealed_under, text) = sealed.split_once('|')?;
    (sealed_under == key).then(|| text.to_owned())
}

/// Returns an answer as a build wrote it that knew neither targets nor successors.
fn as_older_build(answer: &str) -> String {
    let mut members: Value = serde_json::from_str(answer).unwrap();
    for name in ["for", "next", "replayed"] {
        members.as_object_mut().unwrap().remove(name);
    }
    members.to_string()
}

fn unreachable(reason: &str) -> Outcome {
    Err(TransportError::Unreachable(reason.to_owned()))
}

impl World {
    pub fn exchange_actions(&self, actions: &mut Vec<Action>) {
        for (token, exchange) in &self.exchanges {
            let name = || token.clone();
            if let Some(work) = &exchange.work {
                match &work.call {
                    Some(Call { back: None, .. }) => {
                        actions.push(Action::Provider(name(), Behaviour::Answers));
                        if self.budget.faults > 0 {
                            let faults = [Behaviour::LosesAnswer, Behaviour::Fails, Behaviour::Limits];
                            actions.extend(faults.map(|fault| Action::Provider(name(), fault)));
                        }
                    }
                    Some(_) => actions.push(Action::Store(name())),
                    None => actions.push(Action::End(name())),
                }
                if self.budget.restarts > 0 {
                    actions.push(Action::Restart(name(), Restart::Plain));
                    if self.rules.skew_ms != 0 {
                        actions.push(Action::Restart(name(), Restart::Skewed));
                    }
                    if self.rules.builds {
                        actions.push(Action::Restart(name(), Restart::OtherBuild));
                    }
                }
            }
            if exchange.unflushed.is_some() {
                actions.push(Action::Flush(name()));
                if exchange.work.is_none() && self.budget.restarts > 0 {
                    actions.push(Action::Restart(name(), Restart::Plain));
                }
            }
            if exchange.alarm.is_some_and(|at| self.now + exchange.skew >= at) {
                actions.push(Action::Alarm(name()));
            }
        }
    }

    pub fn clock_of(&self, token: &str) -> i64 {
        self.now + self.exchanges.get(token).map_or(0, |exchange| exchange.skew)
    }

    fn exchange(&mut self, token: &str) -> &mut Exchange {
        self.exchanges.entry(token.to_owned()).or_default()
    }

    /// `answer` there.
    pub fn arrive(&mut self, ask: Ask) {
        if let Some(token) = RefreshExchangeMessage::parse_revocation(&ask.message) {
            let token = token.expose().clone();
            let waits = !self.rules.is(Mutation::RevokeDoesNotWait);
            if self.exchange(&token).work.is_some() && waits {
                self.exchange(&token).revoking.push(ask);
            } else {
                self.revoke_stored(&token, &ask);
            }
            return;
        }
        let parsed = RefreshExchangeMessage::parse(&ask.message).unwrap();
        let token = parsed.refresh_token.expose().clone();
        let (arrived, after_logout) = (self.clock_of(&token), self.ghost.is_final);
        let joined = Joined { ask: ask.clone(), arrived, after_logout };
        if let Some(work) = &mut self.exchange(&token).work {
            work.waiting.push_back(ask.message);
            work.joined.push(joined);
            return;
        }
        self.exchange(&token).work = Some(Work {
            row: Row::default(),
            waiting: VecDeque::new(),
            joined: vec![joined],
            call: None,
            replays: false,
            originals: Vec::new(),
            text: String::new(),
        });
        self.go_on(&token, Some(ask.message));
    }

    /// `revoked` there.
    fn revoke_stored(&mut self, token: &str, ask: &Ask) {
        self.ghost.closed.insert(token.to_owned());
        let now = self.clock_of(token);
        let stored = self.stored_at(token).filter(|stored| now < stored.until());
        let Some(StoredResult::Answered(answered)) = stored else {
            self.answer(ask.ticket, Some(String::new()));
            return;
        };
        let text = open(token, &answered.sealed).unwrap();
        if !self.rules.is(Mutation::RevokeLeavesStored) {
            let until = answered.until;
            let closed = answered.closed(now);
            debug_assert!(closed.until >= until || self.rules.skew_ms != 0 || closed.until > now);
            self.keep(token, &StoredResult::Answered(closed));
        }
        let next = Row::successor(&text).as_ref().map(RefreshExchangeMessage::revocation).unwrap_or_default();
        self.answer(ask.ticket, Some(next));
    }

    fn stored_at(&self, token: &str) -> Option<StoredResult> {
        let exchange = self.exchanges.get(token)?;
        exchange.unflushed.as_deref().or(exchange.stored.as_deref()).and_then(StoredResult::parse)
    }

    fn keep(&mut self, token: &str, stored: &StoredResult) {
        let exchange = self.exchange(token);
        exchange.alarm = Some(stored.until());
        exchange.stored = Some(stored.to_json());
        exchange.unflushed = None;
    }

    fn erase(&mut self, token: &str) {
        let exchange = self.exchange(token);
        (exchange.stored, exchange.unflushed, exchange.alarm) = (None, None, None);
    }

    fn go_on(&mut self, token: &str, first: Option<String>) {
        self.take_messages(token, first);
        let work = self.exchange(token).work.as_mut().unwrap();
        work.text = work.row.to_text(false);
    }

    /// The loop of `exchange` there, until the provider has to be asked, or there are no more messages.
    fn take_messages(&mut self, token: &str, mut next: Option<String>) {
        loop {
            let now = self.clock_of(token);
            let exchange = self.exchanges.get_mut(token).unwrap();
            let is_older = exchange.is_older;
            let work = exchange.work.as_mut().unwrap();
            let Some(text) = next.take().or_else(|| work.waiting.pop_front()) else { return };
            let message = RefreshExchangeMessage::parse(&text).unwrap();
            let RefreshExchangeMessage { requester, grace_ms, retry_ms, mut target, .. } = message;
            target = target.filter(|_| !is_older);
            let joins = !self.rules.is(Mutation::DuplicateExchanged);
            if joins && work.row.has_answer(target.as_deref(), &requester) {
                work.row.add_requester(&requester);
                let is_kept = work.row.is_kept_for(grace_ms, retry_ms);
                if !is_kept || self.rules.is(Mutation::GraceOfTheFirst) && retry_ms > grace_ms {
                    self.keep_row(token, grace_ms, retry_ms);
                }
                continue;
            }
            let mut made = None;
            if work.row.current().is_none() || !joins {
                let known = if self.rules.is(Mutation::RequesterIgnored) { "nobody" } else { requester.as_str() };
                let stored = self.stored_at(token).map(|stored| match stored {
                    StoredResult::Answered(answered) if self.rules.is(Mutation::ReplayForEver) => {
                        StoredResult::Answered(Answered { replay_until: i64::MAX, until: i64::MAX, ..answered })
                    }
                    StoredResult::UnderWay { until, .. } if self.rules.is(Mutation::RetriesUnbounded) => {
                        StoredResult::UnderWay { lost: 0, until }
                    }
                    stored => stored,
                });
                match StoredResult::step(if joins { stored } else { None }, known, now) {
                    Step::Request(lost) => {
                        if !self.rules.is(Mutation::NotUnderWay) {
                            self.keep(token, &StoredResult::under_way(lost, now));
                        }
                    }
                    Step::Replay(sealed) => {
                        let Some(text) = open(token, &sealed) else { return self.violate(WRONG_KEY) };
                        let work = self.exchange(token).work.as_mut().unwrap();
                        work.row.set_kept(&text);
                        work.replays = true;
                        continue;
                    }
                    Step::Rest => made = Some(unreachable("lost twice")),
                    Step::Closed => {
                        let body = r#"{"error":"invalid_grant"}"#.to_owned();
                        made = Some(Ok(ProviderResponse { status: 400, retry_after: None, body }));
                    }
                }
            }
            let work = self.exchange(token).work.as_mut().unwrap();
            let current = work.row.current().filter(|_| joins);
            let sent = current.map_or(token, |current| current.expose().as_str()).to_owned();
            match made {
                Some(outcome) => work.row.add(RefreshExchangeAnswer::new(Rc::new(outcome), target), &sent, &requester),
                None => {
                    work.call = Some(Call { message: text, sent, back: None });
                    return;
                }
            }
        }
    }

    /// The provider takes a token request.
    pub fn call_provider(&mut self, token: &str, behaviour: Behaviour) {
        let call = self.exchange(token).work.as_mut().unwrap().call.as_mut().unwrap();
        let sent = call.sent.clone();
        let RefreshExchangeMessage { requester, target, .. } = RefreshExchangeMessage::parse(&call.message).unwrap();
        let target = target.filter(|_| !self.exchanges[token].is_older);
        self.budget.faults -= u8::from(behaviour != Behaviour::Answers);

        let (now, skew_ms) = (self.now, self.rules.skew_ms.abs());
        let has_targets = self.rules.has_targets();
        let (count, last) = self.ghost.untold.entry(sent.clone()).or_default();
        if now - *last >= LOST_WINDOW_MS - skew_ms {
            *count = 0;
        }
        (*count, *last) = (*count + 1, now);
        // In a row for several targets, the object of the refresh token before may have tried it, too.
        if *count > 2 + u8::from(has_targets) {
            self.violate(REPEATED);
        }

        let fails = |status| Ok(ProviderResponse { status, retry_after: None, body: String::new() });
        let (outcome, has_spent) = match behaviour {
            Behaviour::Fails => (fails(503), false),
            Behaviour::Limits => (fails(429), false),
            Behaviour::Answers | Behaviour::LosesAnswer => {
                let rules = self.rules.provider;
                if self.provider.verdict(&rules, &sent, now) == Verdict::Reused {
                    let is_late = self.ghost.stored.get(&sent).is_some_and(|stored| {
                        let until =
                            if stored.requesters.contains(&requester) { stored.until } else { stored.replay_until };
                        now >= until - skew_ms
                    });
                    let is_late = is_late && !self.ghost.received.contains(&sent);
                    if self.ghost.unstored.contains(&sent) || is_late || self.has_stolen {
                        self.ghost.excused = true;
                    } else {
                        self.violate(REVOKED);
                    }
                }
                let outcome = self.provider.refresh(&rules, &sent, target.as_deref(), now);
                let has_spent = is_rotated(&outcome, &sent);
                if behaviour == Behaviour::Answers {
                    (outcome, has_spent)
                } else {
                    if has_spent {
                        self.lose(&sent, &outcome);
                    }
                    (Err(TransportError::Timeout), false)
                }
            }
        };
        self.note(|| match &outcome {
            Ok(answer) => format!("the provider says {} {} to {sent}", answer.status, answer.body),
            Err(error) => format!("the provider has done it; but {error}"),
        });
        let outcome = Rc::new(outcome);
        self.exchange(token).work.as_mut().unwrap().call.as_mut().unwrap().back = Some(Back { outcome, has_spent });
    }

    /// Nobody gets to know the refresh token that an outcome brings.
    fn lose(&mut self, sent: &str, outcome: &Outcome) {
        self.ghost.unstored.insert(sent.to_owned());
        let tokens = outcome.as_ref().ok().and_then(|answer| parse_token_response(Grant::Refresh, answer).ok());
        let lost = tokens.and_then(|tokens| tokens.refresh_token().map(str::to_owned));
        self.ghost.unknown.extend(lost);
    }

    /// What follows a token request there: the answer is stored.
    pub fn store(&mut self, token: &str) {
        let fails = self.rules.is(Mutation::FailureIsRefusal);
        let is_older = self.exchanges[token].is_older;
        let work = self.exchange(token).work.as_mut().unwrap();
        let Call { message, sent, back } = work.call.take().unwrap();
        let mut outcome = back.unwrap().outcome;
        if fails && matches!(&*outcome, Ok(answer) if answer.status >= 500) {
            let body = r#"{"error":"invalid_grant"}"#.to_owned();
            outcome = Rc::new(Ok(ProviderResponse { status: 400, retry_after: None, body }));
        }
        let message = RefreshExchangeMessage::parse(&message).unwrap();
        let target = message.target.filter(|_| !is_older);
        let answer = RefreshExchangeAnswer::new(outcome, target);
        work.originals.push(answer.to_json());
        work.row.add(answer, &sent, &message.requester);
        let is_rotated = work.row.current().is_some();
        self.ghost.untold.remove(&sent);
        if is_rotated {
            self.ghost.unstored.remove(&sent);
            self.keep_row(token, message.grace_ms, message.retry_ms);
        } else {
            self.erase(token);
        }
        if !self.rules.is(Mutation::SuccessorNotReplaced) {
            self.exchange(token).work.as_mut().unwrap().originals.clear();
        }
        self.go_on(token, None);
    }

    fn keep_row(&mut self, token: &str, grace_ms: i64, retry_ms: i64) {
        let now = self.clock_of(token);
        let takes_first = self.rules.is(Mutation::GraceOfTheFirst);
        let work = self.exchanges.get_mut(token).unwrap().work.as_mut().unwrap();
        let longest_ms = work.row.extend_grace(grace_ms);
        let text = match &work.originals[..] {
            originals if self.rules.is(Mutation::SuccessorNotReplaced) => originals.join("\n"),
            _ => work.row.to_text(true),
        };
        let requesters = work.row.requesters().to_owned();
        let asked = work.joined.iter().filter_map(Joined::requester).collect();
        let text = if self.exchanges[token].is_older { as_older_build(text.lines().next().unwrap()) } else { text };
        let spec = crate::world::Stored {
            replay_until: now + longest_ms,
            until: now + longest_ms.max(retry_ms),
            requesters: asked,
        };
        self.ghost.stored.insert(token.to_owned(), spec);
        let grace_ms = if takes_first { grace_ms } else { longest_ms };
        let grace_ms = if self.rules.is(Mutation::ZeroGrace) { 0 } else { grace_ms };
        let answered = Answered::new(seal(token, &text), requesters, now, grace_ms, retry_ms);
        let stored = StoredResult::Answered(answered);
        if self.rules.is(Mutation::AnswerBeforeStore) {
            self.exchange(token).unflushed = Some(stored.to_json());
        } else {
            self.keep(token, &stored);
        }
    }

    pub fn flush(&mut self, token: &str) {
        let stored = self.stored_at(token).unwrap();
        self.keep(token, &stored);
    }

    /// The end of `answer` there.
    pub fn end_work(&mut self, token: &str) {
        let skew_ms = self.rules.skew_ms.abs();
        let Work { row, joined, replays, originals, .. } = self.exchange(token).work.take().unwrap();
        let mut text = row.to_text(false);
        if !originals.is_empty() {
            text = originals.join("\n");
        }
        let revoking = std::mem::take(&mut self.exchange(token).revoking);
        for (place, Joined { ask, arrived, after_logout }) in joined.into_iter().enumerate() {
            let parsed = RefreshExchangeMessage::parse(&ask.message).unwrap();
            let (is_older, wrong) = (self.exchanges[token].is_older, self.rules.is(Mutation::WrongTargetReplayed));
            let wanted = parsed.target.as_deref().filter(|_| !is_older);
            let selected = if wrong && replays {
                let answer = text.lines().find_map(RefreshExchangeAnswer::parse);
                answer.map(|answer| RefreshExchangeAnswer { target: parsed.target.clone(), ..answer })
            } else {
                Row::select(&text, wanted)
            };
            let Some(answer) = selected else {
                self.arrive(ask);
                continue;
            };
            let has_tokens = matches!(&*answer.outcome, Ok(answer) if answer.status == 200);
            if has_tokens {
                let is_client = !matches!(ask.ticket, Some(Ticket { caller: Caller::Renewal, .. }));
                let bound = self.ghost.late_logout;
                // A duplicate of an earlier refresh may get what was given before, for the grace. Its refresh token is of no use.
                let next = Row::successor(&answer.to_json());
                let usable = self.provider.usable();
                let is_alive = next.is_some_and(|next| usable.contains(next.expose()));
                if after_logout && is_client && !bound && (is_alive || self.ghost.closed.contains(token)) {
                    self.violate(NOT_FINAL);
                }
                // A duplicate may join the one to whom it is given again, as it may join a token request.
                let stored = self.ghost.stored.get(token).filter(|_| replays && place == 0);
                let asked_before = |stored: &crate::world::Stored| stored.requesters.contains(&parsed.requester);
                if stored.is_some_and(|stored| {
                    arrived >= stored.until + skew_ms
                        || arrived >= stored.replay_until + skew_ms && !asked_before(stored)
                }) {
                    self.violate(PAST_GRACE);
                }
            }
            let answer = if is_older { as_older_build(&answer.to_json()) } else { answer.to_json() };
            self.answer(ask.ticket, Some(answer));
        }
        for ask in revoking {
            self.arrive(ask);
        }
        self.forget_empty(token);
    }

    /// The object loses its memory: what is stored stays, and calls to it fail.
    pub fn restart_exchange(&mut self, token: &str, restart: Restart) {
        self.budget.restarts -= 1;
        let skew_ms = self.rules.skew_ms;
        let exchange = self.exchange(token);
        match restart {
            Restart::Plain => {}
            Restart::Skewed => exchange.skew = skew_ms - exchange.skew,
            Restart::OtherBuild => exchange.is_older = !exchange.is_older,
        }
        exchange.unflushed = None;
        let work = exchange.work.take();
        let mut failed = std::mem::take(&mut exchange.revoking);
        if let Some(Work { joined, call, .. }) = work {
            failed.extend(joined.into_iter().map(|joined| joined.ask));
            if let Some(Call { sent, back: Some(Back { has_spent: true, outcome }), .. }) = call {
                self.note(|| format!("what took the place of {sent} is lost"));
                self.lose(&sent, &outcome);
            }
        }
        for ask in failed {
            self.answer(ask.ticket, None);
        }
        self.forget_empty(token);
    }

    /// `on_alarm` there.
    pub fn alarm(&mut self, token: &str) {
        let now = self.clock_of(token);
        self.exchange(token).alarm = None;
        if self.exchange(token).work.is_some() {
            self.exchange(token).alarm = Some(now + LOST_WINDOW_MS);
            return;
        }
        match self.stored_at(token) {
            Some(stored) if now < stored.until() => self.keep(token, &stored),
            _ => self.erase(token),
        }
        self.forget_empty(token);
    }

    /// An object that keeps nothing is like one that never was.
    fn forget_empty(&mut self, token: &str) {
        let is_empty = |exchange: &Exchange| {
            let Exchange { stored, alarm, unflushed, work, .. } = exchange;
            stored.is_none() && alarm.is_none() && unflushed.is_none() && work.is_none()
        };
        if self.exchanges.get(token).is_some_and(is_empty) {
            self.exchanges.remove(token);
        }
    }

    /// Hands an answer to the isolate that waits for it, or that there is none.
    fn answer(&mut self, ticket: Option<Ticket>, answer: Option<String>) {
        match ticket {
            None => {}
            Some(Ticket { caller: Caller::Tab(tab), serial }) => self.answer_tab(tab, serial, answer),
            Some(Ticket { caller, serial }) => self.answer_session(caller, serial, answer),
        }
    }
}

impl Joined {
    fn requester(&self) -> Option<String> {
        RefreshExchangeMessage::parse(&self.ask.message).map(|message| message.requester)
    }
}
