//! How a session begins and ends: the login, the browser's logout, the provider's, the alarm, and the revocation of what is left.

use std::rc::Rc;

use bargate::objects::{LogoutIndexAnswer, LogoutIndexMessage, RefreshExchangeMessage};
use bargate::secret::Secret;
use bargate::session::{IndexRecord, SessionCookie, SessionRecord};

use super::object::{Opened, cookie};
use super::{
    Call, ENDED, Hop, Isolate, JTI, LIFE_SECS, Left, REVOCATION_LAST_MS, REVOCATION_RETRY_MS, REVOCATION_TRIES, Settle,
    SettleAt, TOMBSTONE_MS, Visit, VisitAt, VisitRules,
};
use crate::exchange::{Ask, Caller, Ticket};
use crate::mutation::Mutation;
use crate::world::{Behaviour, Budget, LOGGED_OUT, NOT_FINAL, NOT_REVOKED, WRONG_KEY, World};

impl World {
    /// The login: `begin` in `lifecycle.rs`. The index is told first.
    pub(super) fn begin(&mut self, hop: Hop) {
        let (now, token_left_ms) = (self.now, self.rules.session.as_ref().unwrap().token_left_ms);
        match (hop, self.session().begin) {
            (Hop::Send, _) => {
                let message = LogoutIndexMessage::Add {
                    session: cookie().object_name(),
                    until: now / 1000 + LIFE_SECS,
                    began: None,
                };
                self.ask_index(&message);
                self.session().begin = Call::OnTheWay { is_second: false };
            }
            (Hop::Deliver, Call::OnTheWay { is_second }) => {
                let is_done = self.session().create(now, now + token_left_ms);
                self.session().begin = Call::Back { is_second, is_done };
            }
            (Hop::Receive, Call::Back { is_done: true, .. }) => self.session().begin = Call::Over,
            (Hop::Receive, Call::Back { is_done: false, is_second: false }) => {
                self.session().begin = Call::OnTheWay { is_second: true };
            }
            (Hop::Receive, _) => self.fail_login(),
            (Hop::Break, call) => {
                self.budget.losses -= 1;
                let is_second = matches!(call, Call::OnTheWay { is_second: true } | Call::Back { is_second: true, .. });
                if is_second {
                    self.fail_login();
                } else {
                    self.session().begin = Call::OnTheWay { is_second: true };
                }
            }
            _ => unreachable!(),
        }
    }

    /// A login that comes to nothing: nobody has the cookie, and `discard` in `token_requests.rs` revokes what it brought.
    fn fail_login(&mut self) {
        let rules = self.rules.provider;
        self.provider.revoke(&rules, "r0");
        let session = self.session();
        session.begin = Call::Over;
        session.visits.iter_mut().for_each(|visit| visit.at = VisitAt::Done);
        session.logout = Call::Over;
    }

    fn ask_index(&mut self, message: &LogoutIndexMessage) -> Option<LogoutIndexAnswer> {
        let now = self.now / 1000;
        let message = LogoutIndexMessage::parse(&message.to_json()).unwrap();
        let session = self.session();
        let mut index = IndexRecord::parse(session.index.as_deref(), now);
        let answer = match &message {
            LogoutIndexMessage::Add { session, until, .. } => {
                index.add(session, *until);
                LogoutIndexAnswer::Done
            }
            LogoutIndexMessage::Spend { jti, requester, until } => match index.spent_by(jti) {
                Some(by) if by == requester => LogoutIndexAnswer::Done,
                Some(_) => LogoutIndexAnswer::Replayed,
                None => {
                    index.remove(&cookie().object_name());
                    index.spend(jti, requester, *until);
                    LogoutIndexAnswer::Done
                }
            },
            _ => unreachable!(),
        };
        session.index = index.to_json();
        Some(answer)
    }

    /// A logout by the browser: `end_of` in `lifecycle.rs`, and `end` in `objects/session.rs`.
    pub(super) fn log_out(&mut self, hop: Hop) {
        let now = self.now;
        let isolate = self.rules.session.as_ref().unwrap().logout.unwrap();
        match (hop, self.session().logout) {
            (Hop::Send, _) => self.session().logout = Call::OnTheWay { is_second: false },
            (Hop::Deliver, Call::OnTheWay { is_second }) => {
                let is_done = !self.session().lacks_config;
                if is_done {
                    self.end_session(&cookie().key());
                }
                self.session().logout = Call::Back { is_second, is_done };
            }
            (Hop::Receive, Call::Back { is_done: true, .. }) => {
                let session = self.session();
                session.logout = Call::Over;
                let Isolate { cache, learned, ended } = &mut session.isolates[isolate];
                cache.end(&cookie(), false, now as f64);
                learned.clear();
                *ended = Some(now);
                self.end_for_ever();
            }
            (Hop::Receive, Call::Back { is_second: false, .. }) => {
                self.session().logout = Call::OnTheWay { is_second: true };
            }
            // The browser is told that the session lives on.
            (Hop::Receive, _) => self.session().logout = Call::Over,
            (Hop::Break, call) => {
                self.budget.losses -= 1;
                let is_second = matches!(call, Call::OnTheWay { is_second: true } | Call::Back { is_second: true, .. });
                self.session().logout = if is_second { Call::Over } else { Call::OnTheWay { is_second: true } };
            }
            _ => unreachable!(),
        }
    }

