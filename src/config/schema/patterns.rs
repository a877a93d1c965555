//! The forms that strings of a config have, as patterns that every JSON Schema validator can run (ECMA-262).
//!
//! A pattern says only what can be said of a text by itself. If the parser knows more, as whether a host can exist, it lets
//! more pass than the parser does, and refuses nothing that is written as people write it.

use crate::config::form::Form;
use crate::config::grammar::{Json, object};
use crate::config::provider::RESERVED_PARAMETERS;
use crate::config::service::UNCALLABLE;
use crate::config::session::BINDING_COOKIE;
use crate::config::shared_secret::SECRET_MIN_BYTES;
use crate::http::cookie::HOST_PREFIX;
use crate::http::header::{FRAMING_HEADERS, HOP_BY_HOP_HEADERS};
use crate::route::MAX_SEGMENTS;

/// A reference to a binding.
const REFERENCE: &str = r"\$(?:env|secrets?)\.[A-Za-z_][A-Za-z0-9_]*";

/// Looks ahead, and fails if an invalid reference begins.
const NO_REFERENCE: &str = r"(?!\$(?:env|secrets?)\.)";

/// Looks ahead, and fails if a reference is within a text.
const NO_REFERENCE_WITHIN: &str = r"(?![\s\S]*\$(?:env|secrets?)\.[A-Za-z_])";

/// One character of a token (RFC 9110 section 5.6.2).
const TOKEN_CHARACTER: &str = r"[A-Za-z0-9!#$%&'*+\-.^_`|~]";

/// Scheme and host of an address, the port included.
const HTTP_HOST: &str = r"[^/?#@\s\\{}]+";

/// A host on the same machine, which may be called by plain http.
const LOOPBACK: &str = r"(?:localhost|[a-z0-9.\-]+\.localhost|127\.[0-9.]+|\[::1\])(?::[0-9]+)?";

