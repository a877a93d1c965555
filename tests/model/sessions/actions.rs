//! What can happen with a session, and in which words it is told.

use super::{Call, RenewalAt, SessionWorld, SettleAt, VisitAt, VisitRules};
use crate::provider::audience;
use crate::world::{Action, Behaviour, World};

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

impl SessionWorld {
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

impl World {
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
