//! Security requirements of OpenAPI as the `auth` of a path, never more open than the description.
//!
//! A requirement is a list of alternatives, each a set of schemes with scopes. The gateway accepts tokens or keys of any of a path's
//! authorizers, with scopes, all of which it requires of each, and a list, of which it requires one. What does not fit becomes stricter.

use super::schemes::{Scheme, Schemes};
use crate::authoring::Json;
use crate::config::{access, holds_reference};

/// The most alternatives that are compared with each other; people write one or two.
const ALTERNATIVES_MAX: usize = 50;

/// The most scopes of an alternative.
const SCOPES_MAX: usize = 30;

/// What no request can show: beside a key, the gateway takes no other credential, and the upstream gets none that is bound to the connection.
const KEY_AND_ANOTHER: &str = "an API key and another credential";

/// The same beside a token: its header is taken, the connection and its headers end at the gateway, and of what is not known nobody can
/// say that the upstream gets it.
const TOKEN_AND_ANOTHER: &str = "a token and another credential, of which the upstream gets none or nobody knows";

/// What a path requires.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Access {
    /// Indices of the tenants whose tokens it accepts; none if the description requires not tokens, but something that the gateway does
    /// not know.
    pub tenants: Vec<usize>,
    /// Scopes, all of which are required.
    pub scopes: Vec<String>,
    /// Scopes, one of which is required, unless the list is empty.
    pub any_scopes: Vec<String>,
    /// Whether requests without a token are admitted too.
    pub optional: bool,
}

/// A requirement, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// What the path requires; without it, the path is open.
    pub access: Option<Access>,
    /// The note about it.
    pub notes: Vec<String>,
    /// Whether something that the gateway does not know, or cannot check, can meet it.
    pub by_other_means: bool,
}

/// An alternative, as it was read.
enum Read {
    /// A way in that the gateway knows.
    Known(Alternative),
    /// It requires something that the gateway does not know, in words.
    Unknown(String),
    /// It requires more than one request can show the gateway, in words.
    Impossible(&'static str),
}

/// One way in.
struct Alternative {
    /// `None` without any scheme: everyone is admitted.
    tenant: Option<usize>,
    schemes: Vec<String>,
    scopes: Vec<String>,
}

impl Requirement {
    /// Reads `security`; if it is absent, everyone is admitted.
    ///
    /// # Errors
    /// What cannot be understood.
    pub fn read(security: Option<&Json>, schemes: &Schemes) -> Result<Self, String> {
        let mut notes = Vec::new();
        let listed = match security {
            None => return Ok(Self { access: None, notes, by_other_means: false }),
            Some(Json::Array(items)) => items,
            Some(_) => return Err("\"security\" is not a list".to_owned()),
        };
        if listed.len() > ALTERNATIVES_MAX {
            return Err(format!("\"security\" has more than {ALTERNATIVES_MAX} alternatives"));
        }
        let (mut known, mut impossible, mut unknown) = (Vec::new(), None, Vec::new());
        for item in listed {
            match read_alternative(item, schemes, &mut notes)? {
                Read::Known(alternative) => known.push(alternative),
                Read::Unknown(what) => unknown.push(what),
                Read::Impossible(what) => impossible = Some(what),
            }
        }
        if let Some(what) = impossible.filter(|_| known.is_empty()) {
            return Err(format!("it requires {what} at once, which no path can"));
        }
        let by_other_means = impossible.is_some() || !unknown.is_empty();
        let access = if listed.is_empty() { None } else { merge(known, by_other_means, schemes, &mut notes) };
        let is_by_key = access.as_ref().is_some_and(|access| access.has_keys(schemes));
        let fate = if is_by_key { "it does not open the path" } else { "a token is required instead" };
        notes.extend(unknown.into_iter().map(|what| format!("{what}: {fate}")));
        Ok(Self { access, notes, by_other_means })
    }
}

impl Access {
    /// Returns what admits only those whom both admit.
    ///
    /// # Errors
    /// That the two accept tokens or keys of different tenants, or that one accepts only keys, and the other something that is unknown.
    pub fn both(one: Option<&Self>, other: Option<&Self>, schemes: &Schemes) -> Result<Option<Self>, String> {
        let (one, other) = match (one, other) {
            (None, None) => return Ok(None),
            (Some(access), None) | (None, Some(access)) => return Ok(Some(Self { optional: false, ..access.clone() })),
            (Some(one), Some(other)) => (one, other),
        };
        let mut both = one.clone();
        match (one.tenants.as_slice(), other.tenants.as_slice()) {
            ([], []) => {}
            // A token stands for what is unknown; a key does not.
            ([], known) | (known, []) => {
                both.tenants = known.iter().copied().filter(|tenant| !schemes.has_keys(*tenant)).collect();
                if both.tenants.is_empty() {
                    return Err("one requires an API key, and the other what the gateway does not know".to_owned());
                }
            }
            (_, others) => {
                both.tenants.retain(|tenant| others.contains(tenant));
                if both.tenants.is_empty() {
                    return Err("they require tokens of different issuers, or different keys".to_owned());
                }
            }
        }
        both.optional = one.optional && other.optional;
        add(&mut both.scopes, &other.scopes);
        if one.any_scopes.is_empty() {
            both.any_scopes.clone_from(&other.any_scopes);
        } else if !other.any_scopes.is_empty() && one.any_scopes != other.any_scopes {
            add(&mut both.scopes, &one.any_scopes);
            add(&mut both.scopes, &other.any_scopes);
            both.any_scopes.clear();
        }
        // A token with all scopes of the one list has one of the other.
        if both.any_scopes.iter().any(|scope| both.scopes.contains(scope)) {
            both.any_scopes.clear();
        }
        Ok(Some(both))
    }

