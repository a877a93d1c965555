//! Values for an upstream: from headers, query, claims and constants to the text that is sent.

use serde_json::Value;
use url::form_urlencoded;

use crate::config::{Mapping, Source};
use crate::request::{RequestHead, query_parameter};
use crate::token::VerifiedClaims;

/// Gives each mapped header with its value; `None` where the source has none, and the header must not be sent at all.
pub fn mapped_headers<'m>(
    mapping: &'m Mapping,
    request: &impl RequestHead,
    claims: Option<&VerifiedClaims>,
) -> Vec<(&'m str, Option<String>)> {
    let value = |source: &Source| {
        let is_own = matches!(source, Source::Text(_));
        source_value(source, request, claims).map(|value| header_safe(&value, is_own))
    };
    mapping.headers.iter().map(|(name, source)| (name.as_str(), value(source))).collect()
}

/// Gives the query for the upstream: the client's own as it came, with the mapped parameters in the place of its own of
/// the same name. A parameter whose source has no value is not sent at all.
pub fn mapped_query(mapping: &Mapping, request: &impl RequestHead, claims: Option<&VerifiedClaims>) -> Option<String> {
    if mapping.query.is_empty() {
        return request.query().map(str::to_owned);
    }
    let is_mapped = |name: &str| mapping.query.iter().any(|(mapped, _)| mapped == name);
    let mut parts: Vec<String> = Vec::new();
    for pair in request.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let own_name = form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(name, _)| is_mapped(&name));
        if !own_name {
            parts.push(pair.to_owned());
        }
    }
    for (name, source) in &mapping.query {
        if let Some(value) = source_value(source, request, claims) {
            parts.push(form_urlencoded::Serializer::new(String::new()).append_pair(name, &value).finish());
        }
    }
    (!parts.is_empty()).then(|| parts.join("&"))
}

fn source_value(source: &Source, request: &impl RequestHead, claims: Option<&VerifiedClaims>) -> Option<String> {
    match source {
        Source::Header(name) => request.header(name),
        Source::Query(name) => query_parameter(request.query(), name),
        Source::Claim(path) => claim_text(claims?.get(path)?),
        Source::Text(text) => Some(text.clone()),
    }
}

/// Gives a claim as text: scalars as they are, an array's scalars joined by a space; objects and `null` have none.
fn claim_text(claim: &Value) -> Option<String> {
    match claim {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Array(items) => {
            let texts: Option<Vec<_>> =
                items.iter().map(|item| if item.is_array() { None } else { claim_text(item) }).collect();
            texts.map(|texts| texts.join(" "))
        }
        Value::Null | Value::Object(_) => None,
    }
}

/// Gives a text that cannot end a header: everything but visible ASCII and inner spaces is percent-encoded as UTF-8. So is the
/// percent sign, by which one value could be read as another; where the text is the config's own, it stays as it was written.
fn header_safe(value: &str, is_own: bool) -> String {
    let trimmed = value.trim_matches(' ');
    let mut safe = String::with_capacity(trimmed.len());
    for byte in trimmed.bytes() {
        match byte {
            b'%' if !is_own => safe.push_str("%25"),
            b' '..=b'~' => safe.push(char::from(byte)),
            _ => safe.push_str(&format!("%{byte:02X}")),
        }
    }
    safe
}
