//! What is explored.

use crate::mutation::Mutation;
use crate::provider::{OVERLAPPING, ProviderRules, STRICT};
use crate::sessions::{SessionRulesOf, VisitRules};
use crate::tabs::TabRules;
use crate::world::{Budget, LOGGED_OUT, NOT_FINAL, NOT_REVOKED, PAST_GRACE, REPEATED, REVOKED, Rules, WRONG_TARGET};

const GRACE_MS: i64 = 10_000;

const NO_HARM: Budget = Budget { restarts: 0, losses: 0, faults: 0, leaps: 0 };

/// Keeps its refresh tokens.
const KEEPING: ProviderRules = ProviderRules { rotates: false, ..STRICT };

/// Ends a whole login with one of its refresh tokens.
const FAMILY: ProviderRules = ProviderRules { revokes_family: true, ..OVERLAPPING };

fn clients(name: &'static str, provider: ProviderRules, tabs: Vec<TabRules>, budget: Budget) -> Rules {
    Rules {
        name,
        provider,
        grace_ms: [GRACE_MS; 2],
        tabs,
        stores: 1,
        session: None,
        leaps_ms: vec![GRACE_MS],
        budget,
        skew_ms: 0,
        builds: false,
        thief: false,
        mutation: None,
    }
}

fn tabs(wants: &[&[usize]]) -> Vec<TabRules> {
    wants.iter().map(|targets| TabRules::wanting(targets)).collect()
}

fn with_logout(mut tabs: Vec<TabRules>) -> Vec<TabRules> {
    tabs.push(TabRules::logging_out());
    tabs
}

pub fn clients_small() -> Vec<Rules> {
    let one = || tabs(&[&[0]]);
    let two = || tabs(&[&[0], &[0]]);
    let three = || tabs(&[&[1], &[2], &[1]]);
    let refusing = ProviderRules { refused: Some("a"), ignored: Some("b"), ..STRICT };
    vec![
        clients("three tabs", STRICT, tabs(&[&[0], &[0], &[0]]), NO_HARM),
        clients("two tabs, a provider that keeps refresh tokens", KEEPING, two(), Budget { losses: 1, ..NO_HARM }),
        clients("two tabs, losses", STRICT, two(), Budget { losses: 1, leaps: 1, ..NO_HARM }),
        clients("two tabs, restarts", OVERLAPPING, two(), Budget { restarts: 2, ..NO_HARM }),
        clients("two tabs, restarts, no overlap", STRICT, two(), Budget { restarts: 1, ..NO_HARM }),
        clients("two tabs, provider's failures", OVERLAPPING, two(), Budget { faults: 2, ..NO_HARM }),
        Rules {
            leaps_ms: vec![GRACE_MS, 61_000],
            ..clients("one tab, everything", OVERLAPPING, one(), Budget { restarts: 2, losses: 1, faults: 1, leaps: 1 })
        },
        two_configs(),
        clients("three APIs", STRICT, three(), NO_HARM),
        clients("three APIs, two of them not given", refusing, tabs(&[&[1], &[2], &[3]]), NO_HARM),
        clients("three APIs, a restart", OVERLAPPING, tabs(&[&[1], &[2]]), Budget { restarts: 1, ..NO_HARM }),
        clients("logout", STRICT, with_logout(tabs(&[&[0, 0]])), NO_HARM),
        clients("logout, losses", FAMILY, with_logout(one()), Budget { losses: 1, leaps: 1, ..NO_HARM }),
        clients("logout, provider's failures", STRICT, with_logout(one()), Budget { faults: 1, ..NO_HARM }),
        clients("logout, restarts", OVERLAPPING, with_logout(one()), Budget { restarts: 1, ..NO_HARM }),
        Rules {
            skew_ms: -30_000,
            ..clients("clocks", OVERLAPPING, one(), Budget { restarts: 1, leaps: 1, ..NO_HARM })
        },
        Rules { builds: true, ..clients("two builds", OVERLAPPING, two(), Budget { restarts: 1, ..NO_HARM }) },
        Rules { thief: true, ..clients("a thief", STRICT, tabs(&[&[0, 0]]), NO_HARM) },
    ]
}

/// Returns two tabs at isolates of which one has a grace and the other has none.
fn two_configs() -> Rules {
    let other = TabRules { isolate: 1, ..TabRules::wanting(&[0]) };
    let (tabs, budget) = (vec![TabRules::wanting(&[0]), other], Budget { losses: 1, leaps: 1, ..NO_HARM });
    Rules { grace_ms: [GRACE_MS, 0], ..clients("two configs", STRICT, tabs, budget) }
}

