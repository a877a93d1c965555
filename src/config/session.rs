//! The `session` section: how long the gateway holds a login for a browser, under which cookie, and where it leads.

use std::rc::Rc;

use super::address::{is_destination, read_origins};
use super::cors::is_token;
use super::login::Login;
use super::provider::read_rotation_grace;
use super::reader::{Findings, ObjectReader, Place, Written, shown, told};

/// Browsers take a cookie of this prefix only from the host itself, over https and for every path, so that no neighbour can
/// plant one (RFC 6265bis section 4.1.3.2).
pub const COOKIE_PREFIX: &str = "__Host-";

/// The cookie that binds login states to one browser; one for all tabs, so nothing grows.
pub const BINDING_COOKIE: &str = "__Host-bargate-login";

/// Name of the session's cookie unless the config says otherwise.
pub(super) const COOKIE_DEFAULT: &str = "__Host-bargate";

/// A session ends after this long without a request, unless the config says otherwise: a long weekend.
pub(super) const IDLE_DEFAULT_SECS: u64 = 3 * DAY_SECS;

/// A session ends this long after its login, unless the config says otherwise.
pub(super) const ABSOLUTE_DEFAULT_SECS: u64 = 30 * DAY_SECS;

/// The longest that either may be: browsers keep no cookie for longer than 400 days.
pub(super) const LIFETIME_MAX_SECS: u64 = 400 * DAY_SECS;

const DAY_SECS: u64 = 24 * 60 * 60;

/// An access token is renewed when it has less than this left, unless the config says otherwise: an upstream that checks it a
/// moment later must still find it good.
pub(super) const RENEW_BEFORE_DEFAULT_SECS: u64 = 60;

/// The most that may be chosen for that.
pub(super) const RENEW_BEFORE_MAX_SECS: u64 = 3600;

/// How the gateway holds logins for browsers.
pub struct Session {
    /// The rules.
    pub rules: SessionRules,
    /// The path that begins a login.
    pub login_path: String,
    /// The login that it begins.
    pub login: Rc<Login>,
}

/// For how long a session is held, under which cookie, and where its login and logout lead.
#[derive(Clone)]
pub struct SessionRules {
    /// Name of the cookie, which begins with [`COOKIE_PREFIX`].
    pub cookie: String,
    /// A session ends after this long without a request.
    pub idle_secs: i64,
    /// A session ends this long after its login.
    pub absolute_secs: i64,
    /// Where a login leads that named no place of its own.
    pub after_login: String,
    /// Where a logout leads that named no place of its own.
    pub after_logout: String,
    /// Origins besides the gateway's own that logins and logouts may lead to.
    pub return_to_origins: Vec<String>,
    /// How long the answer to a renewal is kept for a late duplicate; 0 turns that off.
    pub rotation_grace_secs: u32,
    /// How long before its end an access token is renewed.
    pub renew_before_secs: i64,
}

/// The section as it is written.
#[derive(Clone)]
pub(crate) struct WrittenSession<'n> {
    /// The rules; `None` if the section is no object.
    pub rules: Option<SessionRules>,
    /// The path that begins a login.
    pub login_path: Option<Written<'n>>,
    /// Byte offset of the section.
    pub offset: usize,
}

/// Reads the section; `None` if the file has none.
pub(super) fn read_session<'n>(
    root: &mut ObjectReader<'n, '_>,
    findings: &mut Findings<'_>,
) -> Option<WrittenSession<'n>> {
    let node = root.node("session")?;
    let place = Place::Key(root.place(), "session");
    let offset = node.offset;
    let Some(mut object) = ObjectReader::open(node, &place, findings) else {
        return Some(WrittenSession { rules: None, login_path: None, offset });
    };

    let cookie = object.text("cookie", findings);
    let cookie = cookie.map(|written| read_cookie(&written, &Place::Key(&place, "cookie"), findings));
    let mut seconds = |key, range, default, findings: &mut Findings<'_>| {
        i64::try_from(object.integer(key, range, default, findings)).unwrap_or(i64::MAX)
    };
    let idle_secs = seconds("idle_seconds", 1..=LIFETIME_MAX_SECS, IDLE_DEFAULT_SECS, findings);
    let absolute_secs = seconds("absolute_seconds", 1..=LIFETIME_MAX_SECS, ABSOLUTE_DEFAULT_SECS, findings);
    let renew_before_secs =
        seconds("renew_before_seconds", 0..=RENEW_BEFORE_MAX_SECS, RENEW_BEFORE_DEFAULT_SECS, findings);
    let rotation_grace_secs = read_rotation_grace(&mut object, findings);

    let return_to_origins = read_origins(&mut object, "return_to", findings);
    let after_login = read_destination(&mut object, "after_login", &return_to_origins, findings);
    let after_logout = read_destination(&mut object, "after_logout", &return_to_origins, findings);
    let login_path = object.text("login_path", findings);
    object.finish(findings);

    let rules = SessionRules {
        cookie: cookie.unwrap_or_else(|| COOKIE_DEFAULT.to_owned()),
        idle_secs,
        absolute_secs,
        after_login,
        after_logout,
        return_to_origins,
        rotation_grace_secs,
        renew_before_secs,
    };
    Some(WrittenSession { rules: Some(rules), login_path, offset })
}

fn read_cookie(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> String {
    let Some(name) = written.value() else { return String::new() };
    let own = name.strip_prefix(COOKIE_PREFIX).is_some_and(is_token);
    if !own || name == BINDING_COOKIE {
        let message = match own {
            true => format!("\"{}\" is the cookie of logins under way", shown(written)),
            false => format!("\"{}\" is no cookie that only this host can set", shown(written)),
        };
        let help = told(|| "begin the name with __Host-, as in __Host-app".to_owned());
        findings.note(written.offset, place, "invalid_name", message, help);
    }
    name.to_owned()
}

/// Reads where a login or logout leads: a path here, or a URL of a listed origin.
fn read_destination(
    object: &mut ObjectReader<'_, '_>,
    key: &'static str,
    origins: &[String],
    findings: &mut Findings<'_>,
) -> String {
    let Some(written) = object.text(key, findings) else { return "/".to_owned() };
    let Some(text) = written.value() else { return String::new() };
    if !is_destination(text, origins) {
        let message = format!("\"{}\" is neither a path here nor at an origin of \"return_to\"", shown(&written));
        let help =
            told(|| "write a path such as /home or /caf%C3%A9, or list the origin under \"return_to\"".to_owned());
        findings.note(written.offset, &Place::Key(object.place(), key), "invalid_url", message, help);
    }
    text.to_owned()
}
