//! The `authorizer` and `authorizers` sections: whose tokens are accepted.

pub(crate) mod algorithm;
pub(crate) mod discovery;
pub(crate) mod keys;

use crate::config::code::Code;
use std::rc::Rc;

use serde_json::Value as Json;

use super::address::{read_domain, read_https};
use super::api_key::{ApiKeys, read_api_keys};
#[cfg(not(target_os = "unknown"))]
use super::claims::CLAIMS;
use super::claims::read_claims;
use super::client::TOKEN_ENDPOINT_AUTH_METHOD;
use super::document::{Member, Node, Value};
use super::dpop::{DPOP, Dpop, read_dpop};
use super::host_only::HostOnly;
#[cfg(not(target_os = "unknown"))]
use super::introspection::Asked;
use super::introspection::{Introspection, read_introspection};
use super::provider::{Endpoints, WrittenProvider, read_provider};
use super::reader::{Findings, ObjectReader, Place, Written, advice, host_help};
#[cfg(not(target_os = "unknown"))]
use super::reference::Reference;
use super::root;
use super::shared_secret::note_if_weak;
use crate::algorithm::Algorithm;
use crate::jwks::{KeySet, mistaken_for_key_set};
use crate::secret::Secret;
use algorithm::read_algorithm;
pub use discovery::Tenant;
use discovery::{discovery_url, read_tenants};
pub use keys::CLOCK_SKEW_DEFAULT_SECS;
use keys::{ALGORITHMS_DEFAULT, Kind, SUPABASE_ALGORITHMS_DEFAULT, SUPABASE_AUDIENCE};

/// An issuer whose tokens are accepted, and the rules for them.
pub struct Authorizer {
    /// Its name among several.
    pub name: String,
    /// The only `iss` that is accepted, unless it has `tenants`.
    pub issuer: String,
    /// The tenants that its placeholder stands for.
    pub tenants: Vec<Tenant>,
    /// What `aud` must contain.
    pub audience: String,
    /// The claim of access tokens that must contain it as well, and may be there instead of `aud`.
    pub audience_claim: Option<String>,
    /// Claims that access tokens must have, as [`Requirements`](super::Requirements) has them.
    pub claims: Vec<(String, Json)>,
    /// What signatures are verified with.
    pub keys: KeySource,
    /// The algorithms a token may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// How far the clocks may differ.
    pub clock_skew_secs: i64,
    /// How long one call to the issuer may take.
    pub timeout_ms: u32,
    /// How tokens are taken that are bound to a key, on paths that do not say.
    pub dpop: Option<Rc<Dpop>>,
    /// Whether it is a project of Supabase, whose tokens SAG checked in another way.
    pub is_supabase: bool,
    /// Whether a path of the config logs people in there, or it is asked about tokens.
    pub logs_in: bool,
}

impl Authorizer {
    /// Returns what it knows of API keys, if its credentials are those.
    pub fn api_keys(&self) -> Option<&Rc<ApiKeys>> {
        match &self.keys {
            KeySource::ApiKeys(keys) => Some(keys),
            KeySource::KeySet(_) | KeySource::Discovery(_) | KeySource::Given(_) => None,
        }
    }

    /// Checks whether this is one of the issuers that are accepted.
    pub fn accepts_issuer(&self, issuer: &str) -> bool {
        self.issuers().contains(&issuer)
    }

    /// Returns each `iss` that is accepted.
    pub fn issuers(&self) -> Vec<&str> {
        match self.tenants.as_slice() {
            [] if self.issuer.is_empty() => Vec::new(),
            [] => vec![&self.issuer],
            tenants => tenants.iter().map(|tenant| tenant.issuer.as_str()).collect(),
        }
    }
}