pub fn clients_large() -> Vec<Rules> {
    let two = || tabs(&[&[0], &[0]]);
    let three = || tabs(&[&[1], &[2], &[1]]);
    let logout = || with_logout(tabs(&[&[0]]));
    let all = Budget { restarts: 1, losses: 1, faults: 1, leaps: 1 };
    let (breaking, lossy) = (Budget { restarts: 1, leaps: 1, ..NO_HARM }, Budget { losses: 1, ..NO_HARM });
    let later = |rules| Rules { leaps_ms: vec![GRACE_MS, 61_000], ..rules };
    vec![
        clients("four tabs", STRICT, tabs(&[&[0], &[0], &[0], &[0]]), NO_HARM),
        Rules { skew_ms: -30_000, ..clients("two tabs, clocks", OVERLAPPING, two(), breaking) },
        Rules { builds: true, ..clients("two APIs, two builds", OVERLAPPING, tabs(&[&[1], &[2]]), breaking) },
        clients("three APIs, losses", STRICT, three(), lossy),
        clients("three APIs, restarts", OVERLAPPING, three(), Budget { restarts: 2, ..NO_HARM }),
        clients("logout, restarts and losses", OVERLAPPING, logout(), Budget { faults: 0, ..all }),
        later(clients("two tabs, everything, no overlap", STRICT, two(), all)),
        later(clients("two tabs, everything", OVERLAPPING, two(), all)),
    ]
}

const SESSION: SessionRulesOf = SessionRulesOf {
    visits: Vec::new(),
    token_left_ms: 0,
    logout: None,
    backchannel: false,
    begins: false,
    intruder: false,
    reloads: false,
};

fn sessions(name: &'static str, provider: ProviderRules, session: SessionRulesOf, budget: Budget) -> Rules {
    Rules { stores: 0, session: Some(session), leaps_ms: vec![16_000], ..clients(name, provider, Vec::new(), budget) }
}

/// Returns requests at two isolates, in turn.
fn visits(targets: &[&[usize]]) -> SessionRulesOf {
    let visit = |(index, targets): (usize, &&[usize])| VisitRules { isolate: index % 2, targets: targets.to_vec() };
    SessionRulesOf { visits: targets.iter().enumerate().map(visit).collect(), ..SESSION }
}

pub fn sessions_small() -> Vec<Rules> {
    let two = || visits(&[&[0], &[0]]);
    let logout = || SessionRulesOf { logout: Some(0), ..two() };
    let backchannel = || SessionRulesOf { backchannel: true, ..visits(&[&[0]]) };
    let begins = || SessionRulesOf { begins: true, token_left_ms: 300_000, ..backchannel() };
    let due = || SessionRulesOf { token_left_ms: 30_000, ..two() };
    vec![
        sessions("requests of a session", STRICT, visits(&[&[0], &[0], &[0]]), NO_HARM),
        sessions("requests of a session, restarts", OVERLAPPING, two(), Budget { restarts: 2, ..NO_HARM }),
        sessions("requests of a session, no overlap", STRICT, two(), Budget { restarts: 1, losses: 1, ..NO_HARM }),
        sessions("requests of a session, failures", OVERLAPPING, two(), Budget { faults: 2, losses: 1, ..NO_HARM }),
        sessions("a token that is due", STRICT, due(), Budget { faults: 1, leaps: 1, ..NO_HARM }),
        sessions("a session for two APIs", STRICT, visits(&[&[1], &[2]]), Budget { restarts: 1, ..NO_HARM }),
        sessions("a logout, failures", STRICT, logout(), Budget { faults: 1, ..NO_HARM }),
        sessions("a logout, losses", STRICT, logout(), Budget { losses: 1, ..NO_HARM }),
        sessions(
            "a logout, and time",
            STRICT,
            SessionRulesOf {
                token_left_ms: 300_000,
                ..SessionRulesOf { logout: Some(0), ..visits(&[&[0, 0], &[0, 0]]) }
            },
            Budget { leaps: 1, ..NO_HARM },
        ),
        sessions("a logout, a restart", STRICT, logout(), Budget { restarts: 1, ..NO_HARM }),
        sessions(
            "the provider's logout",
            STRICT,
            backchannel(),
            Budget { losses: 1, faults: 1, restarts: 1, ..NO_HARM },
        ),
        sessions(
            "the provider's logout during a login",
            OVERLAPPING,
            begins(),
            Budget { losses: 2, restarts: 1, ..NO_HARM },
        ),
        sessions("somebody without the key", STRICT, SessionRulesOf { intruder: true, ..two() }, NO_HARM),
        sessions(
            "a config without sessions",
            STRICT,
            SessionRulesOf { reloads: true, ..two() },
            Budget { restarts: 2, ..NO_HARM },
        ),
        sessions("a provider that keeps refresh tokens", KEEPING, logout(), Budget { restarts: 1, ..NO_HARM }),
    ]
}

pub fn sessions_large() -> Vec<Rules> {
    let two = || visits(&[&[0], &[0]]);
    let logout = || SessionRulesOf { logout: Some(0), ..two() };
    let logouts = || SessionRulesOf { logout: Some(0), backchannel: true, ..visits(&[&[0]]) };
    let three = || visits(&[&[1], &[2], &[0]]);
    let all = Budget { restarts: 1, losses: 1, faults: 1, leaps: 1 };
    vec![
        sessions("a session for three APIs, a restart", STRICT, three(), Budget { restarts: 1, ..NO_HARM }),
        sessions("a logout, a loss and a failure", STRICT, logout(), Budget { losses: 1, faults: 1, ..NO_HARM }),
        sessions("two requests, everything", OVERLAPPING, two(), all),
        sessions("two logouts, a restart and a loss", STRICT, logouts(), Budget { restarts: 1, losses: 1, ..NO_HARM }),
        sessions("two logouts, everything", STRICT, logouts(), all),
    ]
}

