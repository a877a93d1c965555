//! The `cors` section: which other origins may read answers.

use super::address::read_page_origin;
use super::key::{Key, Texts, Value};
use super::reader::{Findings, ObjectReader, Place, Written, advice};
use super::section::section;
use crate::address::Address;
use crate::config::code::Code;
use crate::http::header::is_token;

/// What a preflight allows if the config names no header: those of the refresh and profile contracts.
pub(super) const HEADERS_DEFAULT: [&str; 4] = ["authorization", "content-type", "x-access-token", "x-refresh-token"];

/// The header that a proof of possession comes in.
const PROOF_HEADER: &str = "dpop";

/// What pages read to make one.
const READ_FOR_PROOFS: &str = "dpop-nonce, www-authenticate";

/// How long browsers may remember a preflight unless the config says otherwise; Chromium keeps none for longer than two hours.
pub(super) const MAX_AGE_DEFAULT_SECS: u32 = 600;

/// The longest time that a preflight may be cached: the largest number of seconds in a header (RFC 9111 section 1.2.2).
pub(super) const MAX_AGE_MAX_SECS: u32 = u32::MAX;

/// The rule for other origins.
#[derive(Clone)]
pub struct Cors {
    /// The origins that may read answers.
    pub origins: AllowedOrigins,
    /// Upper-case methods; `None` allows each that the route has.
    pub methods: Option<Vec<String>>,
    /// Lower-case header names; `None` allows every requested header.
    pub headers: Option<Vec<String>>,
    /// Whether the config names them.
    pub names_headers: bool,
    /// The headers of answers that scripts may read, as they are sent.
    pub expose_headers: String,
    /// Whether cookies and client certificates may come along.
    pub credentials: bool,
    /// How long a preflight's answer may be remembered.
    pub max_age_secs: u32,
}

impl Cors {
    /// Lets pages send a header, of this name in lower case, that the gateway takes a credential from, unless the config says which they
    /// may send.
    pub(super) fn allow_credential(&mut self, name: &str) {
        if let Some(headers) = self.headers.as_mut().filter(|_| !self.names_headers)
            && !headers.iter().any(|known| known == name)
        {
            headers.push(name.to_owned());
        }
    }

    /// Lets pages send proofs of possession, and read what asks for them (RFC 9449 sections 7.1 and 9).
    pub(super) fn admit_proofs(&mut self) {
        // Several paths may share it.
        if self.expose_headers.ends_with(READ_FOR_PROOFS) {
            return;
        }
        if let Some(headers) = &mut self.headers {
            headers.push(PROOF_HEADER.to_owned());
        }
        self.expose_headers += if self.expose_headers.is_empty() { "" } else { ", " };
        self.expose_headers += READ_FOR_PROOFS;
    }

    /// Returns which pages it lets act and read, as a text that two rules share only if they are alike in this.
    pub(super) fn pages(&self) -> String {
        let mut pages = String::from(if self.credentials { "with cookies" } else { "without" });
        let any = [ListedOrigin("*".to_owned())];
        let origins = match &self.origins {
            AllowedOrigins::Any => &any,
            AllowedOrigins::Listed(origins) => origins.as_slice(),
        };
        for origin in origins {
            pages.push(' ');
            pages.push_str(&origin.0);
        }
        pages
    }
}

/// The origins of a CORS rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// Every origin, without credentials.
    Any,
    /// These.
    Listed(Vec<ListedOrigin>),
}

/// An origin as browsers serialise it, or with a star for one label or for the port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedOrigin(String);

impl ListedOrigin {
    /// Parses one with a star, `https://*.example.com` or `http://localhost:*`; `None` if the star is neither one whole label
    /// before a domain of several, nor the port. Of a domain of one label, as in `https://*.com`, anybody can get a name.
    pub fn parse_starred(text: &str) -> Option<Self> {
        let example = match text.strip_suffix(":*") {
            Some(before) => before.to_owned(),
            None => {
                let (before, behind) = text.split_once('*')?;
                let domain = behind.strip_prefix('.')?;
                let is_local = domain.split(':').next() == Some("localhost");
                let above = domain.split_once('.').and_then(|(_, above)| above.bytes().next());
                if !before.ends_with("://") || !is_local && matches!(above, None | Some(b':')) {
                    return None;
                }
                [before, "x", behind].concat()
            }
        };
        let is_origin = |url: &Address| url.is_http() && url.origin() == example && !example.as_bytes().contains(&b'*');
        Address::parse(&example).filter(is_origin).map(|_| Self(text.to_owned()))
    }