/// The rules for an authorizer's tokens, as far as they are known if a reference has no value.
#[cfg(not(target_os = "unknown"))]
pub struct TokenRules {
    /// The authorizer's name among several.
    pub name: String,
    /// The only `iss` that is accepted, unless it has `tenants`.
    pub issuer: Option<String>,
    /// The tenants that its placeholder stands for.
    pub tenants: Option<Vec<Tenant>>,
    /// What `aud` must contain.
    pub audience: Option<String>,
    /// The claim that must contain it as well; `Some(None)` if that is not known.
    pub audience_claim: Option<Option<String>>,
    /// Claims that tokens must have, each with its value as it is written; one that is not known is `null`.
    pub claims: Vec<((String, Json), Json)>,
    /// The application that logs people in, if the authorizer is of such a type.
    pub client_id: Option<String>,
    /// What signatures are verified with.
    pub keys: Option<KeySource>,
    /// The algorithms a token may be signed with.
    pub algorithms: Option<Vec<Algorithm>>,
    /// How far the clocks may differ.
    pub clock_skew_secs: i64,
    /// Which tokens the provider is asked about, if that is known.
    pub asked: Option<Asked>,
    /// How tokens are taken that are bound to a key.
    pub dpop: Option<Rc<Dpop>>,
    /// The reference that the issuer comes from, if it comes from one.
    pub issuer_reference: Option<Reference>,
    /// The same of the audience.
    pub audience_reference: Option<Reference>,
    /// The same of the keys, or of where they are.
    pub keys_reference: Option<Reference>,
}

/// Where keys come from.
#[derive(Clone)]
pub enum KeySource {
    /// A key set at this address.
    KeySet(String),
    /// The key set that the discovery document at this address names (OpenID Connect Discovery 1.0).
    Discovery(String),
    /// Keys in the config.
    Given(Rc<KeySet>),
    /// None: its credentials are API keys.
    ApiKeys(Rc<ApiKeys>),
}

/// An authorizer as it is written.
#[derive(Clone)]
#[cfg_attr(target_os = "unknown", expect(dead_code, reason = "in part for people alone"))]
pub(crate) struct WrittenAuthorizer<'n> {
    /// Its name among several.
    pub name: &'n str,
    /// Its type, if that is known.
    pub kind: Option<Kind>,
    /// The only `iss` that is accepted, if that is known here, unless it has `tenants`.
    pub issuer: Option<String>,
    /// The tenants that its placeholder stands for; `None` if one is wrong, or not known here.
    pub tenants: Option<Vec<Tenant>>,
    /// What `aud` must contain, if that is known here.
    pub audience: Option<String>,
    /// The claim that must contain it as well.
    pub audience_claim: Option<Written<'n>>,
    /// Claims that access tokens must have.
    pub claims: Vec<(String, Json)>,
    /// What signatures are verified with, if that is known here.
    pub keys: Option<KeySource>,
    /// The algorithms a token may be signed with, if they are known here.
    pub algorithms: Option<Vec<Algorithm>>,
    /// How far the clocks may differ.
    pub clock_skew_secs: i64,
    /// How long one call to the issuer may take.
    pub timeout_ms: u32,
    /// How tokens are taken that are bound to a key, on paths that do not say.
    pub dpop: Option<Rc<Dpop>>,
    /// The application that logs people in; `None` if its type has none, or is not known.
    pub provider: Option<WrittenProvider<'n>>,
    /// How the provider is asked about access tokens; `None` if it is not, and `Some(None)` if that is wrong, or not known here.
    pub introspection: Option<Option<Introspection>>,
    /// The codes of warnings that are not reported of it.
    pub allow: HostOnly<Vec<Written<'n>>>,
    /// Byte offset of its name.
    pub name_offset: HostOnly<usize>,
    /// Its contents.
    pub texts: HostOnly<AuthorizerTexts<'n>>,
    /// The object.
    pub node: HostOnly<&'n Node<'n>>,
}

/// The keys of an authorizer, besides its [`WrittenProvider`].
#[derive(Clone, Copy, Default)]
#[cfg_attr(target_os = "unknown", expect(dead_code, reason = "in part for people alone"))]
pub(crate) struct AuthorizerTexts<'n> {
    /// The tenant's domain.
    pub domain: Option<Written<'n>>,
    /// The issuer.
    pub issuer: Option<Written<'n>>,
    /// The audience.
    pub audience: Option<Written<'n>>,
    /// The secret, the key set or its address.
    pub keys: Option<Written<'n>>,
}

impl<'n> WrittenAuthorizer<'n> {
    /// Begins with nothing known, so that nothing is said to be missing.
    fn unread(name: &'n str, node: &'n Node<'n>, name_offset: HostOnly<usize>) -> Self {
        Self {
            name,
            kind: None,
            issuer: None,
            tenants: None,
            audience: None,
            audience_claim: None,
            claims: Vec::new(),
            keys: None,
            algorithms: None,
            clock_skew_secs: 0,
            timeout_ms: 0,
            dpop: None,
            provider: None,
            introspection: None,
            allow: HostOnly::default(),
            name_offset,
            texts: HostOnly::default(),
            node: HostOnly::of(|| node),
        }
    }

