//! Secrets that people chose: those that sign tokens or seal login states.

use super::reader::{Findings, Place, Written, advice};
use crate::config::code::Code;
use crate::json::parse_object;

/// Shortest secret that tokens may be signed with, and login states sealed: as long as the hash (RFC 7518 section 3.2).
pub(crate) const SECRET_MIN_BYTES: usize = 32;

/// Notes a secret that can be found by trying, or read somewhere.
pub(super) fn note_if_weak(written: &Written<'_>, help: &str, place: &Place<'_>, findings: &mut Findings<'_>) {
    let Some(secret) = written.value() else { return };
    let message = if secret.len() < SECRET_MIN_BYTES {
        format_args!("the secret has {} bytes, fewer than {SECRET_MIN_BYTES}, and can be guessed", secret.len())
    } else if is_public_key(secret) {
        format_args!("the secret is a public key, which others can read")
    } else {
        return;
    };
    findings.note(written.offset, place, Code::WeakSecret, message, advice(help));
}

/// Checks whether a text has the form in which keys of pairs are written: PEM, OpenSSH's, a JWK, a key set.
fn is_public_key(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("-----BEGIN")
        || text.starts_with("ssh-")
        || parse_object(text.as_bytes()).is_some_and(|key| key.contains_key("kty") || key.contains_key("keys"))
}
