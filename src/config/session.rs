//! The `session` section: how long a session lasts, under which cookie, and where its login and logout lead.

use crate::config::code::Code;
use crate::http::cookie::HOST_PREFIX;
use crate::http::header::is_token;
use std::rc::Rc;

use super::address::{is_destination, read_origins};
use super::key::{Key, Text};
use super::login::Login;
use super::provider::{ROTATION_GRACE_DEFAULT_SECS, ROTATION_GRACE_MAX_SECS};
use super::reader::{Findings, ObjectReader, Place, Written, advice};
use super::root;
use super::section::section;

/// The cookie that binds login states to one browser; one for all tabs, so nothing grows.
pub const BINDING_COOKIE: &str = "__Host-bargate-login";

/// The default name of the session's cookie.
pub(super) const COOKIE_DEFAULT: &str = "__Host-bargate";

/// A session ends after this long without a request, by default: a long weekend.
pub(super) const IDLE_DEFAULT_SECS: u32 = 3 * DAY_SECS;

/// A session ends this long after its login, by default.
pub(super) const ABSOLUTE_DEFAULT_SECS: u32 = 30 * DAY_SECS;

/// The longest that either may be: browsers store no cookie for longer than 400 days.
pub const LIFETIME_MAX_SECS: u32 = 400 * DAY_SECS;

const DAY_SECS: u32 = 24 * 60 * 60;

/// An access token is renewed when it has less than this left, by default: it must still be valid for an upstream that checks it a
/// moment later.
pub(super) const RENEW_BEFORE_DEFAULT_SECS: u32 = 60;

/// The most that the config may choose for that.
pub(super) const RENEW_BEFORE_MAX_SECS: u32 = 3600;

/// What the claims of a session come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimsFrom {
    /// Its access token, which the authorizer must accept as it accepts a bearer token.
    AccessToken,
    /// The ID token of its login; the access token is only passed on.
    IdToken,
}

impl ClaimsFrom {
    /// Every choice by its name.
    pub const NAMES: [(&'static str, Self); 2] = [("access_token", Self::AccessToken), ("id_token", Self::IdToken)];
}

/// How the gateway keeps sessions for browsers.
pub struct Session {
    /// The rules.
    pub rules: SessionRules,
    /// The path that begins a login.
    pub login_path: String,
    /// The login that it begins.
    pub login: Rc<Login>,
}

/// How long a session lasts, under which cookie, and where its login and logout lead.
#[derive(Clone)]
pub struct SessionRules {
    /// Name of the cookie, which begins with [`HOST_PREFIX`].
    pub cookie: String,
    /// What its claims come from.
    pub claims_from: ClaimsFrom,
    /// A session ends after this long without a request.
    pub idle_secs: i64,
    /// A session ends this long after its login.
    pub absolute_secs: i64,
    /// Where a login without `return_to` leads.
    pub after_login: String,
    /// Where a logout without `return_to` leads.
    pub after_logout: String,
    /// Origins besides the gateway's own that logins and logouts may lead to.
    pub return_to_origins: Vec<String>,
    /// How long the result of a renewal is stored for a late duplicate; 0 turns that off.
    pub rotation_grace_secs: u32,
    /// How long before its end an access token is renewed.
    pub renew_before_secs: i64,
    /// Whether the list of a user's sessions says which browser each began in.
    pub keeps_user_agent: bool,
    /// Whether it says in which country.
    pub keeps_country: bool,
}

/// The section as it is written.
#[derive(Clone)]
pub(crate) struct WrittenSession<'n> {
    /// The rules; `None` if the section is not an object.
    pub rules: Option<SessionRules>,
    /// The path that begins a login.
    pub login_path: Option<Written<'n>>,
    /// Byte offset of the choice of claims, if it is known to be that of ID tokens.
    pub by_id_token: Option<usize>,
    /// Byte offsets of what has more of a login kept, as far as that is on.
    pub kept: [Option<usize>; 2],
    /// Byte offset of the section.
    pub offset: usize,
}

/// Reads the section; `None` if the file has none.
pub(super) fn read_session<'n>(
    root: &mut ObjectReader<'n, '_>,
    findings: &mut Findings<'_>,
) -> Option<WrittenSession<'n>> {
    let node = root.node(&root::SESSION)?;
    let place = root::SESSION.at(root.place());
    let offset = node.offset;
    let Some(mut object) = ObjectReader::open(node, &place, findings) else {
        return Some(WrittenSession { rules: None, login_path: None, by_id_token: None, kept: [None; 2], offset });
    };

    let cookie = object.text(&COOKIE, findings);
    let cookie = cookie.map(|written| read_cookie(&written, &COOKIE.at(&place), findings));
    // One that is not known here may be either, and then nothing is said to be missing.
    let claims_from = object.choice(&CLAIMS_FROM, findings);
    let by_id_token = claims_from.filter(|(_, known)| *known == Some(ClaimsFrom::IdToken));
    let by_id_token = by_id_token.map(|(written, _)| written.offset);
    let claims_from = claims_from.map_or(ClaimsFrom::AccessToken, |(_, known)| known.unwrap_or(ClaimsFrom::IdToken));
    let idle_secs = object.integer(&IDLE_SECONDS, findings).into();
    let absolute_secs = object.integer(&ABSOLUTE_SECONDS, findings).into();
    let renew_before_secs = object.integer(&RENEW_BEFORE_SECONDS, findings).into();
    let rotation_grace_secs = object.integer(&ROTATION_GRACE_SECONDS, findings);

    let kept = [&KEEP_USER_AGENT, &KEEP_COUNTRY].map(|key| {
        let offset = object.node(key)?.offset;
        object.boolean(key, findings).then_some(offset)
    });
    let [keeps_user_agent, keeps_country] = kept.map(|offset| offset.is_some());

    let return_to_origins = read_origins(&mut object, &RETURN_TO, findings);
    let after_login = read_destination(&mut object, &AFTER_LOGIN, &return_to_origins, findings);
    let after_logout = read_destination(&mut object, &AFTER_LOGOUT, &return_to_origins, findings);
    let login_path = object.text(&LOGIN_PATH, findings);
    object.finish(findings);

    let rules = SessionRules {
        cookie: cookie.unwrap_or_else(|| COOKIE_DEFAULT.to_owned()),
        claims_from,
        idle_secs,
        absolute_secs,
        after_login,
        after_logout,
        return_to_origins,
        rotation_grace_secs,
        renew_before_secs,
        keeps_user_agent,
        keeps_country,
    };
    Some(WrittenSession { rules: Some(rules), login_path, by_id_token, kept, offset })
}

