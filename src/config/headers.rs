//! Headers that the config sets or removes, apart from what `mapping` draws from requests.

use super::key::{Key, Texts, Value};
use super::path::keys as path_keys;
use super::reader::{Findings, Help, ObjectReader, Place, Written, advice, host_text, read_text};
use super::section::section;
use crate::config::code::Code;
use crate::http::header::{FRAMING_HEADERS, HOP_BY_HOP_HEADERS, is_token, is_value};

/// The mistake of an answer for everyone that depends on one client's headers.
pub(super) const PRIVATE: &str = "answers to credentials are private";

/// Headers by lower-case name, with their values.
pub type HeaderTexts = Vec<(String, String)>;

/// Where the name of a header belongs in rules for headers.
pub(super) const SET_OR_REMOVE: &str =
    host_text("put a header to send into \"set\", the name of one to remove into \"remove\"");

/// Changes to the headers of an answer.
#[derive(Clone, Default)]
pub struct HeaderRules {
    /// Headers to set.
    pub set: HeaderTexts,
    /// Lower-case names of headers to remove.
    pub remove: Vec<String>,
}

/// Reads the object of header names and texts at `key`; none if it is absent.
pub(super) fn read_header_texts(
    object: &mut ObjectReader<'_, '_>,
    key: &Key<Value>,
    findings: &mut Findings<'_>,
) -> HeaderTexts {
    let place = key.at(object.place());
    let Some(reader) = object.node(key).and_then(|node| ObjectReader::open(node, &place, findings)) else {
        return Vec::new();
    };
    let mut texts: HeaderTexts = Vec::new();
    for member in reader.free_members() {
        let place = Place::Key(&place, &member.key);
        let Some(written) = read_text(&member.node, &place, findings) else { continue };
        let name = checked_name(&member.key, member.key_offset, &place, findings);
        texts.extend(name.zip(checked_value(&written, &place, findings)));
    }
    texts
}

/// Reads the changes to the headers of an answer, if the object has such rules at `key`.
pub(super) fn read_response_headers(object: &mut ObjectReader<'_, '_>, findings: &mut Findings<'_>) -> HeaderRules {
    let place = path_keys::RESPONSE_HEADERS.at(object.place());
    let Some(mut reader) =
        object.node(&path_keys::RESPONSE_HEADERS).and_then(|node| ObjectReader::open(node, &place, findings))
    else {
        return HeaderRules::default();
    };
    let set = read_header_texts(&mut reader, &SET, findings);
    let remove = read_header_names(&mut reader, &REMOVE, findings);
    reader.finish_beside_names(SET_OR_REMOVE, findings);
    HeaderRules { set, remove }
}

/// Reads the list of header names at `key`, in lower case; none if it is absent.
pub(super) fn read_header_names(
    object: &mut ObjectReader<'_, '_>,
    key: &Key<Texts>,
    findings: &mut Findings<'_>,
) -> Vec<String> {
    let place = key.at(object.place());
    let mut names = Vec::new();
    for (index, written) in object.texts(key, findings).iter().enumerate() {
        let name =
            written.value().and_then(|name| checked_name(name, written.offset, &Place::Index(&place, index), findings));
        names.extend(name);
    }
    names
}

/// Returns the name in lower case; reports one that is invalid, or belongs to the connection.
pub(super) fn checked_name(
    name: &str,
    offset: usize,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let wrong = if !is_token(&name) {
        "is not a header name"
    } else if HOP_BY_HOP_HEADERS.iter().chain(&FRAMING_HEADERS).any(|own| *own == name) {
        "belongs to the connection and cannot be mapped"
    } else {
        return Some(name);
    };
    findings.note(offset, place, Code::InvalidName, format_args!("\"{name}\" {wrong}"), Help::default());
    None
}

/// Returns the value; reports one that is not valid in a header (RFC 9110 section 5.5).
pub(super) fn checked_value(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<String> {
    let value = written.value()?;
    if is_value(value) {
        return Some(value.trim().to_owned());
    }
    let wrong = "is not a valid header value";
    let help = advice("write only visible ASCII and spaces");
    findings.refuse(written, place, Code::InvalidHeader, wrong, help);
    None
}

/// The same as a pattern.
#[cfg(not(target_os = "unknown"))]
pub(super) const CREDENTIAL_HEADER: &str =
    r"^(?:[Aa][Uu][Tt][Hh][Oo][Rr][Ii][Zz][Aa][Tt][Ii][Oo][Nn]|[Cc][Oo][Oo][Kk][Ii][Ee])$";

section! {
    Section::new(
        "response_headers",
        "response_headers",
        "Changes to the headers of the integration's answers. The gateway's own errors are not changed.",
    ).without_notes();

    SET: Value = value("set"), Headers,
        "Names of headers, and their texts.",
        shape(Shape::headers(Shape::Text(Form::HeaderValue))), example(object! { "cache-control": "no-store" });
    REMOVE: Texts = texts("remove", HeaderName), Removed, "Names of headers to remove.", example(list!["x-internal"]);
}
