//! Consequences of a mistake: who corrects the mistake has nothing else to do, and advice on its consequences would mislead.
//!
//! A key that is misspelt is missing as well; a path whose integration could not be read looks open, and the upstream that it was
//! to go to unused. Such consequences are not reported beside the mistake. If it is not sure that one follows from the other, both
//! are reported.

use std::collections::HashSet;

use crate::config::path::keys;
use crate::config::rules::cache::PER_USER;
use crate::config::{Code, Diagnostic, Severity, root, server, session};

/// The key of the name by which paths call an upstream, a module or another Worker.
const ALIAS: &str = server::ALIAS.name;

/// The sections of modules and of other Workers.
const CALLED: [&str; 3] = [root::SERVICES.name, root::SERVICE_BINDINGS.name, root::SERVICES_BINDINGS.name];

/// Where a config has mistakes.
pub(super) struct Mistakes {
    /// The top and the parts of it, as `paths[2]`, `servers[0]` or `session`; an empty one is the top itself.
    parts: HashSet<String>,
}

/// What has to be free of mistakes for a warning to be sound.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ground {
    /// Nothing else: it is about that text.
    Itself,
    /// The part of the config that contains it.
    Part,
    /// That, all paths, and the top: it is about something that is missing.
    Whole,
}

impl Mistakes {
    /// Records the places of mistakes that leave something unread.
    pub fn of(diagnostics: &[Diagnostic]) -> Self {
        let mistakes =
            diagnostics.iter().filter(|one| one.code.severity() == Severity::Error && one.code != Code::MissingBinding);
        Self { parts: mistakes.map(|one| part(&one.path).to_owned()).collect() }
    }

    /// Checks whether a path, by its index, has a mistake.
    pub fn are_in_path(&self, index: usize) -> bool {
        self.parts.contains(&format!("{}[{index}]", root::PATHS.name))
    }

    /// Checks whether something that no part of the config seems to have may be what a mistake hides.
    pub fn may_hide_anything(&self) -> bool {
        self.parts.iter().any(|part| part.is_empty() || part.starts_with(root::PATHS.name))
    }

    /// Checks whether a warning is sound in spite of the mistakes.
    pub fn leave_sound(&self, warning: &Diagnostic) -> bool {
        let part_is_read = || !self.parts.contains(part(&warning.path));
        match ground(warning.code) {
            Ground::Itself => true,
            Ground::Part => part_is_read(),
            Ground::Whole => part_is_read() && !self.may_hide_anything(),
        }
    }
}

/// Returns the part of the config that a place is in: an entry of a list at the top, or the top itself.
fn part(path: &str) -> &str {
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let behind = path.get(end..).unwrap_or_default();
    let index = if behind.starts_with('[') { behind.find(']').map_or(0, |close| close + 1) } else { 0 };
    path.get(..end + index).unwrap_or(path)
}

fn ground(code: Code) -> Ground {
    match code {
        Code::AuthOnLogin
        | Code::CorsAnyOrigin
        | Code::CorsStar
        | Code::HeaderAsNote
        | Code::PlainHttpUpstream
        | Code::RefreshByGet
        | Code::SecretExposed
        | Code::SymmetricAlgorithm
        | Code::TemplateInText
        | Code::UnlikelyIssuer => Ground::Itself,
        Code::CrossingRoutes
        | Code::MethodFallthrough
        | Code::ShortClientSecret
        | Code::TokenRouteAnyOrigin
        | Code::TokensBesideSession
        | Code::UnauthenticatedRoute
        | Code::UnreachableRoute
        | Code::UnusableMethod
        | Code::UnusedMapping => Ground::Part,
        _ => Ground::Whole,
    }
}

/// Takes out of the mistakes of a config those that follow from another.
pub(super) fn drop_consequences(diagnostics: &mut Vec<Diagnostic>) {
    let causes: Vec<Diagnostic> =
        diagnostics.iter().filter(|one| one.code.severity() == Severity::Error).cloned().collect();
    diagnostics.retain(|one| !causes.iter().any(|cause| follows(one, cause)));
}

