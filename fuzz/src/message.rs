//! Messages to Durable Objects and their answers, which objects of other builds send too.

use bargate::json::parse_object;
use bargate::oauth::{outcome_from_json, outcome_to_json};
use bargate::objects::{
    LogoutIndexAnswer, LogoutIndexMessage, RefreshExchangeAnswer, RefreshExchangeMessage, Row, SessionAnswer,
    SessionMessage,
};

use super::text::{NOW, assert_hidden, text};

/// Asserts that what is printed of a text that was parsed is parsed as the same.
fn comes_back<M>(text: &str, parse: impl Fn(&str) -> Option<M>, print: impl Fn(&M) -> String) {
    let Some(message) = parse(text) else { return };
    let printed = print(&message);
    let again = parse(&printed).expect("what is sent can be read");
    assert_eq!(print(&again), printed, "{text}");
}

/// Every message and answer that is understood is sent on as it was.
pub fn check(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    comes_back(text, SessionMessage::parse, SessionMessage::to_json);
    comes_back(text, RefreshExchangeMessage::parse, RefreshExchangeMessage::to_json);
    comes_back(text, RefreshExchangeAnswer::parse, RefreshExchangeAnswer::to_json);
    comes_back(text, LogoutIndexMessage::parse, LogoutIndexMessage::to_json);
    comes_back(text, LogoutIndexAnswer::parse, |answer| answer.to_json());
    comes_back(
        text,
        |text| outcome_from_json(&parse_object(text.as_bytes())?),
        |outcome| outcome_to_json(outcome).to_string(),
    );
    comes_back(text, RefreshExchangeMessage::parse_revocation, RefreshExchangeMessage::revocation);
    comes_back(text, SessionAnswer::parse, SessionAnswer::to_json);
    if let Some(answer) = SessionAnswer::parse(text) {
        check_session_answer(answer);
    }
    check_row(text);
}

/// A session gives a token until its end at most, and only the one that was asked for.
fn check_session_answer(answer: SessionAnswer) {
    let of = match &answer {
        SessionAnswer::Token { token, target, until, .. } => Some((token.clone(), target.clone(), *until)),
        _ => None,
    };
    match answer.into_token(NOW as f64 * 1_000.0, None) {
        Ok(given) => {
            let (token, target, until) = of.expect("a token is answered with one");
            assert_eq!((&*given.token, target, given.until), (&*token, None, until));
            assert!(given.asked_again_ms <= until as f64 * 1_000.0);
        }
        Err(problem) => {
            let shown = problem.reason().unwrap_or_default();
            of.iter().for_each(|(token, ..)| assert_hidden(&shown, token));
        }
    }
}

/// Of the answers in a row, the one for a target is found, or else one that is everybody's.
fn check_row(text: &str) {
    let mut row = Row::default();
    row.set_kept(text);
    let kept = row.to_text(false);
    row.set_kept(&kept);
    assert_eq!(row.to_text(false), kept, "what was kept is kept again");
    let answers: Vec<_> =
        kept.lines().map(|line| RefreshExchangeAnswer::parse(line).expect("a line is an answer")).collect();
    assert!(answers.iter().all(|answer| answer.replayed), "what was kept was given before");
    for target in answers.iter().map(|answer| answer.target.as_deref()).chain([None]) {
        let selected = Row::select(&kept, target);
        assert_eq!(selected.is_some(), !answers.is_empty());
        let has_own = answers.iter().any(|answer| answer.target.as_deref() == target);
        assert!(selected.is_none_or(|answer| !has_own || answer.target.as_deref() == target));
    }
    for answer in &answers {
        let mut seen = Vec::new();
        let tokens = answer.tokens_for(answer.target.as_deref(), &mut |token| seen.push(token.to_owned()));
        assert!(tokens.is_err() || seen.is_empty());
    }
}
