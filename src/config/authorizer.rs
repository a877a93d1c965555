//! The `authorizer` and `authorizers` sections: whose tokens are believed.

use std::rc::Rc;

use super::address::{Scheme, read_domain, read_url};
use super::code::Code;
use super::provider::{Endpoints, Provider, ProviderKeys, read_provider};
use super::reader::{Findings, ObjectReader, Place, Written, choose, note_if_empty, shown, told};
use crate::algorithm::Algorithm;
use crate::json::parse_object;
use crate::jwks::{KeySet, mistaken_for_key_set};
use crate::secret::Secret;

/// Clocks of gateway and provider may differ by this much unless the config says otherwise.
pub const CLOCK_SKEW_DEFAULT_SECS: u64 = 30;

/// A larger skew would let tokens live on for longer than people expect of "expired".
pub(super) const CLOCK_SKEW_MAX_SECS: u64 = 300;

/// How long a call to the provider may take unless the config says otherwise.
pub(super) const TIMEOUT_DEFAULT_MS: u64 = 10_000;

/// The longest that a call to the provider may be given: work goes on for 30 s at the most after its client has hung up, and an
/// exchange that is cut off then would cost the login.
pub(super) const TIMEOUT_MAX_MS: u64 = 25_000;

/// Shortest secret that tokens may be signed with, and login states sealed: as long as the hash (RFC 7518 section 3.2).
pub(crate) const SECRET_MIN_BYTES: usize = 32;

/// The `aud` of Supabase's tokens for people who are logged in.
pub(super) const SUPABASE_AUDIENCE: &str = "authenticated";

/// What tokens may be signed with unless the config says otherwise.
pub(super) const ALGORITHMS_DEFAULT: [Algorithm; 1] = [Algorithm::Rs256];

/// The same for Supabase, whose projects sign with either.
pub(super) const SUPABASE_ALGORITHMS_DEFAULT: [Algorithm; 2] = [Algorithm::Es256, Algorithm::Rs256];

/// An issuer whose tokens are believed, and by which rules.
#[derive(Clone)]
pub struct Authorizer {
    /// Its name among several.
    pub name: String,
    /// The only `iss` that is believed.
    pub issuer: String,
    /// What `aud` must contain.
    pub audience: String,
    /// What signatures are verified with.
    pub keys: KeySource,
    /// The algorithms a token may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// How far the clocks may differ.
    pub clock_skew_secs: i64,
    /// How long one call to the issuer may take.
    pub timeout_ms: u32,
    /// The application that logs people in there, where the authorizer is of such a type.
    pub provider: Option<Provider>,
    /// Whether it is a project of Supabase, whose tokens SAG checked in a way of their own.
    pub is_supabase: bool,
}

/// By which rules an authorizer's tokens are believed, as far as that is known where a reference has no value.
pub struct TokenRules {
    /// The authorizer's name among several.
    pub name: String,
    /// The only `iss` that is believed.
    pub issuer: Option<String>,
    /// What `aud` must contain.
    pub audience: Option<String>,
    /// The application that logs people in, where the authorizer is of such a type.
    pub client_id: Option<String>,
    /// What signatures are verified with.
    pub keys: Option<KeySource>,
    /// The algorithms a token may be signed with.
    pub algorithms: Option<Vec<Algorithm>>,
    /// How far the clocks may differ.
    pub clock_skew_secs: i64,
}

/// Where keys come from.
#[derive(Clone)]
pub enum KeySource {
    /// A key set at this address.
    KeySet(String),
    /// The key set that the discovery document at this address names (OpenID Connect Discovery 1.0).
    Discovery(String),
    /// Keys that stand in the config.
    Given(Rc<KeySet>),
}

/// An authorizer, as far as it could be read.
pub(super) struct ReadAuthorizer {
    pub name: String,
    pub authorizer: Option<Authorizer>,
    /// What is known of its rules; `None` where it could not be read.
    pub rules: Option<TokenRules>,
    /// What is known of its provider; `None` where it is of a type that logs nobody in.
    pub provider: Option<ProviderKeys>,
}

/// A type of authorizer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Auth0,
    Jwt,
    Supabase,
    Oidc,
}