/// Each mistake with the property that it violates, and a configuration that shows it.
pub fn mutations() -> Vec<(Mutation, &'static str, Rules)> {
    let one = || tabs(&[&[0]]);
    let two = || tabs(&[&[0], &[0]]);
    let apis = || tabs(&[&[1], &[2]]);
    let lossy = Budget { losses: 1, leaps: 1, ..NO_HARM };
    let (restart, failing) = (Budget { restarts: 1, ..NO_HARM }, Budget { faults: 1, ..NO_HARM });
    let logout = || SessionRulesOf { logout: Some(0), ..visits(&[&[0], &[0]]) };
    let begins = || SessionRulesOf { begins: true, token_left_ms: 300_000, backchannel: true, ..visits(&[&[0]]) };
    let fresh = || SessionRulesOf { token_left_ms: 300_000, ..logout() };
    let no_grace = |rules: Rules| Rules { grace_ms: [0; 2], ..rules };
    vec![
        (Mutation::AnswerBeforeStore, REVOKED, clients("m", STRICT, two(), restart)),
        (Mutation::NotUnderWay, REPEATED, clients("m", OVERLAPPING, one(), Budget { restarts: 3, ..NO_HARM })),
        (Mutation::RetriesUnbounded, REPEATED, clients("m", OVERLAPPING, one(), Budget { restarts: 3, ..NO_HARM })),
        (Mutation::ZeroGrace, REVOKED, clients("m", STRICT, two(), NO_HARM)),
        (Mutation::GraceOfTheFirst, REVOKED, two_configs()),
        (Mutation::ReplayForEver, PAST_GRACE, clients("m", STRICT, two(), lossy)),
        (Mutation::RequesterIgnored, REVOKED, no_grace(clients("m", STRICT, one(), lossy))),
        (Mutation::DuplicateExchanged, REVOKED, clients("m", STRICT, two(), NO_HARM)),
        (Mutation::WrongTargetReplayed, WRONG_TARGET, clients("m", STRICT, tabs(&[&[1], &[0]]), NO_HARM)),
        (Mutation::SuccessorNotReplaced, REVOKED, clients("m", STRICT, apis(), NO_HARM)),
        (Mutation::RevokeLeavesStored, NOT_FINAL, clients("m", STRICT, with_logout(two()), NO_HARM)),
        (Mutation::RevokeDoesNotWait, NOT_REVOKED, clients("m", STRICT, with_logout(one()), NO_HARM)),
        (Mutation::FailureIsRefusal, LOGGED_OUT, clients("m", STRICT, one(), failing)),
        (Mutation::NoTombstone, NOT_FINAL, sessions("m", STRICT, begins(), lossy)),
        (
            Mutation::EndWithoutKey,
            LOGGED_OUT,
            sessions("m", STRICT, SessionRulesOf { intruder: true, ..visits(&[&[0]]) }, NO_HARM),
        ),
        (Mutation::RenewalResurrects, NOT_FINAL, sessions("m", STRICT, logout(), NO_HARM)),
        (Mutation::NoRevocationAlarm, NOT_REVOKED, sessions("m", STRICT, fresh(), restart)),
        (Mutation::SuccessorNotRevoked, NOT_REVOKED, sessions("m", STRICT, logout(), restart)),
        (
            Mutation::CacheOutlivesLogout,
            NOT_FINAL,
            sessions(
                "m",
                STRICT,
                SessionRulesOf { token_left_ms: 300_000, logout: Some(0), ..visits(&[&[0, 0]]) },
                NO_HARM,
            ),
        ),
        (Mutation::FailureEndsSession, LOGGED_OUT, sessions("m", STRICT, visits(&[&[0]]), failing)),
        (Mutation::OldRefreshTokenKept, REVOKED, sessions("m", STRICT, visits(&[&[0]]), NO_HARM)),
    ]
}

/// Returns tabs of which each has the refresh token of the login in a memory of its own, and wants one token.
pub fn tabs_with_own_memory(wanted: &[usize]) -> Rules {
    let tab = |(store, target): (usize, &usize)| TabRules { store, ..TabRules::wanting(&[*target]) };
    let tabs = wanted.iter().enumerate().map(tab).collect();
    Rules { stores: wanted.len(), ..clients("tabs with a memory of their own", STRICT, tabs, NO_HARM) }
}

/// Returns requests of one session, of which each wants one token.
pub fn requests_of_a_session(wanted: &[usize], restarts: u8) -> Rules {
    let wanted: Vec<&[usize]> = wanted.iter().map(std::slice::from_ref).collect();
    sessions("many requests of a session", OVERLAPPING, visits(&wanted), Budget { restarts, ..NO_HARM })
}