    /// Returns the rules for its tokens; `None` if one of them is wrong, or not known here. Whether a path `logs_in` there decides what
    /// its discovery document must have.
    pub fn authorizer(&self, logs_in: bool) -> Option<Authorizer> {
        let Self { issuer: Some(issuer), tenants: Some(tenants), audience: Some(audience), .. } = self else {
            return None;
        };
        let (keys, algorithms) = self.keys.as_ref().zip(self.algorithms.as_ref())?;
        let audience_claim = self.audience_claim.map_or(Some(None), |claim| claim.value().map(Some))?;
        Some(Authorizer {
            name: self.name.to_owned(),
            issuer: issuer.clone(),
            tenants: tenants.clone(),
            audience: audience.clone(),
            audience_claim: audience_claim.map(str::to_owned),
            claims: self.claims.clone(),
            keys: keys.clone(),
            algorithms: algorithms.clone(),
            clock_skew_secs: self.clock_skew_secs,
            timeout_ms: self.timeout_ms,
            dpop: self.dpop.clone(),
            is_supabase: self.kind == Some(Kind::Supabase),
            logs_in,
        })
    }

    /// Returns what `aud` must contain, as it is written: without an audience, the application.
    #[cfg(not(target_os = "unknown"))]
    pub fn written_audience(&self) -> Option<Written<'n>> {
        self.texts.audience.or(self.provider.as_ref().and_then(|provider| provider.client.id))
    }

    /// Returns what is known of the rules for its tokens.
    #[cfg(not(target_os = "unknown"))]
    pub fn token_rules(&self) -> TokenRules {
        let AuthorizerTexts { domain, issuer, keys, .. } = *self.texts;
        let reference = |written: Option<Written<'n>>| Reference::parse(written?.text.as_written()?)?.ok();
        let claims = self.node.at(&CLAIMS).map(Node::members).unwrap_or_default();
        let as_written = claims.iter().map(|member| member.node.as_written());
        TokenRules {
            issuer_reference: reference(issuer.or(domain)),
            audience_reference: reference(self.written_audience()),
            keys_reference: reference(keys.or(domain).or(issuer)),
            name: self.name.to_owned(),
            issuer: self.issuer.clone(),
            tenants: self.tenants.clone(),
            audience: self.audience.clone(),
            audience_claim: self.audience_claim.map(Written::to_text),
            claims: self.claims.iter().cloned().zip(as_written).collect(),
            client_id: self.provider.as_ref().and_then(|provider| provider.client.id?.to_text()),
            keys: self.keys.clone(),
            algorithms: self.algorithms.clone(),
            clock_skew_secs: self.clock_skew_secs,
            asked: self.introspection.as_ref().and_then(|known| Some(known.as_ref()?.asked)),
            dpop: self.dpop.clone(),
        }
    }

    /// Returns what its credentials name by which they are told from those of others, as far as it is known here: the prefix of keys, or
    /// each issuer of tokens.
    pub fn marks(&self) -> Vec<(bool, &str)> {
        if let Some(KeySource::ApiKeys(keys)) = &self.keys {
            return vec![(true, &keys.prefix)];
        }
        let mut marks = Vec::new();
        match self.tenants.as_deref().unwrap_or_default() {
            [] => {
                marks.extend(self.issuer.as_deref().filter(|issuer| !issuer.is_empty()).map(|issuer| (false, issuer)))
            }
            tenants => {
                for tenant in tenants {
                    marks.push((false, tenant.issuer.as_str()));
                }
            }
        }
        marks
    }

    /// Checks whether people can log in at it; at one whose type is not known, they may.
    pub fn can_log_in(&self) -> bool {
        self.kind.is_none() || self.provider.is_some()
    }
}

/// Name of the only authorizer, if it is under `authorizer`.
pub(crate) const ONLY_AUTHORIZER: &str = "default";