/// Every type by its name.
pub(super) const KINDS: [(&str, Kind); 4] =
    [("auth0", Kind::Auth0), ("jwt", Kind::Jwt), ("supabase", Kind::Supabase), ("oidc", Kind::Oidc)];

/// Name of the only authorizer, where it stands alone under `authorizer`.
pub(crate) const ONLY_AUTHORIZER: &str = "default";

/// Reads the sections; none where the file has neither.
pub(super) fn read_authorizers(root: &mut ObjectReader<'_>, findings: &mut Findings<'_>) -> Vec<ReadAuthorizer> {
    let one = root.node("authorizer");
    let several = root.node("authorizers");
    if let Some(node) = several.filter(|_| one.is_some()) {
        let message = "the config has an authorizer and authorizers".to_owned();
        let help = told(|| "put all of them under \"authorizers\"".to_owned());
        findings.note(node.offset, &Place::Key(root.place(), "authorizers"), Code::TwoAuthorizers, message, help);
    }
    let mut read = Vec::new();
    if let Some(node) = one {
        let place = Place::Key(root.place(), "authorizer");
        read.push(read_authorizer(ONLY_AUTHORIZER, ObjectReader::open(node, &place, findings), findings));
    }
    if let Some(node) = several {
        let place = Place::Key(root.place(), "authorizers");
        let members = ObjectReader::open(node, &place, findings).map(|object| object.free_members());
        for member in members.unwrap_or_default() {
            if findings.is_full() {
                break;
            }
            let place = Place::Key(&place, &member.key);
            read.push(read_authorizer(&member.key, ObjectReader::open(&member.node, &place, findings), findings));
        }
    }
    read
}

fn read_authorizer(name: &str, object: Option<ObjectReader<'_>>, findings: &mut Findings<'_>) -> ReadAuthorizer {
    // Of one that cannot be read, nothing is said to be missing.
    let unread = || ReadAuthorizer {
        name: name.to_owned(),
        authorizer: None,
        rules: None,
        provider: Some(ProviderKeys { redirect_uri: true, sealing_secret: true, audience: true }),
    };
    let Some(mut object) = object else { return unread() };
    let place = object.place();
    object.allowed_warnings(findings);
    let kind = object.required_text("type", findings);
    let kind = kind.and_then(|kind| choose(&kind, &KINDS, &Place::Key(place, "type"), findings));
    // One that has a domain was meant to be Auth0's, and its other mistakes are told as well.
    let kind = kind.or_else(|| object.node("domain").map(|_| Kind::Auth0));
    let Some(kind) = kind else { return unread() };

    let origin = match kind {
        Kind::Auth0 => {
            let domain = object.required_text("domain", findings);
            domain.and_then(|domain| read_domain(&domain, &Place::Key(place, "domain"), findings))
        }
        Kind::Jwt | Kind::Supabase | Kind::Oidc => None,
    };
    let issuer = match kind {
        Kind::Auth0 => object.text("issuer", findings),
        Kind::Jwt | Kind::Supabase | Kind::Oidc => object.required_text("issuer", findings),
    };
    note_if_empty(issuer.as_ref(), &Place::Key(place, "issuer"), findings);
    if let Some(written) = issuer.as_ref().filter(|_| matches!(kind, Kind::Auth0 | Kind::Oidc)) {
        read_url(written, Scheme::Https, &Place::Key(place, "issuer"), findings);
    }
    let audience = match kind {
        Kind::Jwt => object.required_text("audience", findings),
        Kind::Auth0 | Kind::Supabase | Kind::Oidc => object.text("audience", findings),
    };
    note_if_empty(audience.as_ref(), &Place::Key(place, "audience"), findings);
    let owned = |written: &Written<'_>| written.value().map(str::to_owned);
    let issuer = match issuer.as_ref() {
        Some(written) => owned(written),
        None => origin.as_ref().map(|origin| format!("{origin}/")),
    };

    let (keys, by_secret) = read_keys(&mut object, kind, origin.as_deref(), issuer.as_deref(), findings);
    let algorithms = read_algorithms(&mut object, kind, by_secret, findings);
    let clock_skew_secs =
        object.integer("clock_skew_seconds", 0..=CLOCK_SKEW_MAX_SECS, CLOCK_SKEW_DEFAULT_SECS, findings);
    let timeout_ms = object.integer("timeout_ms", 1..=TIMEOUT_MAX_MS, TIMEOUT_DEFAULT_MS, findings);
    let (provider, provider_keys) = match kind {
        Kind::Auth0 | Kind::Oidc => {
            let endpoints = origin.as_deref().map(Endpoints::of_auth0).map(Rc::new);
            let (provider, keys) = read_provider(&mut object, audience.as_ref(), endpoints, findings);
            (provider, Some(keys))
        }
        Kind::Jwt | Kind::Supabase => (None, None),
    };
    object.finish(findings);

    let client_id = provider.as_ref().map(|provider| provider.client_id.clone());
    let audience = match (audience.as_ref(), kind) {
        (Some(written), _) => owned(written),
        (None, Kind::Supabase) => Some(SUPABASE_AUDIENCE.to_owned()),
        (None, Kind::Auth0 | Kind::Jwt | Kind::Oidc) => client_id.clone(),
    };
    let clock_skew_secs = i64::try_from(clock_skew_secs).unwrap_or(i64::MAX);
    let whole = provider.is_some() || provider_keys.is_none();
    let authorizer = match (&issuer, &audience, &keys, &algorithms) {
        (Some(issuer), Some(audience), Some(keys), Some(algorithms)) if whole => Some(Authorizer {
            name: name.to_owned(),
            issuer: issuer.clone(),
            audience: audience.clone(),
            keys: keys.clone(),
            algorithms: algorithms.clone(),
            clock_skew_secs,
            timeout_ms: u32::try_from(timeout_ms).unwrap_or(u32::MAX),
            provider,
            is_supabase: kind == Kind::Supabase,
        }),
        _ => None,
    };
    let rules = TokenRules { name: name.to_owned(), issuer, audience, client_id, keys, algorithms, clock_skew_secs };
    ReadAuthorizer { name: name.to_owned(), authorizer, rules: Some(rules), provider: provider_keys }
}

