//! What the access tokens for an upstream are requested for: the keys that a server and an `http_proxy` have for it.

use super::code::Code;
#[cfg(not(target_os = "unknown"))]
use super::grammar::{Change, Entry, Json, absent, list, object, present, wherever, with};
use super::provider::note_unlike_resource;
use super::reader::{Findings, ObjectReader, Place, Written, advice};
use super::scopes::is_scope;
use super::section::section;

/// What an access token is requested for. Its text is how everyone who keeps such tokens apart calls it: one part a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenTarget<'t> {
    /// The parameter that names it: `audience` or `resource`.
    pub parameter: &'t str,
    /// Its value.
    pub value: &'t str,
    /// The scopes, separated by spaces; empty if none is named.
    pub scope: &'t str,
    /// What `aud` of the token must contain.
    pub audience: &'t str,
}

impl<'t> TokenTarget<'t> {
    /// Parses its text; `None` if it is not one.
    pub fn parse(text: &'t str) -> Option<Self> {
        let mut parts = text.split('\n');
        let mut next = || parts.next();
        Some(Self { parameter: next()?, value: next()?, scope: next()?, audience: next()? })
    }

    /// Returns its text.
    pub fn to_text(self) -> String {
        [self.parameter, self.value, self.scope, self.audience].join("\n")
    }

    /// Checks whether a client that names these wants it; an empty one is not named.
    pub fn is_named_by(self, audience: &str, resource: &str, scope: &str) -> bool {
        let of_resource = self.parameter == RESOURCE.name;
        let (named, beside) = if of_resource { (resource, audience) } else { (audience, resource) };
        let has = |scopes: &str, all: &str| all.split(' ').all(|one| scopes.split(' ').any(|other| other == one));
        named == self.value
            && (beside.is_empty() || of_resource && beside == self.audience)
            && (scope.is_empty() || has(scope, self.scope) && has(self.scope, scope))
    }

    /// Returns the parameters by which a token request names it (RFC 8707 section 2.2, RFC 6749 section 6).
    pub fn parameters(self) -> impl Iterator<Item = (&'t str, &'t str)> {
        let scope = Some((SCOPE.name, self.scope)).filter(|(_, scope)| !scope.is_empty());
        std::iter::once((self.parameter, self.value)).chain(scope)
    }
}

/// The keys, as they are written.
#[derive(Clone, Copy, Default)]
pub(crate) struct WrittenTarget<'n> {
    /// The audience.
    pub audience: Option<Written<'n>>,
    /// The resource.
    pub resource: Option<Written<'n>>,
    /// The scopes.
    pub scope: Option<Written<'n>>,
}

impl<'n> WrittenTarget<'n> {
    /// Returns the first of its keys that is there, with its text.
    pub fn first(&self) -> Option<(&'static str, Written<'n>)> {
        let of = |key: &'static str, written: Option<Written<'n>>| Some((key, written?));
        of(AUDIENCE.name, self.audience).or(of(RESOURCE.name, self.resource)).or(of(SCOPE.name, self.scope))
    }

    /// Returns what a path has that says this, and leads to a server that says `of_server`.
    pub fn or(self, of_server: Self) -> Self {
        if self.first().is_some() { self } else { of_server }
    }

    /// Returns the text of the target, if there is one; `None` if a part of it is not known here.
    #[expect(clippy::option_option, reason = "one says whether it is known, the other whether there is any")]
    pub fn target(&self) -> Option<Option<String>> {
        let (parameter, named) = match (self.resource, self.audience) {
            (Some(resource), _) => (RESOURCE.name, resource),
            (None, Some(audience)) => (AUDIENCE.name, audience),
            (None, None) => return Some(None),
        };
        let value = named.value()?;
        let scope = self.scope.map_or(Some(""), |scope| scope.value())?;
        let audience = self.audience.map_or(Some(value), |audience| audience.value())?;
        Some(Some(TokenTarget { parameter, value, scope, audience }.to_text()))
    }

    /// Reports keys that no session can serve.
    pub fn note_without_session(&self, place: &Place<'_>, findings: &mut Findings<'_>) {
        let Some((key, written)) = self.first() else { return };
        let message =
            format_args!("only sessions have tokens for several audiences, and the config has no \"session\"");
        let help = advice("add a \"session\" section, or remove the key: clients send upstreams their own tokens");
        findings.note(written.offset, &Place::Key(place, key), Code::SessionMissing, message, help);
    }
}

/// Whose token is requested for a target.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    /// A session's, whose login has a scope of its own: what is requested for an upstream has a name.
    Session,
    /// A client's: an entry of `apis` is there to name one.
    Client,
    /// The gateway's, which may be requested by its scope alone.
    Gateway,
}

