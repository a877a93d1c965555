//! Values for an upstream: from headers, query, claims and constants to the text that is sent.

use serde_json::Value;

use crate::config::{Mapping, Source};
use crate::encoding::{FormText, form_pairs, form_value, push_percent_encoded};
use crate::http::request::{RequestHead, query_parameter};
use crate::json::{FLOAT_EXACT_MAX, number_text};
use crate::route::parameter;
use crate::token::VerifiedClaims;

/// Returns each mapped header with its value; `None` if the source has none, and the header must not be sent at all.
pub fn mapped_headers<'m>(
    mapping: &'m Mapping,
    request: &impl RequestHead,
    claims: Option<&VerifiedClaims>,
) -> Vec<(&'m str, Option<String>)> {
    let value = |source: &Source| source_value(source, request, claims).map(|value| header_safe(&value));
    mapping.headers.iter().map(|(name, source)| (name.as_str(), value(source))).collect()
}

/// Returns the query for the upstream: the client's own as it came, with the mapped parameters in place of its own of
/// the same name. A parameter whose source has no value is not sent at all.
pub fn mapped_query(mapping: &Mapping, request: &impl RequestHead, claims: Option<&VerifiedClaims>) -> Option<String> {
    if mapping.query.is_empty() {
        return request.query().map(str::to_owned);
    }
    let is_mapped = |name: &str| mapping.query.iter().any(|(mapped, _)| mapped == name);
    let mut parts: Vec<String> = Vec::new();
    for pair in request.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let own_name = form_pairs(pair).next().is_some_and(|(name, _)| is_mapped(&form_value(name)));
        if !own_name {
            parts.push(pair.to_owned());
        }
    }
    for (name, source) in &mapping.query {
        if let Some(value) = source_value(source, request, claims) {
            parts.push(FormText::default().append_pair(name, &value.text).finish());
        }
    }
    (!parts.is_empty()).then(|| parts.join("&"))
}

/// What a source gives.
struct Text {
    text: String,
    /// Whether its percent signs are what is meant: the config's own texts stay as they were written, and a list is encoded.
    is_final: bool,
}

fn source_value(source: &Source, request: &impl RequestHead, claims: Option<&VerifiedClaims>) -> Option<Text> {
    let raw = |text| Text { text, is_final: false };
    match source {
        Source::Header(name) => request.header(name).map(str::to_owned).map(raw),
        Source::Query(name) => query_parameter(request.query(), name).map(raw),
        Source::Parameter(name) => parameter(request.pattern(), request.path(), name).map(raw),
        Source::Method => Some(raw(request.method().to_owned())),
        Source::Host => Some(raw(request.host().to_owned())),
        Source::Claim(path) => match claims?.get(path)? {
            Value::Array(items) => Some(Text { text: list_text(items)?, is_final: true }),
            scalar => scalar_text(scalar).map(raw),
        },
        Source::Text(text) => Some(Text { text: text.clone(), is_final: true }),
    }
}

/// Returns a scalar as text; objects, arrays, `null` and a number that may be another rounded have none.
fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => {
            let is_exact = !number.is_f64() || number.as_f64().is_some_and(|float| float.abs() <= FLOAT_EXACT_MAX);
            is_exact.then(|| number_text(number))
        }
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Returns the items with a space between them, and encoded within them; none if one is empty, of which nothing would be left.
fn list_text(items: &[Value]) -> Option<String> {
    let encoded = |text: String| text.replace('%', "%25").replace(' ', "%20");
    let texts = items.iter().map(|item| scalar_text(item).filter(|text| !text.is_empty()).map(encoded));
    texts.collect::<Option<Vec<_>>>().map(|texts| texts.join(" "))
}

/// Returns a text that cannot end a header, and that no other text gives: everything but visible ASCII and inner spaces is
/// percent-encoded as UTF-8, and so is the percent sign, by which one value could be read as another.
fn header_safe(value: &Text) -> String {
    let text = if value.is_final { value.text.trim_matches(' ') } else { &value.text };
    let mut safe = String::with_capacity(text.len());
    for (index, byte) in text.bytes().enumerate() {
        // Spaces at either end are not part of a header's value (RFC 9110 section 5.5).
        let at_end = index == 0 || index + 1 == text.len();
        match byte {
            b'%' if !value.is_final => safe.push_str("%25"),
            b' ' if at_end => safe.push_str("%20"),
            b' '..=b'~' => safe.push(char::from(byte)),
            _ => push_percent_encoded(byte, &mut safe),
        }
    }
    safe
}
