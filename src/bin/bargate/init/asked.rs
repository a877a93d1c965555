//! What a starting point depends on, and so is asked for: by which flag, and what an answer may be.

use bargate::authoring::{Asked, Provider, mistake};

/// Where `wrangler dev` listens unless it is told otherwise, as wrangler.toml has it.
pub const DEFAULT_PORT: u16 = 8787;

/// Returns the flag that answers it.
pub fn flag(asked: Asked) -> &'static str {
    match asked {
        Asked::Tenant => "--tenant",
        Asked::Audience => "--audience",
        Asked::Upstream => "--upstream",
    }
}

/// Says what is wrong with an answer.
///
/// # Errors
/// Why no config may hold it, or why no variable can.
pub fn judge(asked: Asked, provider: Provider, answer: &str) -> Result<(), String> {
    if answer.trim().is_empty() {
        return Err("the answer is empty".to_owned());
    }
    if answer.trim() != answer || answer.contains(|c: char| c.is_control() || c == '\'') {
        return Err("it has a quote, a control character or a space at its end, which no variable should".to_owned());
    }
    if answer.starts_with('$') {
        return Err("give the value itself; the config refers to it by a variable".to_owned());
    }
    let Some(mistake) = mistake(asked, provider, answer) else { return Ok(()) };
    let help = mistake.help.map(|help| format!(": {help}")).unwrap_or_default();
    let hint = match (asked, provider) {
        (Asked::Tenant, Provider::Auth0) if answer.contains("://") => "; an issuer's URL goes with --provider oidc",
        _ => "",
    };
    Err(format!("{}{help}{hint}", mistake.message))
}
