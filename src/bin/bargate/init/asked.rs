//! The questions of a starting point: the flag of each, and which answers it takes.

use bargate::authoring::{Asked, StartingPoint};

/// The default port of `wrangler dev`, as wrangler.toml has it.
pub const DEFAULT_PORT: u16 = 8787;

/// The provider of a tenant without `--provider`, as the help says.
pub const DEFAULT_PROVIDER: &str = "auth0";

/// The provider with `--mcp`, as the help says.
pub const MCP_PROVIDER: &str = "oidc";

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
pub fn check_answer(asked: Asked, point: StartingPoint, answer: &str) -> Result<(), String> {
    if answer.trim().is_empty() {
        return Err("the answer is empty".to_owned());
    }
    if answer.trim() != answer || answer.contains(|c: char| c.is_control() || c == '\'') {
        return Err("the answer has a quote, a control character, or a space at its beginning or end".to_owned());
    }
    if answer.starts_with('$') {
        return Err("give the value itself; the config has the reference".to_owned());
    }
    if point.variable(asked).is_none() {
        return Err(format!("the config for {} does not depend on it", point.provider()));
    }
    let Some(mistake) = point.mistake(asked, answer) else { return Ok(()) };
    let help = mistake.help.map(|help| format!(": {help}")).unwrap_or_default();
    let is_url = asked == Asked::Tenant && point.has_domain() && answer.contains("://");
    let hint = if is_url { "; for an issuer's URL, add --provider oidc" } else { "" };
    Err(format!("{}{help}{hint}", mistake.message))
}