/// Reads what signatures are verified with, and whether that is a shared secret.
fn read_keys(
    object: &mut ObjectReader<'_>,
    kind: Kind,
    origin: Option<&str>,
    issuer: Option<&str>,
    findings: &mut Findings<'_>,
) -> (Option<KeySource>, bool) {
    let place = object.place();
    let secret_key = match kind {
        Kind::Jwt => Some("secret"),
        Kind::Supabase => Some("jwt_secret"),
        Kind::Auth0 => None,
        Kind::Oidc => {
            let discovery =
                issuer.map(|issuer| format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')));
            return (discovery.map(KeySource::Discovery), false);
        }
    };
    let secret = secret_key.and_then(|key| Some((object.text(key, findings)?, Place::Key(place, key))));
    let given = object.text("jwks", findings);
    let uri = object.text("jwks_uri", findings);
    let sources = [secret.is_some(), given.is_some(), uri.is_some()].into_iter().filter(|present| *present).count();
    if let Some(secret_key) = secret_key.filter(|_| sources != 1) {
        let message = format!(
            "one of \"{secret_key}\", \"jwks\" and \"jwks_uri\" says which signatures are believed; here are {sources}"
        );
        let code = if sources == 0 { Code::MissingKey } else { Code::TwoKeySources };
        findings.note(object.offset(), place, code, message, told(|| "keep exactly one".to_owned()));
    }
    let uri = uri.map(|written| {
        let url = read_url(&written, Scheme::Https, &Place::Key(place, "jwks_uri"), findings)?;
        Some(KeySource::KeySet(url.as_str().to_owned()))
    });
    if let Some((written, place)) = secret {
        return (read_secret(&written, &place, findings), true);
    }
    if let Some(written) = given {
        return (read_key_set(&written, &Place::Key(place, "jwks"), findings), false);
    }
    let keys = uri.unwrap_or_else(|| Some(KeySource::KeySet(format!("{}/.well-known/jwks.json", origin?))));
    (keys, false)
}

fn read_secret(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<KeySource> {
    let secret = written.value()?;
    let help = "make one with `openssl rand -base64 48`, and give it to the issuer as well; public keys are given as \"jwks\" or \
                \"jwks_uri\"";
    note_if_weak(written, help, place, findings);
    Some(KeySource::Given(Rc::new(KeySet::of_secret(&Secret::new(secret.to_owned())))))
}

/// Notes a secret that can be found by trying, or read somewhere.
pub(super) fn note_if_weak(written: &Written<'_>, help: &str, place: &Place<'_>, findings: &mut Findings<'_>) {
    let Some(secret) = written.value() else { return };
    let message = if secret.len() < SECRET_MIN_BYTES {
        format!(
            "the secret has {} bytes: with fewer than {SECRET_MIN_BYTES}, whoever has what it made can find it by trying",
            secret.len()
        )
    } else if is_public_key(secret) {
        "the secret is written as public keys are: whoever has read the key has the secret".to_owned()
    } else {
        return;
    };
    findings.note(written.offset, place, Code::WeakSecret, message, told(|| help.to_owned()));
}

/// Tells whether a text has the form in which keys of pairs are written: PEM, OpenSSH's, a JWK, a key set.
fn is_public_key(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("-----BEGIN")
        || text.starts_with("ssh-")
        || parse_object(text.as_bytes()).is_some_and(|key| key.contains_key("kty") || key.contains_key("keys"))
}

fn read_key_set(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<KeySource> {
    match KeySet::parse(written.value()?) {
        Ok(set) => Some(KeySource::Given(Rc::new(set))),
        Err(error) => {
            let help = told(|| {
                let usual = "write the key set's JSON as one string, or its address as \"jwks_uri\"";
                mistaken_for_key_set(written.value().unwrap_or_default()).unwrap_or(usual).to_owned()
            });
            findings.note(written.offset, place, Code::InvalidJwks, error.to_string(), help);
            None
        }
    }
}

/// Gives the algorithms that are allowed; `None` where a reference among them has no value.
fn read_algorithms(
    object: &mut ObjectReader<'_>,
    kind: Kind,
    by_secret: bool,
    findings: &mut Findings<'_>,
) -> Option<Vec<Algorithm>> {
    let place = Place::Key(object.place(), "algorithms");
    // The older gateway's way to name the one.
    let one = match kind {
        Kind::Jwt => object.text("algorithm", findings),
        Kind::Auth0 | Kind::Supabase | Kind::Oidc => None,
    };
    if let Some(written) = one {
        let place = Place::Key(object.place(), "algorithm");
        return read_algorithm(&written, by_secret, &place, findings).map(|algorithm| vec![algorithm]);
    }
    let Some(offset) = object.node("algorithms").map(|node| node.offset) else {
        return Some(match kind {
            _ if by_secret => vec![Algorithm::Hs256],
            Kind::Supabase => SUPABASE_ALGORITHMS_DEFAULT.to_vec(),
            Kind::Auth0 | Kind::Jwt | Kind::Oidc => ALGORITHMS_DEFAULT.to_vec(),
        });
    };
    let listed = object.texts("algorithms", findings);
    if listed.is_empty() {
        let help = told(|| "leave the key out for the default".to_owned());
        findings.note(offset, &place, Code::EmptyList, "no algorithm is allowed".to_owned(), help);
    }
    // Each is read, so that every mistake is told.
    let read = listed.iter().enumerate();
    let read: Vec<_> = read
        .map(|(index, written)| read_algorithm(written, by_secret, &Place::Index(&place, index), findings))
        .collect();
    read.into_iter().collect()
}

fn read_algorithm(
    written: &Written<'_>,
    by_secret: bool,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<Algorithm> {
    let algorithm = choose(written, &Algorithm::NAMES, place, findings)?;
    if (algorithm == Algorithm::Hs256) != by_secret {
        let (message, help) = match by_secret {
            true => ("needs a public key, and the authorizer has a shared secret", "write HS256, or give it a key set"),
            false => (
                "needs a shared secret, and to sign with a public key proves nothing",
                "name what the issuer signs with, such as RS256",
            ),
        };
        let message = format!("\"{}\" {message}", shown(written));
        findings.note(written.offset, place, Code::AlgorithmMismatch, message, told(|| help.to_owned()));
        return None;
    }
    Some(algorithm)
}
