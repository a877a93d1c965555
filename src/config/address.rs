//! Addresses in a config: hosts, origins and URLs, and which of them may be plain http.

use std::fmt;

use super::code::Code;
use super::document::Origin;
use super::key::{Key, Texts};
use super::reader::{Findings, ObjectReader, Place, Written, advice, host_help, shown};
use crate::address::Address;
use crate::split::without_last;

/// Which schemes an address may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// https, or http on loopback.
    Https,
    /// https or http.
    HttpAllowed,
    /// As [`Self::Https`], or an application's own (RFC 8252 section 7.1), which only the reverse of a domain keeps apart from
    /// others'.
    HttpsOrNative,
}

/// Returns the URL that was written; reports one that is not an absolute http(s) URL, or carries credentials or a fragment.
pub fn read_url(
    written: &Written<'_>,
    scheme: Scheme,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<Address> {
    let text = written.value()?;
    let mut refuse = |message: fmt::Arguments<'_>, help| {
        findings.note(written.offset, place, Code::InvalidUrl, message, help);
        None
    };
    let Some(url) = Address::parse(text) else {
        return refuse(
            format_args!("\"{}\" is not an absolute URL", shown(written)),
            advice("write it as https://host/path"),
        );
    };
    let is_native = scheme == Scheme::HttpsOrNative && url.scheme().as_bytes().contains(&b'.');
    if !url.is_http() && !is_native {
        let help = match scheme {
            Scheme::HttpsOrNative => {
                advice("write it as https://host/path, or as com.example.app:/path for an application")
            }
            Scheme::Https | Scheme::HttpAllowed => advice("write it as https://host/path"),
        };
        return refuse(format_args!("\"{}\" is not an http or https URL", shown(written)), help);
    }
    if url.has_credentials() {
        return refuse(format_args!("the URL carries a user name or password"), advice("send credentials in a header"));
    }
    if url.has_fragment() {
        return refuse(
            format_args!("the URL has a fragment, which is never sent"),
            advice("remove everything from the #"),
        );
    }
    if scheme != Scheme::HttpAllowed && url.scheme() == "http" && !url.is_loopback() {
        return refuse(
            format_args!("\"{}\" is plain http", shown(written)),
            advice("use https; http is only for loopback hosts"),
        );
    }
    Some(url)
}

/// Returns the text of the URL that was written, which must be https or on loopback.
pub fn read_https(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<String> {
    read_url(written, Scheme::Https, place, findings).map(Address::into_text)
}

/// A callback's address, as it is written.
#[derive(Clone)]
pub(crate) struct WrittenUrl<'n> {
    /// The text.
    pub written: Written<'n>,
    /// The address; `None` if it is wrong, or not known here.
    pub url: Option<String>,
}

impl<'n> WrittenUrl<'n> {
    /// Reads one that may be an application's own.
    pub fn read(written: Written<'n>, place: &Place<'_>, findings: &mut Findings<'_>) -> Self {
        let url = read_url(&written, Scheme::HttpsOrNative, place, findings);
        Self { written, url: url.map(Address::into_text) }
    }

    /// Reports one that is an application's own, for a provider that posts its responses.
    pub fn refuse_posts(&self, place: &Place<'_>, findings: &mut Findings<'_>) {
        if self.url.as_deref().and_then(Address::parse).is_some_and(|url| !url.is_http()) {
            let wrong = "is an application's own, where nothing is posted";
            let help = advice("write an https address, or leave out \"response_mode\"");
            findings.refuse(&self.written, place, Code::InvalidUrl, wrong, help);
        }
    }
}

/// Returns the origins of the list at `key`, in the order of the file.
pub fn read_origins(object: &mut ObjectReader<'_, '_>, key: &Key<Texts>, findings: &mut Findings<'_>) -> Vec<String> {
    let place = key.at(object.place());
    let listed = object.texts(key, findings);
    let listed = listed.iter().enumerate();
    listed.filter_map(|(index, written)| read_origin(written, &Place::Index(&place, index), findings)).collect()
}

/// Checks whether a redirect may be sent there: a path of the gateway's own, or a URL at one of `origins`.
pub fn is_destination(text: &str, origins: &[String]) -> bool {
    // A value that is not valid in a header would fail each redirect.
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return false;
    }
    if let Some(url) = Address::parse(text) {
        return origins.contains(&url.origin());
    }
    text.starts_with('/') && !text.starts_with("//") && !text.as_bytes().contains(&b'\\')
}

/// Returns the origin that was written, as browsers serialise it: scheme, host, port if it is not the scheme's own.
pub fn read_origin(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<String> {
    let origin = |url: Address| url.is_http().then(|| url.origin());
    read_serialised(written, origin, "write each origin out", place, findings)
}

/// The same of an origin that pages have, which may be of an application's own scheme: `capacitor://localhost`.
pub fn read_page_origin(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<String> {
    let help =
        "a star is one whole label before a domain, as in https://*.example.com, or a port, as in http://localhost:*";
    // The URL standard knows hosts of these too, and no page has them.
    let origin = |url: Address| if matches!(url.scheme(), "ftp" | "ws" | "wss") { None } else { url.scheme_and_host() };
    read_serialised(written, origin, help, place, findings)
}

fn read_serialised(
    written: &Written<'_>,
    origin: fn(Address) -> Option<String>,
    help_with_star: &str,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<String> {
    let text = written.value()?;
    match Address::parse(text).and_then(origin) {
        _ if text.as_bytes().contains(&b'*') => {
            let wrong = "has a misplaced star";
            findings.refuse(written, place, Code::InvalidOrigin, wrong, advice(help_with_star));
            None
        }
        Some(origin) if origin == text => Some(origin),
        Some(origin) => {
            let wrong = "is not exactly an origin";
            let help = host_help(|| match written.text.origin {
                Origin::File => format!("write \"{origin}\""),
                Origin::Env | Origin::Secret => {
                    "give it only scheme, host and port, without a slash at the end".to_owned()
                }
            });
            findings.refuse(written, place, Code::InvalidOrigin, wrong, help);
            None
        }
        None => {
            let wrong = "is not an origin";
            let help = advice("write scheme, host and port, as in https://app.example.com");
            findings.refuse(written, place, Code::InvalidOrigin, wrong, help);
            None
        }
    }
}

/// Returns the origin of an identity provider from its `domain`: a bare host, or `http://` and a loopback host.
pub fn read_domain(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<String> {
    let text = written.value()?;
    if let Some(origin) = domain_origin(text) {
        return Some(origin);
    }
    let help = host_help(|| {
        let host = text.split_once("://").map_or(text, |(_, rest)| rest).split('/').next().map(str::to_ascii_lowercase);
        match host.filter(|host| written.text.origin == Origin::File && domain_origin(host).is_some()) {
            Some(host) => format!("write \"{host}\"; http:// is only for loopback hosts"),
            None => "write only the tenant's domain, as in tenant.eu.auth0.com".to_owned(),
        }
    });
    let wrong = "is not a host name";
    findings.refuse(written, place, Code::InvalidDomain, wrong, help);
    None
}

fn domain_origin(text: &str) -> Option<String> {
    let (written_out, loopback_alone) = match text.strip_prefix("http://") {
        Some(_) => (without_last(text, b'/').to_owned(), true),
        None => (format!("https://{text}"), false),
    };
    let url = Address::parse(&written_out).filter(|url| !loopback_alone || url.is_loopback())?;
    let origin = url.origin();
    (origin == written_out).then_some(origin)
}