/// Reads the sections; none if the file has neither.
pub(super) fn read_authorizers<'n>(
    root: &mut ObjectReader<'n, '_>,
    findings: &mut Findings<'_>,
) -> Vec<WrittenAuthorizer<'n>> {
    let one = root.node(&root::AUTHORIZER);
    let several = root.node(&root::AUTHORIZERS);
    if let Some(node) = several.filter(|_| one.is_some()) {
        let message = format_args!("the config has an authorizer and authorizers");
        let help = advice("put all of them under \"authorizers\"");
        findings.note(node.offset, &root::AUTHORIZERS.at(root.place()), Code::TwoAuthorizers, message, help);
    }
    let mut read = Vec::new();
    if let Some(node) = one {
        let place = root::AUTHORIZER.at(root.place());
        let name_offset = HostOnly::of(|| key_offset(root.itself(), node));
        let authorizer = WrittenAuthorizer::unread(ONLY_AUTHORIZER, node, name_offset);
        read.push(read_authorizer(authorizer, node, &place, findings));
    }
    if let Some(node) = several {
        let place = root::AUTHORIZERS.at(root.place());
        let members = ObjectReader::open(node, &place, findings).map(|object| object.free_members());
        for Member { key, key_offset, node } in members.unwrap_or_default() {
            if findings.is_full() {
                break;
            }
            let authorizer = WrittenAuthorizer::unread(key, node, HostOnly::of(|| *key_offset));
            let place = Place::Key(&place, key);
            let authorizer = read_authorizer(authorizer, node, &place, findings);
            #[cfg(not(target_os = "unknown"))]
            note_shared_keys(&authorizer, &read, &place, findings);
            read.push(authorizer);
        }
    }
    read
}

/// Notes if an authorizer accepts the keys of another: the keys in one namespace that begin alike.
#[cfg(not(target_os = "unknown"))]
fn note_shared_keys(
    authorizer: &WrittenAuthorizer<'_>,
    others: &[WrittenAuthorizer<'_>],
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) {
    let kept = |one: &WrittenAuthorizer<'_>| match &one.keys {
        Some(KeySource::ApiKeys(keys)) => keys.kv.as_ref().map(|kv| (kv.clone(), keys.prefix.clone())),
        _ => None,
    };
    let own = kept(authorizer);
    if let Some(other) = others.iter().find(|other| own.is_some() && kept(other) == own) {
        let help = advice("give each a prefix or a namespace of its own");
        let message = format_args!("the keys of \"{}\" have this prefix and this namespace, too", other.name);
        findings.note(*authorizer.name_offset, place, Code::AmbiguousAuthorizers, message, help);
    }
}

/// Returns the byte offset of the key whose value is `node`.
fn key_offset(object: &Node<'_>, node: &Node<'_>) -> usize {
    let Value::Object(members) = &object.value else { return node.offset };
    let member = members.iter().find(|member| std::ptr::eq(&member.node, node));
    member.map_or(node.offset, |member| member.key_offset)
}

