//! The part of an authorizer that logs people in: the application at the provider, and the provider's addresses.

use std::rc::Rc;

use super::address::{Scheme, read_url};
use super::authorizer::{SECRET_MIN_BYTES, note_if_weak};
use super::reader::{Findings, ObjectReader, Place, Written, note_if_empty};
use crate::secret::Secret;

/// Scopes asked for at login where the config names none: those of the OpenID Connect profile.
pub(super) const SCOPE_DEFAULT: &str = "openid profile email";

/// How long the answer to a refresh is given again to a late duplicate unless the config says otherwise.
pub(super) const ROTATION_GRACE_DEFAULT_SECS: u64 = 10;

/// A longer grace would keep tokens in memory for longer than any retry takes.
pub(super) const ROTATION_GRACE_MAX_SECS: u64 = 60;

/// An application at an identity provider.
#[derive(Clone)]
pub struct Provider {
    /// The application at the provider.
    pub client_id: String,
    /// The application's secret; without one the code exchange relies on PKCE alone.
    pub client_secret: Option<Secret<String>>,
    /// What login state is sealed with, where it is not the client secret.
    pub sealing_key: Option<Secret<String>>,
    /// Where the provider sends the browser after login.
    pub redirect_uri: Option<String>,
    /// Scopes asked for at login, separated by spaces.
    pub scope: String,
    /// The API that access tokens are asked for.
    pub audience: Option<String>,
    /// How long a late duplicate of a refresh gets the first one's answer; 0 turns that off.
    pub rotation_grace_secs: u32,
    /// The provider's addresses; `None` where they stand in its discovery document.
    pub endpoints: Option<Rc<Endpoints>>,
}

impl Provider {
    /// Tells whether login states are sealed with a secret that can be found by trying: the provider chose it, so it is no mistake.
    pub fn seals_weakly(&self) -> bool {
        let secret = self.client_secret.as_ref().filter(|_| self.sealing_key.is_none());
        secret.is_some_and(|secret| secret.expose().len() < SECRET_MIN_BYTES)
    }
}

/// The addresses of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Where logins begin.
    pub authorization: String,
    /// Where codes and refresh tokens are exchanged.
    pub token: String,
    /// Where profiles are; not every provider has any.
    pub userinfo: Option<String>,
    /// Where refresh tokens are revoked (RFC 7009); not every provider does that.
    pub revocation: Option<String>,
    /// Where a browser is logged out of the provider, and the parameter that says where it goes from there.
    pub logout: Option<(String, &'static str)>,
    /// Whether the application shows its secret in a header (`client_secret_basic`) and not in the form.
    pub basic: bool,
    /// Whether it names itself in every authorization response (RFC 9207 section 3).
    pub names_itself: bool,
}

impl Endpoints {
    /// Gives those of an Auth0 tenant.
    pub fn of_auth0(origin: &str) -> Self {
        let at = |path: &str| format!("{origin}{path}");
        Self {
            authorization: at("/authorize"),
            token: at("/oauth/token"),
            userinfo: Some(at("/userinfo")),
            revocation: Some(at("/oauth/revoke")),
            logout: Some((at("/v2/logout"), "returnTo")),
            basic: false,
            names_itself: false,
        }
    }
}

/// What paths and sessions need to know of a provider that could be read in part.
#[derive(Clone, Copy)]
pub(super) struct ProviderKeys {
    pub redirect_uri: bool,
    pub sealing_secret: bool,
    pub audience: bool,
}

/// Reads the application of an authorizer whose provider has `endpoints`.
pub(super) fn read_provider(
    object: &mut ObjectReader<'_>,
    audience: Option<&Written<'_>>,
    endpoints: Option<Rc<Endpoints>>,
    findings: &mut Findings<'_>,
) -> (Option<Provider>, ProviderKeys) {
    let place = object.place();
    let client_id = object.required_text("client_id", findings);
    let client_secret = object.text("client_secret", findings);
    let sealing_key = object.text("sealing_key", findings);
    let scope = object.text("scope", findings);
    for (key, written) in [("client_id", &client_id), ("client_secret", &client_secret)] {
        note_if_empty(written.as_ref(), &Place::Key(place, key), findings);
    }
    // Whoever opens the login path has something that it sealed.
    if let Some(written) = &sealing_key {
        note_if_weak(written, "make one with `openssl rand -base64 48`", &Place::Key(place, "sealing_key"), findings);
    }
    // The older gateway's other name for it, which is judged only where it counts.
    let [named, older] = ["redirect_uri", "callback_uri"].map(|key| Some((key, object.text(key, findings)?)));
    let redirect_uri = named.or(older).map(|(key, written)| {
        let url = read_url(&written, Scheme::HttpsOrNative, &Place::Key(place, key), findings);
        url.map(|url| url.as_str().to_owned())
    });
    let rotation_grace_secs = read_rotation_grace(object, findings);

    let keys = ProviderKeys {
        redirect_uri: redirect_uri.is_some(),
        sealing_secret: client_secret.is_some() || sealing_key.is_some(),
        audience: audience.is_some(),
    };
    let owned = |written: Option<&Written<'_>>| written.and_then(|written| written.value().map(str::to_owned));
    let provider = owned(client_id.as_ref()).map(|client_id| Provider {
        client_id,
        client_secret: owned(client_secret.as_ref()).map(Secret::new),
        sealing_key: owned(sealing_key.as_ref()).map(Secret::new),
        redirect_uri: redirect_uri.flatten(),
        scope: owned(scope.as_ref()).unwrap_or_else(|| SCOPE_DEFAULT.to_owned()),
        audience: owned(audience),
        rotation_grace_secs,
        endpoints,
    });
    (provider, keys)
}

/// Reads for how long the answer to a refresh is kept for a late duplicate.
pub(super) fn read_rotation_grace(object: &mut ObjectReader<'_>, findings: &mut Findings<'_>) -> u32 {
    let range = 0..=ROTATION_GRACE_MAX_SECS;
    let seconds = object.integer("rotation_grace_seconds", range, ROTATION_GRACE_DEFAULT_SECS, findings);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}
