//! The questions of a starting point: the flag of each, and which answers it takes.

use bargate::authoring::{Asked, Provider, mistake};

/// The default port of `wrangler dev`, as wrangler.toml has it.
pub const DEFAULT_PORT: u16 = 8787;

/// Returns the flag of a question.
pub fn flag(asked: Asked) -> &'static str {
    match asked {
        Asked::Tenant => "--tenant",
        Asked::Audience => "--audience",
        Asked::Upstream => "--upstream",
    }
}

/// Checks an answer.
///
/// # Errors
/// Why no config may have it, or why no variable can.
pub fn check_answer(asked: Asked, provider: Provider, answer: &str) -> Result<(), String> {
    if answer.trim().is_empty() {
        return Err("the answer is empty".to_owned());
    }
    if answer.trim() != answer || answer.contains(|c: char| c.is_control() || c == '\'') {
        return Err("the answer has a quote, a control character, or a space at its beginning or end".to_owned());
    }
    if answer.starts_with('$') {
        return Err("give the value itself; the config has the reference".to_owned());
    }
    let Some(mistake) = mistake(asked, provider, answer) else { return Ok(()) };
    let help = mistake.help.map(|help| format!(": {help}")).unwrap_or_default();
    let hint = match (asked, provider) {
        (Asked::Tenant, Provider::Auth0) if answer.contains("://") => "; for an issuer's URL, add --provider oidc",
        _ => "",
    };
    Err(format!("{}{help}{hint}", mistake.message))
}
