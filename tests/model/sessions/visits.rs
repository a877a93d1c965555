//! Requests with a cookie at their isolates, and what the object of the session answers them.

use bargate::oauth::Unfit;
use bargate::objects::SessionAnswer;
use bargate::problem::Problem;
use bargate::session::{Known, SessionRecord, SessionToken, TOKEN_CACHE_MAX_SECS, TokenState, Tokens};

use super::object::{Opened, cookie, rules};
use super::{Call, Isolate, Renewal, RenewalAt, VisitAt, VisitRules};
use crate::mutation::Mutation;
use crate::provider::{TARGETS, audience};
use crate::world::{LOGGED_OUT, NOT_FINAL, WRONG_TARGET, World};

impl World {
    /// A request comes to its isolate: `token` in `src/edge/session/access.rs`.
    pub(super) fn visit(&mut self, index: usize) {
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
    pub(super) fn use_token(&mut self, index: usize, token: &str, target: Option<&str>) {
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

    pub(super) fn end_visit(&mut self, index: usize) {
        let wants = self.rules.session.as_ref().unwrap().visits[index].targets.len();
        let visit = &mut self.session().visits[index];
        visit.next += 1;
        (visit.asked, visit.is_over) = (0, false);
        visit.at = if visit.next < wants { VisitAt::Idle } else { VisitAt::Done };
    }

    pub(super) fn deliver_visit(&mut self, index: usize) {
        let session = self.session();
        let VisitAt::OnTheWay { is_second } = session.visits[index].at else { unreachable!() };
        session.visits[index].at = VisitAt::Waits { is_second, is_own: false, is_due: false };
        if session.lacks_config {
            return self.fail_visit(index);
        }
        self.access(index);
    }

    pub(super) fn target_of(&self, index: usize) -> Option<&'static str> {
        let targets = &self.rules.session.as_ref().unwrap().visits[index].targets;
        TARGETS[targets[self.session.as_ref().unwrap().visits[index].next]]
    }

    /// One turn of the loop of `access` there, up to its await.
    pub(super) fn access(&mut self, index: usize) {
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

    pub(super) fn answer_visit(&mut self, index: usize, answer: &SessionAnswer) {
        let is_over = self.session().ended_at.is_some();
        let visit = &mut self.session().visits[index];
        let VisitAt::Waits { is_second, .. } = visit.at else { unreachable!() };
        visit.at = VisitAt::Back { is_second, answer: answer.to_json() };
        if is_over && matches!(answer, SessionAnswer::Token { .. }) {
            self.violate(NOT_FINAL);
        }
    }

    /// `ask` in `object_client.js`: a call that fails is made once more.
    pub(super) fn fail_visit(&mut self, index: usize) {
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

    pub(super) fn receive_visit(&mut self, index: usize) {
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

    pub(super) fn learn(&mut self, isolate: usize, target: Option<&'static str>, token: &SessionToken, now: i64) {
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
    pub(super) fn is_ending(&self) -> bool {
        let session = self.session.as_ref().unwrap();
        session.logout != Call::Idle || session.backchannel != Call::Idle
    }

    /// `usable` there.
    pub(super) fn usable(&mut self, target: Option<&str>) -> Option<SessionAnswer> {
        let now = self.now / 1000;
        let Opened::Tokens(record, tokens) = self.session().opened(&cookie().key()) else { return None };
        match state(&record, &tokens, target, now) {
            TokenState::Fresh(seconds) | TokenState::Due(seconds) => Some(granted(&record, tokens, target, seconds)),
            TokenState::Expired => None,
        }
    }

    /// A request does not wait any longer for what is due, or the renewal has ended.
    pub(super) fn use_what_is_due(&mut self, index: usize) {
        match self.usable(self.target_of(index)) {
            Some(answer) => self.answer_visit(index, &answer),
            None => {
                if let VisitAt::Waits { is_due, .. } = &mut self.session().visits[index].at {
                    *is_due = false;
                }
            }
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