    /// `end` in `objects/session.rs`.
    fn end_session(&mut self, key: &str) {
        let now = self.now;
        let sets_alarm = !self.rules.is(Mutation::NoRevocationAlarm);
        let session = self.session();
        let Opened::Tokens(record, _) = session.opened(key) else { return };
        let sealed = record.revocable();
        session.leave(sealed.clone(), now, sets_alarm);
        session.begin_to_settle(sealed);
    }

    /// `expire` there.
    pub(super) fn expire(&mut self, record: &SessionRecord) {
        let now = self.now;
        let sets_alarm = !self.rules.is(Mutation::NoRevocationAlarm);
        let sealed = record.revocable();
        let session = self.session();
        session.leave(sealed.clone(), now, sets_alarm);
        session.begin_to_settle(sealed);
    }

    fn end_for_ever(&mut self) {
        let now = self.now;
        self.session().ended_at.get_or_insert(now);
        self.ghost.is_final = true;
    }

    /// A back-channel logout: the index tells the session to end, and remembers then that the logout token was used.
    pub(super) fn end_by_provider(&mut self, hop: Hop) {
        let now = self.now;
        match (hop, self.session().backchannel) {
            (Hop::Send, _) => {
                let index = IndexRecord::parse(self.session().index.as_deref(), now / 1000);
                let is_listed = index.sessions().contains(&cookie().object_name());
                self.session().backchannel = if is_listed {
                    Call::OnTheWay { is_second: false }
                } else {
                    // The login is about to begin: nothing of it is there yet, and the provider has ended what it knows of.
                    Call::Over
                };
            }
            (Hop::Deliver, Call::OnTheWay { is_second }) => {
                let is_done = !self.session().lacks_config;
                if is_done {
                    match self.session().record() {
                        Some(record) => {
                            self.expire(&record);
                            let began = record.began_at.unwrap() * 1000;
                            if now < began + TOMBSTONE_MS && !self.rules.is(Mutation::NoTombstone) {
                                self.session().state = Some(ENDED.to_owned());
                            }
                        }
                        None if self.rules.is(Mutation::NoTombstone) => {}
                        None if self.session().left.as_ref().is_some_and(|left| left.sealed.is_some()) => {}
                        None => {
                            let session = self.session();
                            session.state = Some(ENDED.to_owned());
                            session.alarm = Some(now + TOMBSTONE_MS);
                        }
                    }
                }
                self.session().backchannel = Call::Back { is_second, is_done };
            }
            (Hop::Receive, Call::Back { is_done: true, .. }) => {
                let message =
                    LogoutIndexMessage::Spend { jti: JTI.into(), requester: "p".into(), until: now / 1000 + 120 };
                let answer = self.ask_index(&message);
                assert_eq!(answer, Some(LogoutIndexAnswer::Done));
                self.session().backchannel = Call::Over;
                self.end_for_ever();
            }
            // The provider is told to try again.
            (Hop::Receive, Call::Back { .. }) => self.session().backchannel = Call::Over,
            (Hop::Break, _) => {
                self.budget.losses -= 1;
                self.session().backchannel = Call::OnTheWay { is_second: true };
            }
            _ => unreachable!(),
        }
    }

    /// Somebody asks with another key.
    pub(super) fn intrude(&mut self) {
        let key = SessionCookie::from_random([1; 16], [3; 16]).key();
        self.session().has_intruded = true;
        let opens = if self.rules.is(Mutation::EndWithoutKey) { cookie().key() } else { key.clone() };
        if matches!(self.session().opened(&key), Opened::Tokens(..)) {
            self.violate(WRONG_KEY);
        }
        self.end_session(&opens);
    }

    /// `successor` in `rotation.rs`.
    pub(super) fn ask_successor(&mut self, index: usize) {
        let settle = &mut self.session().settles[index];
        settle.at = SettleAt::Object;
        let token = Secret::new(settle.sealed.clone().unwrap());
        let ticket = Some(Ticket { caller: Caller::Settle, serial: settle.serial });
        if self.rules.is(Mutation::SuccessorNotRevoked) {
            self.session().settles[index].at = SettleAt::Provider;
        } else {
            self.arrive(Ask { ticket, message: RefreshExchangeMessage::revocation(&token) });
        }
    }