/// Checks whether a mistake follows from another.
fn follows(mistake: &Diagnostic, cause: &Diagnostic) -> bool {
    if let Some(meant) = meant_key(cause) {
        let of_other_sections = meant == ALIAS || cause.path.starts_with(root::AUTHORIZER.name);
        return (of_other_sections || is_within(&mistake.path, &cause.path)) && says_absent(mistake, meant);
    }
    let is_read_wrong = |section: &str| {
        let entry = cause.path.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.ends_with(']'));
        let alias = cause.path.starts_with(section) && cause.path.ends_with(&format!(".{ALIAS}"));
        cause.code == Code::WrongType && (entry || alias)
            || cause.code == Code::MissingKey && entry && cause.keys.contains(&ALIAS)
    };
    match mistake.code {
        Code::UnknownServer => is_read_wrong(root::SERVERS.name),
        Code::UnknownService => CALLED.into_iter().any(is_read_wrong),
        Code::UnknownAuthorizer | Code::AuthorizerMissing => {
            cause.code == Code::WrongType && cause.path == root::AUTHORIZERS.name
        }
        Code::UnknownVariable => {
            let of_path = format!("{}.{}", part(&mistake.path), keys::VARIABLES.name);
            let of_either = is_within(&cause.path, root::VARIABLES.name) || is_within(&cause.path, &of_path);
            cause.code == Code::WrongType && of_either
        }
        Code::MissingLogin => {
            cause.code == Code::WrongType && cause.path == root::PATHS.name
                || cause.code == Code::MissingKey && cause.keys.contains(&root::PATHS.name)
        }
        _ => false,
    }
}

/// Returns the key that an unknown one was most likely meant to be.
fn meant_key(cause: &Diagnostic) -> Option<&str> {
    cause.keys.first().copied().filter(|_| cause.code == Code::UnknownKey)
}

/// Checks whether a mistake is the absence of a key, or of what only such a key could bring.
fn says_absent(mistake: &Diagnostic, key: &str) -> bool {
    match mistake.code {
        Code::MissingKey => mistake.keys.contains(&key),
        Code::NoAnswer | Code::UnusedKey => [keys::INTEGRATION.name, keys::RESPONSE.name].contains(&key),
        Code::AuthorizerMissing => [root::AUTHORIZER.name, root::AUTHORIZERS.name].contains(&key),
        Code::SessionMissing => key == root::SESSION.name,
        Code::MissingLogin => [root::PATHS.name, session::LOGIN_PATH.name].contains(&key),
        Code::UnknownServer => [root::SERVERS.name, ALIAS].contains(&key),
        Code::UnknownService => key == ALIAS || CALLED.contains(&key),
        Code::UnknownAuthorizer => key == root::AUTHORIZERS.name,
        Code::UnknownVariable => key == root::VARIABLES.name,
        Code::ClaimWithoutAuth => key == keys::AUTH.name,
        Code::PrivateCache => [PER_USER.name, keys::AUTH.name].contains(&key),
        _ => false,
    }
}

