//! The part of an authorizer that logs people in: the application at the provider, and the provider's addresses.

use std::rc::Rc;

use super::address::WrittenUrl;
use super::reader::{Findings, ObjectReader, Place, Written, note_if_empty};
use super::weak_secret::note_if_weak;

/// Scopes asked for at login where the config names none: those of the OpenID Connect profile.
pub(super) const SCOPE_DEFAULT: &str = "openid profile email";

/// How long the answer to a refresh is given again to a late duplicate unless the config says otherwise.
pub(super) const ROTATION_GRACE_DEFAULT_SECS: u64 = 10;

/// A longer grace would keep tokens in memory for longer than any retry takes.
pub(super) const ROTATION_GRACE_MAX_SECS: u64 = 60;

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

/// An application at an identity provider, as it is written.
#[derive(Clone)]
pub(crate) struct WrittenProvider<'n> {
    /// The application at the provider.
    pub client_id: Option<Written<'n>>,
    /// The application's secret.
    pub client_secret: Option<Written<'n>>,
    /// What login state is sealed with, if it is not the client secret.
    pub sealing_key: Option<Written<'n>>,
    /// Where the provider sends the browser after login.
    pub redirect_uri: Option<WrittenUrl<'n>>,
    /// Scopes asked for at login, separated by spaces.
    pub scope: Option<Written<'n>>,
    /// The API that access tokens are asked for.
    pub audience: Option<Written<'n>>,
    /// How long a late duplicate of a refresh gets the first one's answer; 0 turns that off.
    pub rotation_grace_secs: u32,
    /// The provider's addresses; `None` if they stand in its discovery document, or are not known here.
    pub endpoints: Option<Rc<Endpoints>>,
}

/// Reads the application of an authorizer whose provider has `endpoints`.
pub(super) fn read_provider<'n>(
    object: &mut ObjectReader<'n, '_>,
    audience: Option<Written<'n>>,
    endpoints: Option<Rc<Endpoints>>,
    findings: &mut Findings<'_>,
) -> WrittenProvider<'n> {
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
    let redirect_uri =
        named.or(older).map(|(key, written)| WrittenUrl::read(written, &Place::Key(place, key), findings));
    let rotation_grace_secs = read_rotation_grace(object, findings);
    WrittenProvider {
        client_id,
        client_secret,
        sealing_key,
        redirect_uri,
        scope,
        audience,
        rotation_grace_secs,
        endpoints,
    }
}

/// Reads for how long the answer to a refresh is kept for a late duplicate.
pub(super) fn read_rotation_grace(object: &mut ObjectReader<'_, '_>, findings: &mut Findings<'_>) -> u32 {
    let range = 0..=ROTATION_GRACE_MAX_SECS;
    let seconds = object.integer("rotation_grace_seconds", range, ROTATION_GRACE_DEFAULT_SECS, findings);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}
