//! What a config says, for the people who write and review it: its warnings, its routes, what a change exposes, what it needs
//! of a deployment.
//!
//! Everything here looks at the file as it is written, with references unresolved, so it works away from the Worker. It does
//! **not** decide what is valid (that is [`crate::config`]), prints nothing and reads no file. It is compiled only for the host.

mod caller_warnings;
mod codes;
mod consequences;
mod crossings;
mod exposure;
mod login_warnings;
mod match_report;
mod needs;
mod open_domains;
mod outline;
mod patterns;
mod policies;
mod prepared;
mod report;
mod route_warnings;
mod text_warnings;
mod warnings;

pub use codes::allowed;
pub use exposure::{Change, Comparison, Exposure, compare, harmless_keys};
pub use match_report::{MatchReport, Outcome, Taken, explain_match};
pub use needs::{Need, NeedKind, needs};
pub use outline::{Outline, OutlinedRoute, Requirement, Upstream};
pub use policies::refresh_token_policies;
pub use prepared::prepare;
pub use report::{ReviewedFile, github, json, text};

use consequences::Mistakes;

use crate::config::{Bindings, Diagnostic, Severity, UnknownBindings, WrittenConfig};

/// Tells all mistakes and warnings of a config, in the order of the file, and nothing that only follows from another mistake.
///
/// # Errors
/// None: a text that is not JSON has one mistake.
pub fn review(source: &str) -> Vec<Diagnostic> {
    review_with(source, &UnknownBindings)
}

/// As [`review`], for a deployment with these bindings.
pub fn review_with(source: &str, bindings: &dyn Bindings) -> Vec<Diagnostic> {
    let config = match WrittenConfig::parse_with(source, bindings) {
        Ok(config) => config,
        Err(mistakes) => return mistakes,
    };
    let (tree, mut diagnostics) = config.read();
    consequences::drop_consequences(&mut diagnostics);
    if let Some(tree) = tree {
        diagnostics.extend(warnings::warnings(config.source, &tree, &Mistakes::of(&diagnostics)));
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.offset);
    diagnostics
}

/// Checks whether a config is used in spite of its diagnostics.
pub fn is_valid(diagnostics: &[Diagnostic]) -> bool {
    diagnostics.iter().all(|diagnostic| diagnostic.code.severity() != Severity::Error)
}