fn read_authorizer<'n>(
    mut unread: WrittenAuthorizer<'n>,
    node: &'n Node<'n>,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> WrittenAuthorizer<'n> {
    let Some(mut object) = ObjectReader::open(node, place, findings) else { return unread };
    unread.allow = object.allowed_warnings(findings);
    let kind = object.choice(&keys::TYPE, findings).and_then(|(_, kind)| kind);
    // One that has a domain was meant to be Auth0's, and its other mistakes are reported as well.
    let kind = kind.or_else(|| object.node(&keys::auth0::DOMAIN).map(|_| Kind::Auth0));
    unread.kind = kind;
    let Some(kind) = kind else { return unread };

    if kind == Kind::ApiKey {
        let keys = read_api_keys(&mut object, unread.name, findings);
        object.finish(findings);
        // It has no issuer, and what names none is not compared with one.
        (unread.issuer, unread.audience) = (Some(String::new()), Some(String::new()));
        (unread.tenants, unread.algorithms) = (Some(Vec::new()), Some(Vec::new()));
        unread.keys = keys.map(|keys| KeySource::ApiKeys(Rc::new(keys)));
        return unread;
    }
    let domain = match kind {
        Kind::Auth0 => object.text(&keys::auth0::DOMAIN, findings),
        Kind::Jwt | Kind::Supabase | Kind::Oidc | Kind::ApiKey => None,
    };
    let origin = domain.and_then(|domain| read_domain(&domain, &keys::auth0::DOMAIN.at(place), findings));
    let issuer_key = match kind {
        Kind::Auth0 => &keys::auth0::ISSUER,
        Kind::Jwt | Kind::ApiKey => &keys::jwt::ISSUER,
        Kind::Supabase => &keys::supabase::ISSUER,
        Kind::Oidc => &keys::oidc::ISSUER,
    };
    let own_issuer = object.text(issuer_key, findings);
    if let Some(written) = own_issuer.as_ref().filter(|_| matches!(kind, Kind::Auth0 | Kind::Oidc)) {
        read_https(written, &issuer_key.at(place), findings);
    }
    let own_audience = object.text(if kind == Kind::Jwt { &keys::jwt::AUDIENCE } else { &keys::AUDIENCE }, findings);
    let issuer = match own_issuer {
        Some(written) => written.to_text(),
        None => origin.as_ref().map(|origin| format!("{origin}/")),
    };

    let tenants = match kind {
        Kind::Oidc => read_tenants(&mut object, own_issuer.as_ref(), findings),
        Kind::Auth0 | Kind::Jwt | Kind::Supabase | Kind::ApiKey => Some(Vec::new()),
    };
    let audience_claim = object.text(&keys::AUDIENCE_CLAIM, findings);
    let claims = read_claims(&mut object, findings);
    let (keys, by_secret, written_keys) =
        read_keys(&mut object, kind, origin.as_deref(), own_issuer.as_ref(), findings);
    let algorithms = read_algorithms(&mut object, kind, by_secret, findings);
    let clock_skew_secs = object.integer(&keys::CLOCK_SKEW_SECONDS, findings);
    let timeout_ms = object.integer(&keys::TIMEOUT_MS, findings);
    let dpop = read_dpop(&mut object, &DPOP, findings);
    let provider = match kind {
        Kind::Auth0 | Kind::Oidc => {
            let endpoints = origin.as_deref().map(Endpoints::of_auth0).map(Rc::new);
            read_provider(&mut object, own_audience, endpoints, kind == Kind::Auth0, findings)
        }
        Kind::Jwt | Kind::Supabase | Kind::ApiKey => None,
    };
    if kind == Kind::Oidc && provider.is_none() {
        // There is no client that tokens could be for instead.
        object.required(&keys::AUDIENCE, findings);
    }
    let asserts = provider.as_ref().is_some_and(|provider| provider.client.signs());
    if asserts
        && tenants.as_ref().is_some_and(|tenants| !tenants.is_empty())
        && let Some(node) = object.node(&TOKEN_ENDPOINT_AUTH_METHOD)
    {
        let message = format_args!("an assertion is for one issuer, and this one stands for several tenants");
        let help = advice("use a \"client_secret\", or write the \"issuer\" of one tenant");
        findings.note(node.offset, &TOKEN_ENDPOINT_AUTH_METHOD.at(place), Code::UnknownValue, message, help);
    }
    let introspection = match (&provider, kind) {
        (Some(provider), Kind::Oidc) => read_introspection(&mut object, &provider.client, findings),
        _ => None,
    };
    object.finish(findings);

    let audience = match (own_audience, kind) {
        (Some(written), _) => written.to_text(),
        (None, Kind::Supabase) => Some(SUPABASE_AUDIENCE.to_owned()),
        (None, Kind::Auth0 | Kind::Jwt | Kind::Oidc | Kind::ApiKey) => {
            provider.as_ref().and_then(|provider| provider.client.id?.to_text())
        }
    };
    WrittenAuthorizer {
        issuer,
        tenants,
        audience,
        audience_claim,
        claims,
        keys,
        algorithms,
        clock_skew_secs: clock_skew_secs.into(),
        timeout_ms,
        dpop,
        provider,
        introspection,
        texts: HostOnly::of(|| AuthorizerTexts {
            domain,
            issuer: own_issuer,
            audience: own_audience,
            keys: written_keys.into_inner(),
        }),
        ..unread
    }
}