impl Form {
    /// Returns the message for a text of another form.
    fn advice(self) -> &'static str {
        match self {
            Self::Any | Self::Words => "A reference is $env.NAME or $secret.NAME and nothing else.",
            Self::NotEmpty => "Write a text that is not empty.",
            Self::Reference => "Write $env.NAME or $secret.NAME.",
            Self::HttpsUrl => "Write it as https://host/path; plain http is only for loopback hosts.",
            Self::RedirectUri => {
                "Write it as https://host/path, or as com.example.app:/path for an application; plain http is only for loopback hosts."
            }
            Self::Resource => {
                "Write an absolute URI without a fragment, as in https://api.example.com or urn:example:api."
            }
            Self::ProjectUrl => "Write it as https://host, without a query.",
            Self::ServerUrl => "Write it as https://host/path, without query, fragment or credentials.",
            Self::Origin => {
                "Write only scheme, host and port, as in https://app.example.com, without a slash at the end."
            }
            Self::OriginOrStar => {
                "Write only scheme, host and port, as in https://app.example.com; a star is one whole label, as in \
                 https://*.example.com, or the port; \"*\" is for all."
            }
            Self::Domain => "Write only the tenant's host, as in tenant.eu.auth0.com.",
            Self::Host => "Write only a name, as in api.example.com, or *.example.com for all with one more label.",
            Self::Pattern => {
                "Begin with /; a parameter is a whole segment, as in /users/{id}, and {.+} at the end is the rest."
            }
            Self::Prefix => {
                "Write the first segments of the path, without a slash at the end, as in /api; \"\" keeps all."
            }
            Self::Location => {
                "Write a path such as /new/{id}, or a URL with its parameters after the host; percent-encode what is not ASCII."
            }
            Self::Destination => "Write a path such as /home, or a URL at an origin of return_to.",
            Self::HeaderKey | Self::HeaderName => {
                "Write the name of one header, and none that belongs to the connection."
            }
            Self::HeaderValue => "Write only visible ASCII and spaces.",
            Self::Token => "Write one name, or \"*\".",
            Self::Scope => "Write one name, without spaces.",
            Self::Parameter => "Write the name of a parameter that the gateway does not set by itself, as in prompt.",
            Self::MediaType => "Write it as application/json, or image/* for all of a type.",
            Self::Network => "Write it as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32.",
            Self::Cookie => "Begin the name with __Host-, as in __Host-app.",
            Self::Function => "Name a method of the Worker's entry point.",
            Self::Source => {
                "Write $request.header.NAME, $request.query.NAME, $request.path.NAME, $request.method, $request.url.host, \
                 $request.jwt.CLAIM, $config.NAME, $env.NAME, $secret.NAME, or a text."
            }
            Self::RateKey => "Write ip, sub, api_key or header:NAME.",
            Self::SigningSecret => "Use a longer secret, and not a public key: a short one can be guessed.",
            Self::TenantId => "Write the directory (tenant) ID in small letters, as tokens have it in tid.",
            Self::KeyPrefix => "Write small letters, digits and single underscores between them, as in acme_live.",
            Self::Digest => "Write what `bargate key new` prints: the SHA-256 of the key, and never the key.",
            Self::Date => "Write it as 2027-01-31T00:00:00Z.",
        }
    }

    /// Returns its entry among the `$defs`, which says nothing of other types than strings.
    pub fn definition(self) -> Json {
        object! { "pattern": self.pattern(), "patternErrorMessage": self.advice() }
    }

    fn pattern(self) -> String {
        let token = format!("{TOKEN_CHARACTER}+");
        let own = match self {
            Self::Any => return format!("^{NO_REFERENCE_WITHIN}{NO_REFERENCE}|^{REFERENCE}$"),
            Self::Words => return format!("^{NO_REFERENCE}|^{REFERENCE}$"),
            Self::NotEmpty => return format!(r"^{NO_REFERENCE_WITHIN}{NO_REFERENCE}[\s\S]|^{REFERENCE}$"),
            Self::Reference => return format!("^{REFERENCE}$"),
            Self::HeaderKey => return format!("^{}{token}$", not_of_the_connection()),
            Self::Parameter => format!(r"{}[A-Za-z0-9._\-]+", not_one_of(&RESERVED_PARAMETERS)),
            Self::HttpsUrl => https_url(),
            // A private-use scheme is the reverse of a domain.
            Self::RedirectUri => format!(r"{}|[a-z][a-z0-9+\-]*\.[a-z0-9+.\-]*:[^#@\s]*", https_url()),
            Self::Resource => r##"[A-Za-z][A-Za-z0-9+.\-]*:[!"$-~]+"##.to_owned(),
            Self::ProjectUrl => format!("https://{HTTP_HOST}(?:/[^?#]*)?|http://{LOOPBACK}(?:/[^?#]*)?"),
            Self::ServerUrl => format!("https?://{HTTP_HOST}(?:/[^?#]*)?"),
            Self::Origin => origin(),
            Self::OriginOrStar => format!(r"\*|{}|{}", origin(), page_origins()),
            Self::Domain => format!(r"(?:[a-z0-9_.\-]+|\[[0-9a-f:]+\])(?::[0-9]+)?|http://{LOOPBACK}/*"),
            Self::Host => r"(?:\*\.)?[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]+)*\.?".to_owned(),
            Self::Pattern => path_pattern(),
            Self::Prefix => format!("(?:/{})*", literal_segment()),
            Self::Location => {
                let text = format!(r"(?:[!-z|~]|{PARAMETER}|{REST})*");
                let in_path = format!(r"(?:[!-\[\]-z|~]|{PARAMETER}|{REST})*");
                format!(r"/(?!/){in_path}|https?://[!-.0-z|~]+(?:/{text})?")
            }
            Self::Destination => r"/(?!/)[!-\[\]-~]*|https?://[!-~]+".to_owned(),
            Self::HeaderName => format!("{NO_REFERENCE}{}{token}", not_of_the_connection()),
            Self::HeaderValue => format!("{NO_REFERENCE}[ -~]*"),
            Self::Token => format!("{NO_REFERENCE}{token}"),
            Self::Scope => format!(r"{NO_REFERENCE}[!#-\[\]-~]+"),
            Self::MediaType => format!("{token}/{token}"),
            Self::Network => r"[0-9.]+(?:/[0-9]{1,2})?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?:/[0-9]{1,3})?".to_owned(),
            Self::Cookie => format!("(?!{BINDING_COOKIE}$){HOST_PREFIX}{token}"),
            Self::Function => format!("(?!(?:{})$)[A-Za-z_$][A-Za-z0-9_$]*", UNCALLABLE.join("|")),
            Self::Source => {
                format!(
                    r"(?!\$)[\s\S]*|\$config\.[\s\S]*|\$request\.header\.{token}|\$request\.(?:query|jwt|path)\.[\s\S]+|\$request\.(?:method|url\.host)"
                )
            }
            Self::RateKey => format!("ip|sub|api_key|header:{token}"),
            Self::TenantId => "[0-9a-f-]{36}".to_owned(),
            Self::KeyPrefix => "(?=[a-z0-9_]{1,32}$)[a-z][a-z0-9]*(?:_[a-z0-9]+)*".to_owned(),
            Self::Digest => "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]".to_owned(),
            Self::Date => date(),
            Self::SigningSecret => {
                let short = format!(r"[\x00-\x7F]{{0,{}}}$", SECRET_MIN_BYTES - 1);
                return format!(r"^{NO_REFERENCE_WITHIN}{NO_REFERENCE}(?!{short}|{PUBLIC_KEY})|^{REFERENCE}$");
            }
        };
        format!("^{NO_REFERENCE_WITHIN}(?:{own})$|^{REFERENCE}$")
    }
}