    pub(super) fn answer_settle(&mut self, serial: u8, answer: Option<String>) {
        let now = self.now;
        let session = self.session();
        let Some(settle) = session.settles.iter_mut().find(|settle| settle.serial == serial) else { return };
        let Some(answer) = answer else {
            settle.at = if settle.is_second { SettleAt::Provider } else { SettleAt::OnTheWay };
            settle.is_second = true;
            return;
        };
        let Some(next) = RefreshExchangeMessage::parse_revocation(&answer) else {
            settle.at = SettleAt::Provider;
            return;
        };
        let sealed = next.expose().clone();
        (settle.sealed, settle.is_second, settle.at) = (Some(sealed.clone()), false, SettleAt::OnTheWay);
        session.owe(sealed, now, true);
    }

    /// `settle` in `session.js`.
    pub(super) fn settle(&mut self, index: usize, behaviour: Behaviour) {
        let now = self.now;
        let rules = self.rules.provider;
        let Settle { sealed, .. } = self.session().settles.remove(index);
        let mut has_failed = false;
        if let Some(token) = &sealed {
            if behaviour == Behaviour::Answers {
                self.note(|| format!("{token} is revoked"));
                self.provider.revoke(&rules, token);
            } else {
                self.budget.faults -= 1;
                has_failed = true;
            }
        }
        let session = self.session();
        // What has taken its place since is revoked by itself.
        let is_left = |left: &Left| left.sealed.is_some() && left.sealed != sealed;
        if sealed.is_some() && session.left.as_ref().is_some_and(is_left) {
            return;
        }
        let before = session.left.as_ref().filter(|left| left.sealed == sealed).map_or(0, |left| left.failures);
        let failures = before + 1;
        if has_failed && failures < REVOCATION_TRIES {
            session.left = Some(Left { sealed, failures });
            session.alarm = Some(now + REVOCATION_RETRY_MS * 4_i64.pow(failures - 1));
        } else if session.state.is_some() {
            session.left = None;
            session.alarm = Some(now + TOMBSTONE_MS);
        } else {
            session.erase();
        }
    }

    /// `on_alarm` in `objects/session.rs`.
    pub(super) fn session_alarm(&mut self) {
        let now = self.now;
        let session = self.session();
        session.alarm = None;
        let sealed = match session.record() {
            Some(record) if !record.has_ended(now / 1000) => {
                session.alarm = Some(record.ends_by() * 1000);
                return;
            }
            Some(record) => {
                let sealed = record.revocable();
                session.leave(sealed.clone(), now, true);
                sealed
            }
            None => match session.left.as_ref().and_then(|left| left.sealed.clone()) {
                None => return session.erase(),
                sealed => sealed,
            },
        };
        session.begin_to_settle(sealed);
    }

    pub fn session_violation_at_rest(&self) -> Option<&'static str> {
        let session = self.session.as_ref().unwrap();
        if session.ended_at.is_some() {
            return if session.record().is_some() { Some(NOT_FINAL) } else { self.clone().violation_of_what_is_left() };
        }
        let goes_on = !self.is_ending() && session.begin == Call::Over && !session.lacks_config;
        if !goes_on || self.ghost.excused || session.record().is_none() {
            return None;
        }
        self.clone().violation_of_session()
    }

    fn run(&mut self) {
        for _ in 0..1_000 {
            let Some(action) = self.actions().into_iter().find(|action| !self.is_at_rest(std::slice::from_ref(action)))
            else {
                return;
            };
            self.take(&action);
        }
    }

    /// Lets the alarms go off that are set: no refresh token may be left that somebody could use.
    fn violation_of_what_is_left(mut self) -> Option<&'static str> {
        self.budget = Budget::default();
        for _ in 0..REVOCATION_TRIES {
            let session = self.session();
            let has_left = session.left.as_ref().is_some_and(|left| left.sealed.is_some());
            let Some(at) = session.alarm.filter(|_| has_left) else { break };
            if at > self.now + REVOCATION_LAST_MS {
                break;
            }
            self.now = self.now.max(at);
            self.run();
        }
        self.ghost.violation.or(self.has_usable().then_some(NOT_REVOKED))
    }

    /// Has one more request ask for a token once the last has expired, without harm: the session must still be worth a login.
    fn violation_of_session(mut self) -> Option<&'static str> {
        self.budget = Budget::default();
        let mut rules = (*self.rules).clone();
        // After so long no token request counts as lost any longer.
        self.now += 700_000;
        rules.session.as_mut().unwrap().visits.push(VisitRules { isolate: 0, targets: vec![0] });
        self.rules = Rc::new(rules);
        self.session().visits.push(Visit { next: 0, asked: 0, is_over: false, at: VisitAt::Idle });
        self.run();
        let (now, learned) = (self.now, &self.session().isolates[0].learned);
        let has_token = learned.iter().any(|(target, _, until)| target.is_none() && *until > now);
        let is_alive = has_token || self.ghost.excused;
        self.ghost.violation.or((!is_alive).then_some(LOGGED_OUT))
    }
}