/// Reads what signatures are verified with, whether that is a shared secret, and as what it is written.
fn read_keys<'n>(
    object: &mut ObjectReader<'n, '_>,
    kind: Kind,
    origin: Option<&str>,
    issuer: Option<&Written<'_>>,
    findings: &mut Findings<'_>,
) -> (Option<KeySource>, bool, HostOnly<Option<Written<'n>>>) {
    let place = object.place();
    let secret_key = match kind {
        Kind::Jwt => Some(&keys::jwt::SECRET),
        Kind::Supabase => Some(&keys::supabase::SECRET),
        Kind::Auth0 | Kind::ApiKey => None,
        Kind::Oidc => {
            let own = object.text(&keys::oidc::DISCOVERY_URL, findings);
            let url = discovery_url(own.as_ref(), issuer, place, findings);
            return (url.map(KeySource::Discovery), false, HostOnly::of(|| own));
        }
    };
    let secret = secret_key.and_then(|key| Some((object.text(key, findings)?, key.at(place))));
    let given = object.text(&keys::JWKS, findings);
    let uri = object.text(&keys::JWKS_URI, findings);
    let written = HostOnly::of(|| secret.as_ref().map(|(written, _)| *written).or(given).or(uri));
    let sources = u8::from(secret.is_some()) + u8::from(given.is_some()) + u8::from(uri.is_some());
    if let Some(secret_key) = secret_key.filter(|_| sources != 1) {
        let message = format_args!(
            "exactly one of \"{}\", \"jwks\" and \"jwks_uri\" is needed; here are {sources}",
            secret_key.name
        );
        let code = if sources == 0 { Code::MissingKey } else { Code::TwoKeySources };
        let help = advice("keep exactly one").about([secret_key.name, keys::JWKS.name, keys::JWKS_URI.name]);
        findings.note(object.offset(), place, code, message, help);
    }
    let uri = uri.map(|written| read_https(&written, &keys::JWKS_URI.at(place), findings).map(KeySource::KeySet));
    if let Some((secret, place)) = secret {
        return (read_secret(&secret, &place, findings), true, written);
    }
    if let Some(given) = given {
        return (read_key_set(&given, &keys::JWKS.at(place), findings), false, written);
    }
    let keys = uri.unwrap_or_else(|| Some(KeySource::KeySet(format!("{}/.well-known/jwks.json", origin?))));
    (keys, false, written)
}

fn read_secret(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<KeySource> {
    let secret = written.value()?;
    let help = "make one with `openssl rand -base64 48`, and give it to the issuer as well; public keys are given as \"jwks\" or \
                \"jwks_uri\"";
    note_if_weak(written, help, place, findings);
    Some(KeySource::Given(Rc::new(KeySet::of_secret(&Secret::new(secret.to_owned())))))
}

fn read_key_set(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<KeySource> {
    match KeySet::parse(written.value()?) {
        Ok(set) => Some(KeySource::Given(Rc::new(set))),
        Err(error) => {
            let help = host_help(|| {
                let usual = "write the JWKS as one string of JSON, or its address as \"jwks_uri\"";
                mistaken_for_key_set(written.value().unwrap_or_default()).unwrap_or(usual).to_owned()
            });
            findings.note(written.offset, place, Code::InvalidJwks, format_args!("{error}"), help);
            None
        }
    }
}

/// Returns the algorithms that are allowed; `None` if a reference among them has no value.
fn read_algorithms(
    object: &mut ObjectReader<'_, '_>,
    kind: Kind,
    by_secret: bool,
    findings: &mut Findings<'_>,
) -> Option<Vec<Algorithm>> {
    let place = keys::ALGORITHMS.at(object.place());
    // The older gateway's way to name the one.
    let one = match kind {
        Kind::Jwt => object.text(&keys::jwt::ALGORITHM, findings),
        Kind::Auth0 | Kind::Supabase | Kind::Oidc | Kind::ApiKey => None,
    };
    if let Some(written) = one {
        let place = keys::jwt::ALGORITHM.at(object.place());
        return read_algorithm(&written, by_secret, &place, findings).map(|algorithm| vec![algorithm]);
    }
    let Some(offset) = object.node(&keys::ALGORITHMS).map(|node| node.offset) else {
        return Some(match kind {
            _ if by_secret => vec![Algorithm::Hs256],
            Kind::Supabase => SUPABASE_ALGORITHMS_DEFAULT.to_vec(),
            Kind::Auth0 | Kind::Jwt | Kind::Oidc | Kind::ApiKey => ALGORITHMS_DEFAULT.to_vec(),
        });
    };
    let listed = object.texts(&keys::ALGORITHMS, findings);
    if listed.is_empty() {
        let help = advice("remove the key to use the default");
        findings.note(offset, &place, Code::EmptyList, format_args!("no algorithm is allowed"), help);
    }
    // Each is read, so that every mistake is reported.
    let mut algorithms = Vec::new();
    for (index, written) in listed.iter().enumerate() {
        algorithms.extend(read_algorithm(written, by_secret, &Place::Index(&place, index), findings));
    }
    (algorithms.len() == listed.len()).then_some(algorithms)
}
