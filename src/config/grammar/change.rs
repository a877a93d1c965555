//! What a change of a key can expose; the review of a change goes by it.

/// What a change of a key can expose.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    /// Nothing, for this reason.
    Harmless(&'static str),
    /// What the review compares together with something else: a name, a route, the needs of a token, the target of an alias.
    Elsewhere,
    /// What its section says; absent, what the keys of that mean if they are absent.
    Within,
    /// The same of a section that switches something on: absent, it exposes nothing.
    Feature,
    /// The same of a section that is a rule, whose loss is reported by its name.
    Rule,
    /// The same of a section that keeps something out, and what its loss means.
    Guard(&'static str),
    /// Any other value, and none.
    Different(&'static str),
    /// The same of a value that is not shown, for it may be a secret.
    Hidden(&'static str),
    /// Any other way in which a callback hands out tokens, but for the one of this name, which hands out none.
    Handover(&'static str, &'static str),
    /// Any other value that is there.
    Destination(&'static str),
    /// A larger number, and none if there was a limit.
    Larger(&'static str),
    /// `true`.
    On(&'static str),
    /// No longer `true`.
    Off(&'static str),
    /// What a list, or a text of words, has besides.
    Wider(&'static str),
    /// The same of a list of origins, whose stars match several.
    Origins,
    /// The same of a list of headers.
    WiderHeaders(&'static str),
    /// What a list of headers no longer has.
    Narrower(&'static str),
    /// A place at another site.
    Location(&'static str),
    /// A status with which a body is sent on to the target of a redirect.
    KeepsBody,
    /// Headers of answers with their texts.
    Headers,
    /// Names of headers that are removed from answers.
    Removed,
    /// Headers of upstreams with where they come from.
    Sources,
    /// The same of query parameters, whose names have letter case.
    Parameters,
    /// Claims that tokens must have, with their values.
    Claims,
    /// Addresses that may send requests.
    Networks,
    /// Media types that bodies may have.
    MediaTypes,
    /// How answers are cached.
    Cache,
    /// A fixed answer of the config, with the values of its references.
    Answer,
}
