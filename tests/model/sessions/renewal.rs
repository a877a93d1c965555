//! The renewal of a session's tokens, inside its object.

use std::rc::Rc;

use bargate::oauth::{Grant, Outcome, TransportError, parse_token_response, refusal};
use bargate::objects::{RefreshExchangeAnswer, RefreshExchangeMessage, SessionAnswer};
use bargate::problem::Problem;
use bargate::secret::Secret;
use bargate::session::{SessionRecord, revocable};

use super::object::{authorizer, cookie, rules, sealed};
use super::{EXCHANGES_MAX, RenewalAt, SESSION_RETRY_MS, VisitAt};
use crate::exchange::{Ask, Caller, Ticket};
use crate::mutation::Mutation;
use crate::world::World;

impl World {
    pub(super) fn deliver_renewal(&mut self) {
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

    pub(super) fn fail_renewal(&mut self) {
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
    pub(super) fn receive_renewal(&mut self) {
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
    pub(super) fn keep_renewal(&mut self) {
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
    pub(super) fn end_renewal(&mut self, renewed: &SessionAnswer) {
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
}

/// Answers that the provider is unavailable.
fn away() -> SessionAnswer {
    let outcome: Outcome = Err(TransportError::Unreachable("away".to_owned()));
    SessionAnswer::NotRenewed(Rc::new(outcome))
}