/// Checks whether a place is another or lies within it.
fn is_within(path: &str, outer: &str) -> bool {
    let rest = path.strip_prefix(outer);
    rest.is_some_and(|rest| outer.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use crate::review::review;

    const LOGIN: &str = r#"{
        "servers": [{"alias": "api", "url": "https://api.example.com"}],
        "services": [{"alias": "module", "entrypoint": "a"}],
        "variables": {"region": "eu"},
        "authorizer": {"type": "auth0", "domain": "a.example", "client_id": "c", "client_secret": "$secret.S",
                       "audience": "https://api.example.com/", "redirect_uri": "https://a.example/callback",
                       "scope": "openid offline_access"},
        "session": {"login_path": "/login"},
        "paths": [
            {"method": "GET", "path": "/login", "integration": {"type": "auth0_login"}},
            {"method": "GET", "path": "/callback", "integration": {"type": "auth0_callback"}},
            {"method": "POST", "path": "/logout", "integration": {"type": "auth0_logout"}},
            {"method": "GET", "path": "/api/module", "auth": true, "integration": {"type": "service", "binding": "module"}},
            {"method": "ANY", "path": "/api/{.+}", "auth": true, "mapping": {"headers": {"x-region": "$config.region", "x-user": "$request.jwt.sub"}},
             "integration": {"type": "http_proxy", "server": "api"}},
            {"method": "GET", "path": "/{.+}", "auth": true, "cache": {"ttl_seconds": 1, "per_user": true}, "integration": {"type": "http_proxy", "server": "api"}}
        ]
    }"#;

    fn reported(source: &str) -> Vec<String> {
        review(source).iter().map(|one| format!("{} {}", one.code, one.path)).collect()
    }

    #[test]
    fn a_mistake_silences_what_follows_from_it() {
        assert_eq!(reported(LOGIN), [""; 0], "nothing is wrong to begin with");
        for (right, wrong, expected) in [
            (r#""paths":"#, r#""path":"#, "unknown_key "),
            (r#""servers":"#, r#""server":"#, "unknown_key "),
            (r#""services":"#, r#""service":"#, "unknown_key "),
            (r#""variables":"#, r#""variable":"#, "unknown_key "),
            (r#""authorizer":"#, r#""authoriser":"#, "unknown_key "),
            (r#""session":"#, r#""sesion":"#, "unknown_key "),
            (r#""alias": "api""#, r#""alais": "api""#, "unknown_key servers[0]"),
            (r#""alias": "module""#, r#""aliass": "module""#, "unknown_key services[0]"),
            (r#""client_id":"#, r#""clientid":"#, "unknown_key authorizer"),
            (r#""client_secret":"#, r#""client_secert":"#, "unknown_key authorizer"),
            (r#""audience":"#, r#""audiense":"#, "unknown_key authorizer"),
            (r#""redirect_uri":"#, r#""redirect_url":"#, "unknown_key authorizer"),
            (r#""scope":"#, r#""scopes":"#, "unknown_key authorizer"),
            (r#""login_path":"#, r#""login_pth":"#, "unknown_key session"),
            (
                r#""integration": {"type": "auth0_login"#,
                r#""integraton": {"type": "auth0_login"#,
                "unknown_key paths[0]",
            ),
            (
                r#""integration": {"type": "auth0_callback"#,
                r#""intgration": {"type": "auth0_callback"#,
                "unknown_key paths[1]",
            ),
            (r#""auth": true, "mapping""#, r#""auht": true, "mapping""#, "unknown_key paths[4]"),
            (r#""per_user": true"#, r#""peruser": true"#, "unknown_key paths[5].cache"),
            (r#""server": "api"}},"#, r#""server": "apo"}},"#, "unknown_server paths[4].integration.server"),
            (r#""path": "/login""#, r#""paht": "/login""#, "unknown_key paths[0]"),
            (r#""binding": "module""#, r#""bindng": "module""#, "unknown_key paths[3].integration"),
            (r#""type": "auth0_login""#, r#""type": "auth0_logn""#, "unknown_value paths[0].integration.type"),
            (r#"{"type": "auth0", "#, r#"{"type": "auht0", "#, "unknown_value authorizer.type"),
            (r#"[{"alias": "api", "url": "https://api.example.com"}]"#, "{}", "wrong_type servers"),
            (r#"{"region": "eu"}"#, "[]", "wrong_type variables"),
            (r#""region": "eu""#, r#""region": []"#, "wrong_type variables.region"),
        ] {
            let source = LOGIN.replacen(right, wrong, 1);
            assert_ne!(source, LOGIN, "{right}");
            assert_eq!(reported(&source), [expected], "{wrong}");
        }
    }

    #[test]
    fn what_does_not_follow_from_a_mistake_is_told_beside_it() {
        for (right, wrong, codes) in [
            (
                r#""url": "https://api.example.com""#,
                r#""url": "http://api.example.com", "note": 1"#,
                ["plain_http_upstream", "unknown_key"],
            ),
            (r#""auth": true, "mapping""#, r#""note": true, "mapping""#, ["unknown_key", "claim_without_auth"]),
            (r#""integration": {"type": "auth0_login"}"#, r#""note": 1"#, ["no_answer", "unknown_key"]),
            (r#""authorizer":"#, r#""issuers": 1, "authorizer":"#, ["unknown_key", ""]),
            (r#""server": "api"}},"#, r#""server": "other"}},"#, ["unknown_server", ""]),
        ] {
            let found: Vec<_> =
                review(&LOGIN.replacen(right, wrong, 1)).into_iter().map(|one| one.code.as_str()).collect();
            let expected: Vec<_> = codes.into_iter().filter(|code| !code.is_empty()).collect();
            assert_eq!(found, expected, "{wrong}");
        }
    }

    #[test]
    fn a_part_is_an_entry_of_a_list_or_what_stands_at_the_top() {
        for (path, expected) in [
            ("", ""),
            ("session", "session"),
            ("session.cookie", "session"),
            ("paths[12].integration.type", "paths[12]"),
            ("paths", "paths"),
            ("authorizers.staff.issuer", "authorizers"),
            ("allow[0]", "allow[0]"),
        ] {
            assert_eq!(super::part(path), expected, "{path}");
        }
    }
}