fn read_cookie(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> String {
    let Some(name) = written.value() else { return String::new() };
    let own = name.strip_prefix(HOST_PREFIX).is_some_and(is_token);
    if !own || name == BINDING_COOKIE {
        let wrong = match own {
            true => "is the cookie of logins",
            false => "is not a valid __Host- name",
        };
        let help = advice("begin the name with __Host-, as in __Host-app");
        findings.refuse(written, place, Code::InvalidName, wrong, help);
    }
    name.to_owned()
}

/// Reads where a login or logout leads: a path of the gateway, or a URL of a listed origin.
fn read_destination(
    object: &mut ObjectReader<'_, '_>,
    key: &Key<Text>,
    origins: &[String],
    findings: &mut Findings<'_>,
) -> String {
    let Some(written) = object.text(key, findings) else { return "/".to_owned() };
    let Some(text) = written.value() else { return String::new() };
    if !is_destination(text, origins) {
        let wrong = "is neither a path here nor at an origin of \"return_to\"";
        let help = advice("write a path such as /home or /caf%C3%A9, or list the origin under \"return_to\"");
        findings.refuse(&written, &key.at(object.place()), Code::InvalidUrl, wrong, help);
    }
    text.to_owned()
}

section! {
    Section::new(
        "session",
        "session",
        "How the gateway holds sessions for browsers, under a cookie that no script can read. Every key has a default, \
         so `{}` is enough.\n\nIt needs `audience`, `audience_claim` or `introspection` in the authorizer at which people log in, unless `claims_from` is `id_token`; a path with `auth0_login` or \
         `oidc_login`, and the Durable Object bindings of `wrangler.toml`. A change of `idle_seconds` or \
         `renew_before_seconds` applies to existing sessions; `absolute_seconds` is fixed at the login.",
    )
        .example(
            r#"{
                    "authorizer": {
                        "type": "auth0",
                        "domain": "$env.AUTH0_DOMAIN",
                        "client_id": "$env.AUTH0_CLIENT_ID",
                        "client_secret": "$secret.AUTH0_CLIENT_SECRET",
                        "audience": "$env.AUTH0_AUDIENCE",
                        "redirect_uri": "$env.AUTH0_REDIRECT_URI",
                        "scope": "openid profile email offline_access"
                    },
                    "session": { "idle_seconds": 86400, "after_login": "/home" },
                    "paths": [
                        { "method": "GET", "path": "/login", "integration": { "type": "auth0_login" } },
                        { "method": "GET", "path": "/callback", "integration": { "type": "auth0_callback" } },
                        { "method": "POST", "path": "/logout", "integration": { "type": "auth0_logout" } },
                        { "method": "GET", "path": "/profile", "auth": true, "integration": { "type": "auth0_userinfo" } }
                    ]
                }"#,
        );

    COOKIE: Text = text("cookie", Cookie), Different("accepts another cookie"),
        format!("The name of the cookie; it begins with `{HOST_PREFIX}`."),
        default(COOKIE_DEFAULT), example("__Host-app");
    CLAIMS_FROM: Choice<ClaimsFrom> = choice("claims_from", &ClaimsFrom::NAMES),
        Different("takes the claims of sessions from another token, and ends those that hold none"),
        "What the claims of a session come from: `access_token` means its access token, which must be valid here as a bearer \
         token is; `id_token` the ID token of the login, while the access token is only passed on to upstreams, and may be \
         opaque or for somebody else.",
        default("access_token"), example("id_token");
    IDLE_SECONDS: Integer = integer("idle_seconds", 1..=LIFETIME_MAX_SECS, IDLE_DEFAULT_SECS),
        Larger("keeps unused sessions longer"),
        "A session ends after this many seconds without a request.",
        example(86_400_u32);
    ABSOLUTE_SECONDS: Integer = integer("absolute_seconds", 1..=LIFETIME_MAX_SECS, ABSOLUTE_DEFAULT_SECS),
        Larger("keeps sessions longer"),
        "A session ends this many seconds after its login, however much it is used; also the cookie's `Max-Age`.",
        example(604_800_u32);
    LOGIN_PATH: Text = text("login_path", Any), Harmless("it is a login of this config, and each path is compared"),
        "The path to which a browser without a session is redirected: one of `paths` with `GET` and `auth0_login` or \
         `oidc_login`, without `auth` and without parameters.",
        default_words("the first such path"), example("/login");
    AFTER_LOGIN: Text = text("after_login", Destination), Location("leads logins to another site"),
        "Where a login without `return_to` leads: a path of the gateway, or a URL at an origin of `return_to`.",
        default("/"), example("/home");
    AFTER_LOGOUT: Text = text("after_logout", Destination), Location("leads logouts to another site"),
        "Where a logout without `return_to` leads: a path of the gateway, or a URL at an origin of `return_to`.",
        default("/"), example("/home");
    RETURN_TO: Texts = texts("return_to", Origin), Wider("lets logins and logouts return to"),
        "Origins to which logins, logouts and the two keys above may lead, besides the gateway's own.",
        example(list!["https://app.example.com"]);
    ROTATION_GRACE_SECONDS: Integer =
        integer("rotation_grace_seconds", 0..=ROTATION_GRACE_MAX_SECS, ROTATION_GRACE_DEFAULT_SECS),
        Larger("answers a refresh token longer after its use"),
        "For how many seconds a late duplicate of a renewal gets the first one's answer; 0 turns that off.",
        example(5_u32);
    RENEW_BEFORE_SECONDS: Integer = integer("renew_before_seconds", 0..=RENEW_BEFORE_MAX_SECS, RENEW_BEFORE_DEFAULT_SECS),
        Harmless("no token is used after it expires, whenever it is renewed"),
        "How many seconds before its end an access token is renewed.",
        example(120_u32);
    KEEP_USER_AGENT: Boolean = boolean("keep_user_agent"), On("keeps which browser a session began in"),
        "Keeps the `User-Agent` of the login, up to 200 characters, for the list of a path with `sessions`, as long as the session \
         lasts.",
        example(true);
    KEEP_COUNTRY: Boolean = boolean("keep_country"), On("keeps in which country a session began"),
        "Keeps the country of the login, as Cloudflare knows it by the client's address, in the same way.",
        example(true);
}