/// Reads the keys of an object that names what a token is for.
pub(super) fn read_token_target<'n>(
    object: &mut ObjectReader<'n, '_>,
    holder: Holder,
    findings: &mut Findings<'_>,
) -> WrittenTarget<'n> {
    let place = object.place();
    let audience = object.text(&AUDIENCE, findings);
    let resource = object.text(&RESOURCE, findings);
    let scope = object.text(&SCOPE, findings);
    if let Some(written) = audience.filter(|audience| audience.value().is_some_and(has_controls)) {
        let help = advice("write it as the provider knows it");
        findings.refuse(&written, &AUDIENCE.at(place), Code::InvalidName, "is not an audience", help);
    }
    if let Some(written) = &resource {
        note_unlike_resource(written, &RESOURCE.at(place), findings);
    }
    if let Some(written) = scope.filter(|scope| scope.value().is_some_and(|text| !text.split(' ').all(is_scope))) {
        let help = advice("write the scopes in one string, with one space between two");
        findings.refuse(&written, &SCOPE.at(place), Code::InvalidName, "is not a scope", help);
    }
    let is_named = object.node(&AUDIENCE).or(object.node(&RESOURCE)).is_some();
    let lacking = match (scope, holder) {
        (_, Holder::Gateway) | (None, Holder::Session) => None,
        (Some(written), _) => Some((written.offset, &SCOPE.at(place), "a \"scope\" needs")),
        (None, Holder::Client) => Some((object.offset(), place, "an entry of \"apis\" needs")),
    };
    if let Some((offset, place, what)) = lacking.filter(|_| !is_named) {
        let message = format_args!("{what} the \"audience\" or the \"resource\" that it is of");
        let help = advice("add one of the two; the \"scope\" of a login is the authorizer's");
        findings.note(offset, place, Code::MissingKey, message, help.about([AUDIENCE.name]));
    }
    WrittenTarget { audience, resource, scope }
}

fn has_controls(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_control())
}

/// Returns the schema by which a scope is of an audience or a resource.
#[cfg(not(target_os = "unknown"))]
pub(super) fn scope_condition() -> Json {
    wherever(
        "a scope is of an audience or a resource",
        object! { "properties": object! { [AUDIENCE]: false, [RESOURCE]: false } },
        with(&SCOPE, absent("A scope needs the \"audience\" or the \"resource\" that it is of.")),
    )
}

/// Returns the schema of an object that names an audience or a resource.
#[cfg(not(target_os = "unknown"))]
pub(super) fn named_condition() -> Json {
    object! { "anyOf": list![present(&AUDIENCE), present(&RESOURCE)] }
}

/// Returns the schema of an object that has none of the keys, and says why.
#[cfg(not(target_os = "unknown"))]
pub(super) fn without_target(message: &str) -> Json {
    let no = || absent(message);
    object! { "properties": object! { [AUDIENCE]: no(), [RESOURCE]: no(), [SCOPE]: no() } }
}

/// Returns the keys as an entry of the refresh path has them: the review of a change looks at whole entries.
#[cfg(not(target_os = "unknown"))]
pub(super) fn entries_of_api() -> Vec<Entry> {
    let about = |name| match name {
        "audience" => {
            "The API's identifier, requested by the parameter `audience`, as Auth0 has it for Multi-Resource Refresh Tokens; \
             beside `resource`, it only says what the token must be for."
        }
        "resource" => {
            "The same, requested by the parameter `resource` (RFC 8707): an absolute URI without a fragment. Logins request \
             it too, with its `scope`."
        }
        _ => "The scopes that the token must have, separated by spaces.",
    };
    let of_api = |entry: Entry| Entry { about: about(entry.name).to_owned(), default_words: "", ..entry };
    entries_of_server().into_iter().map(of_api).collect()
}

/// Returns the keys as a server has them: the review of a change looks at the paths that lead there.
#[cfg(not(target_os = "unknown"))]
pub(super) fn entries_of_server() -> Vec<Entry> {
    entries().into_iter().map(|entry| Entry { change: Change::Elsewhere, ..entry }).collect()
}

section! {
    entries;

    AUDIENCE: Text = text("audience", NotEmpty), Different("sends the upstream a session's token for another audience"),
        "The API whose access token the upstream gets of a session, if it is not the authorizer's `audience`. A refresh \
         requests it by the parameter `audience`, as Auth0 has it for Multi-Resource Refresh Tokens; beside `resource`, it \
         only says what the token must be for.",
        default_words("the authorizer's"), example("https://orders.example.com");
    RESOURCE: Text = text("resource", Resource), Different("sends the upstream a session's token for another resource"),
        "The same, requested by the parameter `resource` (RFC 8707): an absolute URI without a fragment. Logins request it \
         too, with its `scope`.",
        example("https://orders.example.com");
    SCOPE: Text = text("scope", NotEmpty), Wider("requests a token for the upstream with the scope"),
        "The scopes that this token must have, separated by spaces.",
        default_words("all that the provider gives"), example("read:orders");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_comes_back_as_it_was_and_names_what_is_requested() {
        let target = |parameter, value, scope, audience| TokenTarget { parameter, value, scope, audience };
        let table = [
            (target("audience", "https://a/", "", "https://a/"), "audience=https://a/"),
            (target("audience", "a b", "r w", "a b"), "audience=a b&scope=r w"),
            (target("resource", "urn:a", "r", "b"), "resource=urn:a&scope=r"),
        ];
        for (target, expected) in table {
            let text = target.to_text();
            assert_eq!(TokenTarget::parse(&text), Some(target));
            let parameters: Vec<_> = target.parameters().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(parameters.join("&"), expected);
        }
        assert_eq!(TokenTarget::parse("audience\na"), None);
    }
}