/// The pattern of a source that is a claim of the token.
pub const CLAIM_SOURCE: &str = r"^\$request\.jwt\.[\s\S]";

/// The pattern of a source that is such a header.
pub const CREDENTIAL_SOURCE: &str =
    r"^\$request\.header\.(?:[Aa][Uu][Tt][Hh][Oo][Rr][Ii][Zz][Aa][Tt][Ii][Oo][Nn]|[Cc][Oo][Oo][Kk][Ii][Ee])$";

/// How public keys begin that no secret may be: PEM, and that of OpenSSH.
const PUBLIC_KEY: &str = r"\s*(?:-----BEGIN|ssh-)";

/// A parameter of a path.
pub(super) const PARAMETER: &str = r"\{[A-Za-z_][A-Za-z0-9_\-]*\}";

/// The rest of a path without a name.
const REST: &str = r"\{\.\+\}";

/// Whether a month has the day, the parser knows.
fn date() -> String {
    let day = r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])";
    let time = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d";
    format!("{day}T{time}Z")
}

fn https_url() -> String {
    format!("https://{HTTP_HOST}(?:[/?][^#]*)?|http://{LOOPBACK}(?:[/?][^#]*)?")
}

fn origin() -> String {
    r"https?://[a-z0-9_.:\[\]\-]+".to_owned()
}

/// Those that have one label's star, or a star for the port, and those of an application's own scheme.
fn page_origins() -> String {
    let label = r"https?://\*\.(?:(?:[a-z0-9_\-]+\.)+[a-z0-9_\-]+|localhost)(?::[0-9]+)?";
    let port = r"https?://(?:[a-z0-9_.\-]+|\[[0-9a-f:]+\]):\*";
    let own = r"(?!(?:https?|wss?|ftp)://)[a-z][a-z0-9+.\-]*://[^/?#@*\s\\]+";
    format!("{label}|{port}|{own}")
}

/// Looks ahead, and fails if a header belongs to the connection; in any case, as names of headers are.
fn not_of_the_connection() -> String {
    not_one_of(&[HOP_BY_HOP_HEADERS.as_slice(), &FRAMING_HEADERS].concat())
}

fn not_one_of(names: &[&str]) -> String {
    let any_case = |name: &&str| -> String {
        let letter = |c: char| match c.is_ascii_alphabetic() {
            true => format!("[{}{c}]", c.to_ascii_uppercase()),
            false => c.to_string(),
        };
        name.chars().map(letter).collect()
    };
    let names: Vec<_> = names.iter().map(any_case).collect();
    format!("(?!(?:{})$)", names.join("|"))
}

fn literal_segment() -> String {
    let dots = r"(?:\.|%2[Ee]){1,2}(?:/|$)";
    let other_routers = r"\*{1,2}(?:/|$)|:";
    let plain = r"[^/{}?#;%\\\x00-\x1F\x7F]";
    let escaped = r"%(?!2[Ff]|5[Cc]|3[Bb]|[01]|7[Ff])[0-9A-Fa-f]{2}";
    format!("(?!{dots}|{other_routers})(?:{plain}|{escaped})+")
}

/// Segments, then perhaps the rest; no dot segments, no separators in disguise, no syntax of other routers.
fn path_pattern() -> String {
    let segment = format!("(?:{PARAMETER}|{})", literal_segment());
    let named_rest = r"\{[A-Za-z_][A-Za-z0-9_\-]*\+\}";
    format!("(?:/{segment}){{0,{}}}/(?:{segment}|{REST}|{named_rest})?", MAX_SEGMENTS - 1)
}
