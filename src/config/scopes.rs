//! Lists of scopes, and of other names that have their form.

use super::code::Code;
use super::key::{Key, Texts};
use super::reader::{Findings, ObjectReader, Place, advice};

/// What a name is not that cannot be a scope.
pub(super) const NOT_A_SCOPE: &str = "is not a scope";

/// Reads scopes, permissions or values of `acr`; each has the form of a scope (RFC 6749 section 3.3), because challenges name it. `wrong`
/// says what one is not that has another.
pub(super) fn read_names(
    object: &mut ObjectReader<'_, '_>,
    key: &Key<Texts>,
    wrong: &'static str,
    findings: &mut Findings<'_>,
) -> Vec<String> {
    let place = key.at(object.place());
    let written = object.texts(key, findings);
    let mut names = Vec::with_capacity(written.len());
    for (index, written) in written.iter().enumerate() {
        match written.value() {
            Some(name) if is_scope(name) => names.push(name.to_owned()),
            Some(_) => {
                let help = advice("write one name per string, without spaces");
                findings.refuse(written, &Place::Index(&place, index), Code::InvalidName, wrong, help);
            }
            None => {}
        }
    }
    names
}

/// Checks whether a text is one scope (RFC 6749 section 3.3).
pub(super) fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| matches!(b, b'!'..=b'~') && b != b'"' && b != b'\\')
}
