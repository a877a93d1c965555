//! The `authorizer` section: which identity provider, and which of its tokens are believed.

use super::address::{Scheme, read_domain, read_url};
use super::algorithm::Algorithm;
use super::reader::{Findings, ObjectReader, Place, Written, choose, note_if_empty, shown};
use crate::secret::Secret;

/// Scopes asked for at login where the config names none: those of the OpenID Connect profile.
const SCOPE_DEFAULT: &str = "openid profile email";

/// Clocks of gateway and provider may differ by this much unless the config says otherwise.
const CLOCK_SKEW_DEFAULT_SECS: u64 = 30;

/// A larger skew would let tokens live on for longer than people expect of "expired".
const CLOCK_SKEW_MAX_SECS: u64 = 300;

/// How long a call to the provider may take unless the config says otherwise.
const TIMEOUT_DEFAULT_MS: u64 = 10_000;

/// The longest that a call to the provider may be given: work goes on for 30 s at the most after its client has hung up, and an
/// exchange that is cut off then would cost the login.
const TIMEOUT_MAX_MS: u64 = 25_000;

/// How long the answer to a refresh is given again to a late duplicate unless the config says otherwise.
const ROTATION_GRACE_DEFAULT_SECS: u64 = 10;

/// A longer grace would keep tokens in memory for longer than any retry takes.
const ROTATION_GRACE_MAX_SECS: u64 = 60;

/// An Auth0 tenant, or a provider with Auth0's addresses.
#[derive(Clone)]
pub struct Auth0 {
    /// Origin of the tenant, without a slash at its end.
    pub origin: String,
    /// The only `iss` that is believed.
    pub issuer: String,
    /// The application at the provider.
    pub client_id: String,
    /// The application's secret; without one the code exchange relies on PKCE alone.
    pub client_secret: Option<Secret<String>>,
    /// What login state is sealed with, where it is not the client secret.
    pub sealing_key: Option<Secret<String>>,
    /// Where the provider sends the browser after login.
    pub redirect_uri: Option<String>,
    /// Address of the key set.
    pub jwks_uri: String,
    /// Scopes asked for at login, separated by spaces.
    pub scope: String,
    /// The API that access tokens are for.
    pub audience: Option<String>,
    /// The algorithms a token may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// How far the clocks may differ.
    pub clock_skew_secs: i64,
    /// How long one call to the provider may take.
    pub timeout_ms: u32,
    /// How long a late duplicate of a refresh gets the first one's answer; 0 turns that off.
    pub rotation_grace_secs: u32,
}

impl Auth0 {
    /// Gives the address of an endpoint, such as `/oauth/token`.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Gives the `aud` that an access token must contain.
    pub fn expected_audience(&self) -> &str {
        self.audience.as_deref().unwrap_or(&self.client_id)
    }
}

/// Whether the file has an authorizer, and what of it could be read.
pub(super) struct ReadAuthorizer {
    pub auth0: Option<Auth0>,
    pub has_redirect_uri: bool,
    pub has_sealing_secret: bool,
    pub has_audience: bool,
}