    /// Checks whether it is this very origin, without a star.
    pub fn is(&self, origin: &str) -> bool {
        self.0 == origin && !origin.as_bytes().contains(&b'*')
    }

    /// Checks whether it is an origin, as browsers serialise it, or has a star that matches one of its labels, never for none
    /// and never for several; or for its port, also the scheme's own, which is left out.
    pub fn admits(&self, origin: &str) -> bool {
        let Some((before, behind)) = self.0.split_once('*') else { return self.0 == origin };
        if behind.is_empty() && before.strip_suffix(':') == Some(origin) {
            return true;
        }
        let label = origin.strip_prefix(before).and_then(|rest| rest.strip_suffix(behind)).unwrap_or_default();
        let is_of_label = |b: u8| b.is_ascii_digit() || !behind.is_empty() && matches!(b, b'a'..=b'z' | b'-' | b'_');
        !label.is_empty() && label.bytes().all(is_of_label)
    }

    /// Takes a text that is known to be one.
    #[cfg(test)]
    pub fn of(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the text after the star; `None` if it has none.
    #[cfg(not(target_os = "unknown"))]
    pub fn behind_star(&self) -> Option<&str> {
        Some(self.0.split_once('*')?.1)
    }
}

/// Reads the section at a key; `None` if it is not there.
pub(super) fn read_cors(
    parent: &mut ObjectReader<'_, '_>,
    key: &Key<Value>,
    findings: &mut Findings<'_>,
) -> Option<Cors> {
    let node = parent.node(key)?;
    let place = key.at(parent.place());
    let mut object = ObjectReader::open(node, &place, findings)?;

    let written = object.texts(&ALLOW_ORIGINS, findings);
    let any = written.iter().enumerate().find(|(_, written)| written.value() == Some("*"));
    let origins_place = ALLOW_ORIGINS.at(&place);
    let listed = written.iter().enumerate().filter(|(_, written)| written.value() != Some("*"));
    let listed: Vec<_> = listed
        .filter_map(|(index, written)| {
            let starred = written.value().and_then(ListedOrigin::parse_starred);
            let exact = || read_page_origin(written, &Place::Index(&origins_place, index), findings).map(ListedOrigin);
            starred.or_else(exact)
        })
        .collect();
    let credentials = object.boolean(&ALLOW_CREDENTIALS, findings);
    if let Some((index, written)) = any.filter(|_| credentials) {
        let message = format_args!("\"*\" with credentials lets every site read the user's answers");
        let help = advice("list the origins, or set \"allow_credentials\" to false");
        let place = Place::Index(&origins_place, index);
        findings.note(written.offset, &place, Code::CorsAnyOriginWithCredentials, message, help);
    }

    let methods = object.texts(&ALLOW_METHODS, findings);
    let methods = read_list(&methods, &ALLOW_METHODS, &place, str::to_ascii_uppercase, findings);
    let headers_given = object.node(&ALLOW_HEADERS).is_some();
    let headers = object.texts(&ALLOW_HEADERS, findings);
    let headers = match headers_given {
        true => read_list(&headers, &ALLOW_HEADERS, &place, str::to_ascii_lowercase, findings),
        false => Some(HEADERS_DEFAULT.map(str::to_owned).to_vec()),
    };
    let methods_given = object.node(&ALLOW_METHODS).is_some();
    let expose = object.texts(&EXPOSE_HEADERS, findings);
    let expose = read_list(&expose, &EXPOSE_HEADERS, &place, str::to_owned, findings);
    let max_age_secs = object.integer(&MAX_AGE, findings);
    object.finish(findings);

    Some(Cors {
        origins: if any.is_some() { AllowedOrigins::Any } else { AllowedOrigins::Listed(listed) },
        methods: methods.filter(|_| methods_given),
        headers,
        names_headers: headers_given,
        expose_headers: expose.map_or_else(|| "*".to_owned(), |names| names.join(", ")),
        credentials,
        max_age_secs,
    })
}

/// Returns the names of a list, or `None` if it has `*`; reports an invalid method or header name.
fn read_list(
    written: &[Written<'_>],
    key: &Key<Texts>,
    place: &Place<'_>,
    normalise: fn(&str) -> String,
    findings: &mut Findings<'_>,
) -> Option<Vec<String>> {
    let place = key.at(place);
    let mut names = Vec::with_capacity(written.len());
    let mut any = false;
    for (index, written) in written.iter().enumerate() {
        match written.value() {
            Some("*") => any = true,
            Some(name) if is_token(name) => names.push(normalise(name)),
            Some(_) => {
                let wrong = "is not a method or header name";
                let help = advice("write one name per string");
                findings.refuse(written, &Place::Index(&place, index), Code::InvalidName, wrong, help);
            }
            None => {}
        }
    }
    (!any).then_some(names)
}

section! {
    Section::new(
        "cors",
        "cors",
        "The rule for pages of other origins. At a path it replaces that at the top as a whole.\n\nA preflight is granted as a whole or not at all. If the config has an \
         `OPTIONS` entry for a path, that entry answers its preflights.",
    )
        .condition(object! {
            "if": having(&ALLOW_CREDENTIALS, object! { "const": true }),
            "then": with(&ALLOW_ORIGINS, object! { "items": refused(
                object! { "const": "*" },
                "With credentials, list the origins: \"*\" lets every site read the user's answers.",
            ) }),
        })
        .example(
            r#"{
                    "cors": {
                        "allow_origins": ["https://app.example.com"],
                        "allow_headers": ["authorization", "content-type"],
                        "expose_headers": ["x-request-id"],
                        "max_age": 600
                    },
                    "paths": [{ "method": "GET", "path": "/health", "response": { "status": "ok" } }]
                }"#,
        );

    ALLOW_ORIGINS: Texts = texts("allow_origins", OriginOrStar).required(), Origins,
        "The origins whose pages may read answers: scheme, host and port, without a slash at the end. An application's \
         own scheme is allowed too, such as `capacitor://localhost`. A star stands for one label, as in \
         `https://*.example.com`, or for the port, as in `http://localhost:*`; `\"*\"` for all, and then without \
         credentials. See [CORS](paths.md#cors).",
        example(list!["https://app.example.com"]);
    ALLOW_METHODS: Texts = texts("allow_methods", Token), Wider("lets pages send"),
        "The methods that a preflight may request; `\"*\"` is the same as the default.",
        default_words("those of the path"), absent_as(list!["*"]), example(list!["GET", "POST"]);
    ALLOW_HEADERS: Texts = texts("allow_headers", Token), WiderHeaders("lets pages send the header"),
        "The headers that a preflight may request; `\"*\"` allows each, by name.",
        default(HEADERS_DEFAULT.as_slice()), example(list!["authorization", "content-type"]);
    EXPOSE_HEADERS: Texts = texts("expose_headers", Token), WiderHeaders("lets pages read the header"),
        "The headers of answers that scripts may read.",
        example(list!["x-request-id"]);
    ALLOW_CREDENTIALS: Boolean = boolean("allow_credentials"), On("lets pages send cookies"),
        "Whether pages may send cookies; not with `\"*\"` in `allow_origins`. Browsers then do not treat `\"*\"` in \
         `expose_headers` as a wildcard.",
        example(true);
    MAX_AGE: Integer = integer("max_age", 0..=MAX_AGE_MAX_SECS, MAX_AGE_DEFAULT_SECS),
        Harmless("it limits how long a browser caches the preflight response"),
        "How many seconds a browser may remember a preflight.",
        example(3_600_u32);
}
