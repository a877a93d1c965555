//! Bytes as text, by ourselves: base64, percent-encoding, forms, media types and the message for a page.

use bargate::encoding::{FormText, base64, base64url, base64url_bytes, form_pairs, form_value};
use bargate::http::header::{behind_comma, quoted, seconds, tokens};
use bargate::http::media_type::{essence, is_range, is_within};
use bargate::http::trace::Trace;
use bargate::oauth::{BodyKind, web_message_page};
use serde_json::Value;

use super::text::{fields, members, text};

/// Each reading is that of a package, or of the standard's own words.
pub fn check(bytes: &[u8]) {
    assert_eq!(base64url_bytes(&base64url(bytes)).as_deref(), Some(bytes));
    assert_eq!(base64(bytes).trim_end_matches('=').len(), base64url(bytes).len());
    let Some(text) = text(bytes) else { return };
    if let Some(decoded) = base64url_bytes(text) {
        assert_eq!(base64url(&decoded), text, "bytes have one spelling");
    }
    check_form(text);
    check_media_type(text);
    check_trace(text);
    check_page(text);
    assert!(tokens(text).all(|token| token.bytes().all(|b| b.is_ascii_graphic()) && text.contains(token)));
    let number = text.trim_start_matches('0').parse::<u32>();
    assert_eq!(
        seconds(text),
        is_number(text).then(|| if text.bytes().all(|b| b == b'0') { 0 } else { number.unwrap_or(u32::MAX) })
    );
    assert!(behind_comma(text).is_none_or(|rest| text.ends_with(rest) && rest.len() < text.len()));
    assert_eq!(behind_comma(&quoted(text)), None, "nothing in quotes ends a part of a list");
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn check_form(text: &str) {
    let own: Vec<_> = form_pairs(text).map(|(name, value)| (form_value(name), form_value(value))).collect();
    let theirs: Vec<_> = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    assert_eq!(own, theirs);
    let written = FormText::default().extend_pairs(&own).finish();
    assert_eq!(written, url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&theirs).finish());
}

fn check_media_type(text: &str) {
    let [written, range] = fields(text);
    let kind = essence(written);
    assert_eq!(essence(&kind), kind);
    if is_range(range) && is_within(&kind, range) {
        let (group, _) = range.split_once('/').expect("a range has a slash");
        assert!(range == kind || range == "*/*" || range.ends_with("/*") && kind.starts_with(&format!("{group}/")));
    }
    assert_eq!(BodyKind::from_content_type(written).ok() == Some(BodyKind::Json), kind == "application/json");
}

/// What goes on is a trace that is well-formed, and the client's only if that is.
fn check_trace(text: &str) {
    let trace = Trace::of(Some(text), &[7; 24], true);
    let parts: Vec<_> = trace.traceparent.split('-').collect();
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    assert_eq!(lengths, [2, 32, 16, 2]);
    assert!(trace.traceparent.bytes().all(|b| b == b'-' || b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
    assert!(trace.id().bytes().any(|b| b != b'0'));
    assert_eq!(trace.continued, text.contains(trace.id()) && trace.continued);
    assert_eq!(parts[2], "07".repeat(8), "the parent is the gateway");
}

/// Nothing in a message leaves the script that posts it.
fn check_page(text: &str) {
    let response = Value::from(text).to_string();
    let (page, _) = web_message_page(&response, "https://app.example", "n0nce");
    assert_eq!(page.matches('<').count(), 6, "the page has its own elements: {page}");
    let begin = page.find("postMessage(").expect("the call") + "postMessage(".len();
    let end = page.find(", \"https://app.example\"").expect("the origin");
    assert_eq!(members(&page[begin..end]).expect("the message is JSON")["response"], text);
}