/// Reads the section; `None` where the file has none.
pub(super) fn read_authorizer(root: &mut ObjectReader<'_>, findings: &mut Findings<'_>) -> Option<ReadAuthorizer> {
    let node = root.node("authorizer")?;
    let place = Place::Key(root.place(), "authorizer");
    let Some(mut object) = ObjectReader::open(node, &place, findings) else {
        let (has_redirect_uri, has_sealing_secret, has_audience) = (true, true, true);
        return Some(ReadAuthorizer { auth0: None, has_redirect_uri, has_sealing_secret, has_audience });
    };

    if let Some(kind) = object.required_text("type", findings) {
        choose(&kind, &[("auth0", ())], &Place::Key(&place, "type"), findings);
    }
    let domain = object.required_text("domain", findings);
    let origin = domain.and_then(|domain| read_domain(&domain, &Place::Key(&place, "domain"), findings));
    let client_id = object.required_text("client_id", findings);
    let client_secret = object.text("client_secret", findings);
    let sealing_key = object.text("sealing_key", findings);
    let mut url = |key: &'static str, findings: &mut Findings<'_>| {
        let written = object.text(key, findings)?;
        let url = read_url(&written, Scheme::Https, &Place::Key(&place, key), findings);
        Some(url.map(|url| {
            if key == "issuer" { written.value().unwrap_or_default().to_owned() } else { url.as_str().to_owned() }
        }))
    };
    let redirect_uri = url("redirect_uri", findings);
    let jwks_uri = url("jwks_uri", findings);
    let issuer = url("issuer", findings);
    let scope = object.text("scope", findings);
    let audience = object.text("audience", findings);
    for (key, written) in [
        ("client_id", &client_id),
        ("client_secret", &client_secret),
        ("sealing_key", &sealing_key),
        ("audience", &audience),
    ] {
        note_if_empty(written.as_ref(), &Place::Key(&place, key), findings);
    }
    let algorithms = read_algorithms(&mut object, findings);
    let clock_skew_secs =
        object.integer("clock_skew_seconds", 0..=CLOCK_SKEW_MAX_SECS, CLOCK_SKEW_DEFAULT_SECS, findings);
    let timeout_ms = object.integer("timeout_ms", 1..=TIMEOUT_MAX_MS, TIMEOUT_DEFAULT_MS, findings);
    let rotation_grace_secs = read_rotation_grace(&mut object, findings);
    object.finish(findings);

    let has_redirect_uri = redirect_uri.is_some();
    let has_sealing_secret = client_secret.is_some() || sealing_key.is_some();
    let has_audience = audience.is_some();
    let owned = |written: Option<Written<'_>>| written.and_then(|written| written.value().map(str::to_owned));
    let auth0 = origin.zip(owned(client_id)).map(|(origin, client_id)| Auth0 {
        issuer: issuer.flatten().unwrap_or_else(|| format!("{origin}/")),
        client_id,
        client_secret: owned(client_secret).map(Secret::new),
        sealing_key: owned(sealing_key).map(Secret::new),
        redirect_uri: redirect_uri.flatten(),
        jwks_uri: jwks_uri.flatten().unwrap_or_else(|| format!("{origin}/.well-known/jwks.json")),
        scope: owned(scope).unwrap_or_else(|| SCOPE_DEFAULT.to_owned()),
        audience: owned(audience),
        algorithms,
        clock_skew_secs: i64::try_from(clock_skew_secs).unwrap_or(i64::MAX),
        timeout_ms: u32::try_from(timeout_ms).unwrap_or(u32::MAX),
        rotation_grace_secs,
        origin,
    });
    Some(ReadAuthorizer { auth0, has_redirect_uri, has_sealing_secret, has_audience })
}

/// Reads for how long the answer to a refresh is kept for a late duplicate.
pub(super) fn read_rotation_grace(object: &mut ObjectReader<'_>, findings: &mut Findings<'_>) -> u32 {
    let range = 0..=ROTATION_GRACE_MAX_SECS;
    let seconds = object.integer("rotation_grace_seconds", range, ROTATION_GRACE_DEFAULT_SECS, findings);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

fn read_algorithms(object: &mut ObjectReader<'_>, findings: &mut Findings<'_>) -> Vec<Algorithm> {
    let place = Place::Key(object.place(), "algorithms");
    let Some(offset) = object.node("algorithms").map(|node| node.offset) else { return vec![Algorithm::Rs256] };
    let listed = object.texts("algorithms", findings);
    if listed.is_empty() {
        let help = "leave the key out for RS256".to_owned();
        findings.note(offset, &place, "empty_list", "no algorithm is allowed".to_owned(), Some(help));
    }
    listed
        .iter()
        .enumerate()
        .filter_map(|(index, written)| read_algorithm(written, &Place::Index(&place, index), findings))
        .collect()
}

fn read_algorithm(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Algorithm> {
    // The nearest name to that of an HMAC would be good advice for a typo, and this is none.
    if matches!(written.value(), Some("HS256" | "HS384" | "HS512")) {
        let message = format!("\"{}\" needs a shared secret, which no key set holds", shown(written));
        let help = "let the provider sign with RS256, or another of the algorithms here".to_owned();
        findings.note(written.offset, place, "unknown_value", message, Some(help));
        return None;
    }
    choose(written, &Algorithm::NAMES, place, findings)
}