    /// Checks whether API keys open the path.
    pub fn has_keys(&self, schemes: &Schemes) -> bool {
        self.tenants.iter().any(|tenant| schemes.has_keys(*tenant))
    }

    /// Checks whether API keys open it as tokens do, so that both need its scopes.
    pub fn asks_scopes_of_keys_as_of_tokens(&self, schemes: &Schemes) -> bool {
        let asks_scopes = !self.scopes.is_empty() || !self.any_scopes.is_empty();
        asks_scopes && self.has_keys(schemes) && !self.tenants.iter().all(|tenant| schemes.has_keys(*tenant))
    }

    /// Returns what requires a token, which stands for something unknown: neither a key nor nothing does.
    pub fn by_token(mut self, schemes: &Schemes) -> Self {
        self.tenants.retain(|tenant| !schemes.has_keys(*tenant));
        Self { optional: false, ..self }
    }

    /// Returns the value of a path's `auth`, with the names of its authorizers if the config has several.
    pub fn to_json(&self, authorizers: &[&str]) -> Json {
        let names = match authorizers {
            [] => None,
            [name] => Some(Json::from(*name)),
            names => Some(Json::Array(names.iter().map(|name| (*name).into()).collect())),
        };
        let mut members = Vec::new();
        for (key, scopes) in [(&access::SCOPES, &self.scopes), (&access::ANY_SCOPES, &self.any_scopes)] {
            if !scopes.is_empty() {
                members.push((key.name.to_owned(), Json::texts(scopes)));
            }
        }
        if self.optional {
            members.push((access::OPTIONAL.name.to_owned(), true.into()));
        }
        if members.is_empty() {
            return names.unwrap_or_else(|| true.into());
        }
        members.splice(0..0, names.map(|names| (access::AUTHORIZER.name.to_owned(), names)));
        Json::Object(members)
    }
}

fn read_alternative(item: &Json, schemes: &Schemes, notes: &mut Vec<String>) -> Result<Read, String> {
    let Json::Object(members) = item else { return Err("an alternative of \"security\" is not an object".to_owned()) };
    let mut alternative = Alternative { tenant: None, schemes: Vec::new(), scopes: Vec::new() };
    let mut unknown = Vec::new();
    for (name, scopes) in members {
        match schemes.find(name) {
            Scheme::Other(what, comes) => unknown.push((format!("{what} (\"{name}\")"), comes)),
            Scheme::Token(tenant) if alternative.tenant.is_some_and(|other| other != tenant) => {
                let is_of_key = schemes.has_keys(tenant) || alternative.tenant.is_some_and(|one| schemes.has_keys(one));
                return Ok(impossible(if is_of_key { KEY_AND_ANOTHER } else { "tokens of two issuers" }, notes));
            }
            Scheme::Token(tenant) => {
                alternative.tenant = Some(tenant);
                alternative.schemes.push(name.clone());
                add(&mut alternative.scopes, &read_scopes(name, scopes)?);
            }
        }
    }
    if unknown.is_empty() {
        return Ok(Read::Known(alternative));
    }
    let words = unknown.iter().map(|(what, _)| what.as_str()).collect::<Vec<_>>().join(" and ");
    let Some(tenant) = alternative.tenant else { return Ok(Read::Unknown(words)) };
    if schemes.has_keys(tenant) && !unknown.iter().all(|(_, comes)| schemes.can_come_beside_a_key(comes)) {
        return Ok(impossible(KEY_AND_ANOTHER, notes));
    }
    if !schemes.has_keys(tenant) && !unknown.iter().all(|(_, comes)| comes.can_come_beside_a_token()) {
        return Ok(impossible(TOKEN_AND_ANOTHER, notes));
    }
    let checked = if schemes.has_keys(tenant) { "API key" } else { "token" };
    notes.push(format!("{words}: the upstream has to check it; the gateway checks only the {checked}"));
    Ok(Read::Known(alternative))
}

fn impossible(what: &'static str, notes: &mut Vec<String>) -> Read {
    notes.push(format!("an alternative that requires {what} at once is left out"));
    Read::Impossible(what)
}

fn read_scopes(scheme: &str, scopes: &Json) -> Result<Vec<String>, String> {
    let Json::Array(items) = scopes else { return Err(format!("the scopes of \"{scheme}\" are not a list")) };
    if items.len() > SCOPES_MAX {
        return Err(format!("an alternative names more than {SCOPES_MAX} scopes of \"{scheme}\""));
    }
    let mut read = Vec::new();
    for item in items {
        let Json::Text(text) = item else { return Err(format!("a scope of \"{scheme}\" is not a string")) };
        // Some descriptions write several scopes into one string, as in the `scope` of a request.
        for scope in text.split(' ') {
            let is_scope =
                !scope.is_empty() && scope.bytes().all(|b| matches!(b, b'!'..=b'~') && b != b'"' && b != b'\\');
            if !is_scope {
                return Err(format!("\"{scope}\" of \"{scheme}\" is not a scope (RFC 6749 section 3.3)"));
            }
            if holds_reference(scope) {
                return Err(format!("in a config, \"{scope}\" of \"{scheme}\" would be a reference to a binding"));
            }
            add(&mut read, &[scope.to_owned()]);
        }
    }
    Ok(read)
}

/// Merges the alternatives that the gateway knows; a token replaces the others. Keys get what scopes the gateway's owner gives them, so they
/// are let in beside tokens, and need the same.
fn merge(
    alternatives: Vec<Alternative>,
    by_other_means: bool,
    schemes: &Schemes,
    notes: &mut Vec<String>,
) -> Option<Access> {
    let by_key = |one: &Alternative| one.tenant.is_some_and(|tenant| schemes.has_keys(tenant));
    if alternatives.iter().all(|one| one.tenant.is_none() || by_key(one)) {
        return merge_alike(alternatives, by_other_means, notes);
    }
    let (keys, others): (Vec<_>, Vec<_>) = alternatives.into_iter().partition(by_key);
    let mut access = merge_alike(others, by_other_means, notes)?;
    for Alternative { tenant, scopes, .. } in keys {
        let Some(tenant) = tenant.filter(|tenant| !access.tenants.contains(tenant)) else { continue };
        if is_within(&scopes, &access.scopes) {
            access.tenants.push(tenant);
            continue;
        }
        let note = "an alternative with an API key is left out, because it requires other scopes than tokens do";
        if !notes.iter().any(|known| known == note) {
            notes.push(note.to_owned());
        }
    }
    Some(access)
}

/// Merges alternatives of tokens, or of keys.
fn merge_alike(alternatives: Vec<Alternative>, by_other_means: bool, notes: &mut Vec<String>) -> Option<Access> {
    let optional = alternatives.iter().any(|alternative| alternative.tenant.is_none());
    let mut tokens: Vec<Alternative> = alternatives.into_iter().filter(|known| known.tenant.is_some()).collect();
    let Some(tenant) = tokens.first().and_then(|first| first.tenant) else {
        // If every alternative admits everyone, so does the path; else it admits those with a token.
        return (!optional || by_other_means).then(|| Access { optional, ..Access::default() });
    };
    let tenants = tenants_of_all(&tokens);
    let mut access = Access { tenants, optional, ..Access::default() };
    if access.tenants.is_empty() {
        access.tenants.push(tenant);
        tokens.retain(|token| token.tenant == Some(tenant));
        notes.push(
            "alternatives with tokens of another issuer are left out, because they require other scopes".to_owned(),
        );
    } else if access.tenants.len() > 1 {
        // What each issuer's tokens need is the same, so one's say it all.
        tokens.retain(|token| token.tenant == Some(tenant));
    }
    let of_one_scheme = tokens.iter().all(|token| tokens.first().is_some_and(|first| first.schemes == token.schemes));
    let mut needed: Vec<Vec<String>> = tokens.into_iter().map(|token| token.scopes).collect();
    if of_one_scheme {
        // A token with the smaller set need not have the larger one.
        let all = needed.clone();
        needed.retain(|set| !all.iter().any(|other| other.len() < set.len() && is_within(other, set)));
    }
    let count = |scope: &String| needed.iter().filter(|set| set.contains(scope)).count();
    let first = needed.first().cloned().unwrap_or_default();
    access.scopes = first.into_iter().filter(|scope| count(scope) == needed.len()).collect();
    let rests: Vec<Vec<String>> =
        needed.iter().map(|set| set.iter().filter(|scope| !access.scopes.contains(scope)).cloned().collect()).collect();
    if rests.iter().all(Vec::is_empty) {
        return Some(access);
    }
    if of_one_scheme && rests.iter().all(|rest| rest.len() == 1) {
        rests.iter().for_each(|rest| add(&mut access.any_scopes, rest));
        return Some(access);
    }
    rests.iter().for_each(|rest| add(&mut access.scopes, rest));
    notes.push("its alternatives require different scopes: this path requires all of them".to_owned());
    Some(access)
}

/// Returns the tenants of alternatives; none if their tokens need different scopes, since a path requires the same of each.
fn tenants_of_all(tokens: &[Alternative]) -> Vec<usize> {
    let mut tenants = Vec::new();
    for tenant in tokens.iter().filter_map(|token| token.tenant) {
        if !tenants.contains(&tenant) {
            tenants.push(tenant);
        }
    }
    let needs = |tenant: &usize| {
        let of = tokens.iter().filter(|token| token.tenant == Some(*tenant));
        let mut needs: Vec<Vec<&String>> = of.map(|token| token.scopes.iter().collect()).collect();
        needs.iter_mut().for_each(|scopes| scopes.sort());
        needs.sort();
        needs
    };
    let is_alike = tenants.iter().all(|tenant| tenants.first().is_some_and(|first| needs(first) == needs(tenant)));
    if is_alike { tenants } else { Vec::new() }
}

fn is_within(part: &[String], whole: &[String]) -> bool {
    part.iter().all(|scope| whole.contains(scope))
}

/// Adds the items that are missing.
fn add(scopes: &mut Vec<String>, more: &[String]) {
    for scope in more {
        if !scopes.contains(scope) {
            scopes.push(scope.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::wishes::Wishes;
    use super::*;

    fn schemes() -> Schemes {
        let source = r#"{"components": {"securitySchemes": {
            "bearer": {"type": "http", "scheme": "Bearer"},
            "people": {"type": "openIdConnect", "openIdConnectUrl": "https://id.example.com/.well-known/openid-configuration"},
            "again": {"type": "openIdConnect", "openIdConnectUrl": "https://id.example.com/.well-known/openid-configuration"},
            "key": {"type": "apiKey", "in": "query", "name": "key"},
            "partner": {"type": "apiKey", "in": "header", "name": "x-key"},
            "tester": {"type": "apiKey", "in": "header", "name": "x-test-key"},
            "beside": {"type": "apiKey", "in": "header", "name": "x-app"},
            "cookie": {"type": "apiKey", "in": "cookie", "name": "session"},
            "same": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "users": {"type": "apiKey", "in": "header", "name": "authorization"},
            "basic": {"type": "http", "scheme": "basic"},
            "certificate": {"type": "mutualTLS"},
            "somehow": {"type": "other"},
            "lost": {"$ref": "schemes.yaml"},
            "proxy": {"type": "apiKey", "in": "header", "name": "Proxy-Authorization"},
            "address": {"type": "apiKey", "in": "header", "name": "X-Client_IP"}
        }}, "security": [{"partner": []}, {"tester": []}]}"#;
        Schemes::read(&serde_json::from_str(source).unwrap(), &Wishes::default())
    }

    fn read(security: &str) -> Result<(String, usize), String> {
        let security: Json = serde_json::from_str(security).unwrap();
        let requirement = Requirement::read(Some(&security), &schemes())?;
        // Where keys open the path, by their names.
        let names = |access: &Access| {
            let of = schemes();
            let by_key = access.tenants.iter().any(|tenant| of.has_keys(*tenant));
            let tenants = access.tenants.iter().filter(|_| by_key);
            tenants.map(|tenant| of.tenants[*tenant].name.clone()).collect::<Vec<_>>()
        };
        let auth = requirement.access.map_or(Json::Bool(false), |access| {
            let names = names(&access);
            access.to_json(&names.iter().map(String::as_str).collect::<Vec<_>>())
        });
        let text = auth.to_file_text().split_whitespace().collect::<Vec<_>>().join(" ");
        Ok((text, requirement.notes.len()))
    }

    #[test]
    fn requirements_are_never_more_open_than_the_description() {
        let table = [
            ("none", "[]", "false", 0),
            ("everyone", "[{}]", "false", 0),
            ("a token", r#"[{"people": []}]"#, "true", 0),
            ("scopes", r#"[{"people": ["a", "b"]}]"#, r#"{ "scopes": ["a", "b"] }"#, 0),
            ("two in one text", r#"[{"people": ["a b"]}]"#, r#"{ "scopes": ["a", "b"] }"#, 0),
            ("or nothing", r#"[{}, {"people": ["a"]}]"#, r#"{ "scopes": ["a"], "optional": true }"#, 0),
            ("one of two", r#"[{"people": ["a"]}, {"people": ["b"]}]"#, r#"{ "any_scopes": ["a", "b"] }"#, 0),
            (
                "with one in common",
                r#"[{"people": ["c", "a"]}, {"people": ["b", "c"]}]"#,
                r#"{ "scopes": ["c"], "any_scopes": ["a", "b"] }"#,
                0,
            ),
            (
                "the smaller set is enough",
                r#"[{"people": ["a", "b"]}, {"people": ["a"]}]"#,
                r#"{ "scopes": ["a"] }"#,
                0,
            ),
            ("a token is enough", r#"[{"people": ["a"]}, {"people": []}]"#, "true", 0),
            ("no exact form", r#"[{"people": ["a", "b"]}, {"people": ["c"]}]"#, r#"{ "scopes": ["a", "b", "c"] }"#, 1),
            ("two schemes of one issuer", r#"[{"people": ["a"]}, {"again": ["a"]}]"#, r#"{ "scopes": ["a"] }"#, 0),
            ("with different scopes", r#"[{"people": ["a"]}, {"again": []}]"#, r#"{ "scopes": ["a"] }"#, 1),
            ("both at once", r#"[{"people": ["a"], "again": ["b"]}]"#, r#"{ "scopes": ["a", "b"] }"#, 0),
            ("another issuer is left out", r#"[{"people": ["a"]}, {"bearer": []}]"#, r#"{ "scopes": ["a"] }"#, 1),
            ("another issuer without scopes too", r#"[{"people": []}, {"bearer": []}]"#, "true", 0),
            ("another issuer with the same", r#"[{"people": ["a"]}, {"bearer": ["a"]}]"#, r#"{ "scopes": ["a"] }"#, 0),
            ("two issuers at once, or one", r#"[{"people": [], "bearer": []}, {"bearer": []}]"#, "true", 1),
            ("an API key", r#"[{"key": []}]"#, "true", 1),
            ("an API key or a scope", r#"[{"key": []}, {"people": ["a"]}]"#, r#"{ "scopes": ["a"] }"#, 1),
            ("an API key with a scope", r#"[{"key": [], "people": ["a"]}]"#, r#"{ "scopes": ["a"] }"#, 1),
            ("an API key or nothing", r#"[{"key": []}, {}]"#, r#"{ "optional": true }"#, 1),
            ("nothing or an API key", r#"[{}, {"key": []}]"#, r#"{ "optional": true }"#, 1),
            ("an API key, a token or nothing", r#"[{"key": []}, {"people": []}, {}]"#, r#"{ "optional": true }"#, 1),
            ("a scheme that is not there", r#"[{"nobody": []}]"#, "true", 1),
            ("a partner's key", r#"[{"partner": []}]"#, r#""partner""#, 0),
            ("with a role", r#"[{"partner": ["a"]}]"#, r#"{ "authorizer": "partner", "scopes": ["a"] }"#, 0),
            ("either key", r#"[{"partner": []}, {"tester": []}]"#, r#"[ "partner", "tester" ]"#, 0),
            ("a partner's key or a token", r#"[{"partner": []}, {"people": []}]"#, r#"[ "people", "partner" ]"#, 0),
            (
                "a partner's key or nothing",
                r#"[{"partner": []}, {}]"#,
                r#"{ "authorizer": "partner", "optional": true }"#,
                0,
            ),
            (
                "a partner's key or a token with a scope",
                r#"[{"partner": []}, {"tester": []}, {"people": ["a"]}]"#,
                r#"{ "authorizer": ["people", "partner", "tester"], "scopes": ["a"] }"#,
                0,
            ),
            (
                "a key with a scope that tokens need not have",
                r#"[{"partner": ["b"]}, {"people": ["a"]}]"#,
                r#"{ "scopes": ["a"] }"#,
                1,
            ),
            ("two keys at once, or a token", r#"[{"partner": [], "tester": []}, {"people": []}]"#, "true", 1),
            (
                "a key and a token at once, or a key",
                r#"[{"partner": [], "people": []}, {"tester": []}]"#,
                r#""tester""#,
                1,
            ),
            ("a key that is only named beside a token", r#"[{"beside": [], "people": []}]"#, "true", 1),
            ("a key beside one that the upstream checks", r#"[{"beside": [], "partner": []}]"#, r#""partner""#, 1),
            ("beside one in the query", r#"[{"key": [], "partner": []}]"#, r#""partner""#, 1),
            ("beside a cookie", r#"[{"cookie": [], "partner": []}]"#, r#""partner""#, 1),
            (
                "a key beside a user in `Authorization`, or a key",
                r#"[{"users": [], "partner": []}, {"tester": []}]"#,
                r#""tester""#,
                1,
            ),
            (
                "a key beside a user, or a user",
                r#"[{"users": [], "partner": []}, {"people": []}, {"users": []}]"#,
                "true",
                2,
            ),
            (
                "a token beside Basic, or a token with a scope",
                r#"[{"people": [], "basic": []}, {"people": ["a"]}]"#,
                r#"{ "scopes": ["a"] }"#,
                1,
            ),
            (
                "a key beside a token at once, or nothing",
                r#"[{"partner": [], "people": []}, {}]"#,
                r#"{ "optional": true }"#,
                1,
            ),
            (
                "a key beside a user at once, or nothing",
                r#"[{"users": [], "partner": []}, {}]"#,
                r#"{ "optional": true }"#,
                1,
            ),
        ];
        for (message, security, auth, notes) in table {
            assert_eq!(read(security), Ok((auth.to_owned(), notes)), "{message}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_no_requirement() {
        let many = format!("[{}]", vec![r#"{"people": []}"#; ALTERNATIVES_MAX + 1].join(","));
        for security in [
            "null",
            "{}",
            r#""people""#,
            r#"["people"]"#,
            r#"[{"people": "a"}]"#,
            r#"[{"people": [1]}]"#,
            r#"[{"people": ["a\"b"]}]"#,
            r#"[{"people": ["é"]}]"#,
            r#"[{"people": [""]}]"#,
            r#"[{"people": ["$secret.KEY"]}]"#,
            r#"[{"people": ["read:$env.THING"]}]"#,
            r#"[{"people": [], "bearer": []}]"#,
            r#"[{"people": [], "partner": []}]"#,
            r#"[{"partner": [], "tester": []}]"#,
            r#"[{"partner": [], "users": []}]"#,
            r#"[{"users": [], "key": [], "partner": []}]"#,
            r#"[{"partner": [], "basic": []}]"#,
            r#"[{"partner": [], "certificate": []}]"#,
            r#"[{"partner": [], "somehow": []}]"#,
            r#"[{"partner": [], "lost": []}]"#,
            r#"[{"partner": [], "nobody": []}]"#,
            r#"[{"people": [], "basic": []}]"#,
            r#"[{"people": [], "certificate": []}]"#,
            r#"[{"people": [], "users": []}]"#,
            r#"[{"people": [], "key": [], "basic": []}]"#,
            r#"[{"people": [], "somehow": []}]"#,
            r#"[{"people": [], "lost": []}]"#,
            r#"[{"people": [], "nobody": []}]"#,
            r#"[{"people": [], "key": [], "nobody": []}]"#,
            r#"[{"people": [], "proxy": []}]"#,
            r#"[{"partner": [], "proxy": []}]"#,
            r#"[{"people": [], "address": []}]"#,
            r#"[{"partner": [], "address": []}]"#,
            &many,
        ] {
            assert!(read(security).is_err(), "{security}");
        }
    }

    #[test]
    fn notes_tell_what_opens_the_path() {
        let basic = "HTTP basic authentication (\"basic\")";
        for (security, expected) in [
            (r#"[{"basic": []}]"#, format!("{basic}: a token is required instead")),
            (r#"[{"basic": []}, {"people": []}]"#, format!("{basic}: a token is required instead")),
            (r#"[{"basic": []}, {"partner": []}]"#, format!("{basic}: it does not open the path")),
            (r#"[{"partner": []}, {"basic": []}, {"people": []}]"#, format!("{basic}: it does not open the path")),
            (
                r#"[{"partner": [], "key": []}]"#,
                "an API key in the query (\"key\"): the upstream has to check it; the gateway checks only the API key"
                    .to_owned(),
            ),
            (
                r#"[{"partner": [], "basic": []}, {"people": []}]"#,
                format!("an alternative that requires {KEY_AND_ANOTHER} at once is left out"),
            ),
            (
                r#"[{"people": [], "certificate": []}, {"people": ["a"]}]"#,
                format!("an alternative that requires {TOKEN_AND_ANOTHER} at once is left out"),
            ),
            (
                r#"[{"people": [], "key": []}]"#,
                "an API key in the query (\"key\"): the upstream has to check it; the gateway checks only the token"
                    .to_owned(),
            ),
            (
                r#"[{"people": [], "somehow": []}, {"people": ["a"]}]"#,
                format!("an alternative that requires {TOKEN_AND_ANOTHER} at once is left out"),
            ),
        ] {
            let security_read: Json = serde_json::from_str(security).unwrap();
            let notes = Requirement::read(Some(&security_read), &schemes()).unwrap().notes;
            assert_eq!(notes, [expected], "{security}");
        }
    }

    #[test]
    fn both_is_as_strict_as_either() {
        let access = |security: &str| {
            Requirement::read(Some(&serde_json::from_str(security).unwrap()), &schemes()).unwrap().access
        };
        let table = [
            ("open and open", "[]", "[]", Ok("[]")),
            ("open and a token", "[]", r#"[{"people": []}]"#, Ok(r#"[{"people": []}]"#)),
            ("optional is not open", "[]", r#"[{}, {"people": []}]"#, Ok(r#"[{"people": []}]"#)),
            ("both optional", r#"[{}, {"people": []}]"#, r#"[{"people": []}, {}]"#, Ok(r#"[{}, {"people": []}]"#)),
            ("scopes", r#"[{"people": ["a"]}]"#, r#"[{"people": ["b"]}]"#, Ok(r#"[{"people": ["a", "b"]}]"#)),
            (
                "one of two, twice",
                r#"[{"people": ["a"]}, {"people": ["b"]}]"#,
                r#"[{"people": ["c"]}, {"people": ["d"]}]"#,
                Ok(r#"[{"people": ["a", "b", "c", "d"]}]"#),
            ),
            ("two issuers", r#"[{"people": []}]"#, r#"[{"bearer": []}]"#, Err(())),
            ("one of two", r#"[{"people": []}, {"bearer": []}]"#, r#"[{"bearer": []}]"#, Ok(r#"[{"bearer": []}]"#)),
            ("a key and a token", r#"[{"key": []}]"#, r#"[{"bearer": []}]"#, Ok(r#"[{"bearer": []}]"#)),
            ("a partner's key and a token", r#"[{"partner": []}]"#, r#"[{"bearer": []}]"#, Err(())),
            ("a partner's key and what is unknown", r#"[{"partner": []}]"#, r#"[{"certificate": []}]"#, Err(())),
            ("the same, or nothing", r#"[{"partner": []}, {}]"#, r#"[{"certificate": []}]"#, Err(())),
            (
                "either and what is unknown",
                r#"[{"partner": []}, {"people": []}]"#,
                r#"[{"certificate": []}]"#,
                Ok(r#"[{"people": []}]"#),
            ),
            (
                "either and a key",
                r#"[{"partner": []}, {"people": []}]"#,
                r#"[{"partner": []}]"#,
                Ok(r#"[{"partner": []}]"#),
            ),
        ];
        for (message, one, other, expected) in table {
            for (one, other) in [(one, other), (other, one)] {
                let mut both = Access::both(access(one).as_ref(), access(other).as_ref(), &schemes()).map_err(|_| ());
                if let Ok(Some(both)) = &mut both {
                    // Their order is no part of what they mean.
                    both.scopes.sort();
                }
                assert_eq!(both, expected.map(access), "{message}");
            }
        }
    }
}
