//! What is stored of sessions, and what comes back.

use bargate::config::{ClaimsFrom, SessionRules};
use bargate::json::parse_object;
use bargate::oauth::{Step, StoredResult};
use bargate::session::{IndexRecord, SessionRecord, TokenState, Tokens};

use super::text::{NOW, text};

/// A record comes back as it was, and nothing in it lets a token live on after its end or that of its session.
pub fn check(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    check_index(text);
    check_result(text);
    if let Some(tokens) = parse_object(bytes).as_ref().and_then(Tokens::from_json) {
        assert!(!tokens.access.is_empty());
        let again = parse_object(tokens.to_json().as_bytes()).as_ref().and_then(Tokens::from_json);
        assert_eq!(again.expect("what is stored can be read").to_json(), tokens.to_json());
    }
    let Some(record) = SessionRecord::parse(text) else { return };
    assert_eq!(SessionRecord::parse(&record.to_json()), Some(record.clone()));
    assert!(record.ends_by() <= record.ends_at);
    let rules = SessionRules {
        cookie: "__Host-bargate".to_owned(),
        claims_from: ClaimsFrom::AccessToken,
        idle_secs: 3_600,
        absolute_secs: 86_400,
        after_login: "/".to_owned(),
        after_logout: "/".to_owned(),
        return_to_origins: Vec::new(),
        rotation_grace_secs: 10,
        renew_before_secs: 60,
        keeps_user_agent: false,
        keeps_country: false,
    };
    match record.token_state(&rules, NOW) {
        TokenState::Fresh(secs) | TokenState::Due(secs) => {
            assert!(record.token_until > NOW);
            assert!(NOW + secs <= record.token_until, "a token is not used past its end");
            assert!(record.has_ended(NOW) || NOW + secs <= record.ends_at, "nor past that of its session");
        }
        TokenState::Expired => assert!(record.token_until <= NOW),
    }
    let mut touched = record.clone();
    touched.touch(&rules, NOW);
    assert!(touched.ends_at == record.ends_at && touched.ends_by() <= record.ends_at);
    assert!(!record.sealed_tokens().contains(' '));
    let _ = record.may_be_rejected(NOW);
    let description = record.description();
    assert!(!description.contains_key("sealed") && description.len() <= 5);
}

/// The sessions of a user come back as they were, but for those that have ended.
fn check_index(text: &str) {
    let index = IndexRecord::parse(Some(text), NOW);
    match index.to_json() {
        None => assert!(index.valid_until() <= NOW),
        Some(stored) => {
            assert_eq!(IndexRecord::parse(Some(&stored), NOW), index);
            assert!(index.valid_until() > NOW);
        }
    }
}

/// The result of a token request comes back as it was, and is answered to whoever may have it and only until its end.
fn check_result(text: &str) {
    let Some(result) = StoredResult::parse(text) else { return };
    assert_eq!(StoredResult::parse(&result.to_json()).as_ref(), Some(&result));
    let until = result.until();
    let step = StoredResult::step(Some(result), "requester", NOW);
    assert!(matches!(step, Step::Request(0)) || NOW < until);
    assert!(matches!(step, Step::Request(0 | 1) | Step::Replay(_) | Step::Rest | Step::Closed));
}
