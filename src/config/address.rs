//! Addresses in a config: hosts, origins and URLs, and which of them may be plain http.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::document::Origin;
use super::reader::{Findings, Place, Written, shown};

/// Tells whether a URL's host is this machine: `localhost`, 127.0.0.0/8 or `[::1]`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.octets()[0] == Ipv4Addr::LOCALHOST.octets()[0],
        Some(Host::Ipv6(address)) => address == Ipv6Addr::LOCALHOST,
        None => false,
    }
}

/// Which schemes an address may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// https, or http on loopback.
    Https,
    /// https or http.
    HttpAllowed,
}

/// Gives the URL that was written; notes one that is no absolute http(s) URL, or carries credentials or a fragment.
pub fn read_url(written: &Written<'_>, scheme: Scheme, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Url> {
    let text = written.value()?;
    let mut refuse = |message: String, help: &str| {
        findings.note(written.offset, place, "invalid_url", message, Some(help.to_owned()));
        None
    };
    let Ok(url) = Url::parse(text) else {
        return refuse(format!("\"{}\" is no absolute URL", shown(written)), "write it as https://host/path");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return refuse(format!("\"{}\" is no http or https URL", shown(written)), "write it as https://host/path");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("the URL carries a user name or password".to_owned(), "send credentials in a header");
    }
    if url.fragment().is_some() {
        return refuse("the URL has a fragment, which is never sent".to_owned(), "remove everything from the #");
    }
    if scheme == Scheme::Https && url.scheme() == "http" && !is_loopback(&url) {
        return refuse(format!("\"{}\" is plain http", shown(written)), "use https; http is for loopback hosts alone");
    }
    Some(url)
}

/// Gives the origin that was written, as browsers serialise it: scheme, host, port where it is not the scheme's own.
pub fn read_origin(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<String> {
    let text = written.value()?;
    let origin = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .map(|url| url.origin().ascii_serialization());
    match origin {
        Some(origin) if origin == text => Some(origin),
        Some(origin) => {
            let message = format!("\"{}\" is more or less than an origin", shown(written));
            let help = match written.text.origin {
                Origin::File => format!("write \"{origin}\""),
                Origin::Env | Origin::Secret => "give it scheme, host and port alone, with no slash behind".to_owned(),
            };
            findings.note(written.offset, place, "invalid_origin", message, Some(help));
            None
        }
        None => {
            let message = format!("\"{}\" is no origin", shown(written));
            let help = "write scheme, host and port, as in https://app.example.com".to_owned();
            findings.note(written.offset, place, "invalid_origin", message, Some(help));
            None
        }
    }
}

/// Gives the origin of an identity provider from its `domain`: a bare host, or `http://` and a loopback host.
pub fn read_domain(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<String> {
    let text = written.value()?;
    let (url, bare) = match text.strip_prefix("http://") {
        Some(_) => (Url::parse(text).ok().filter(is_loopback), false),
        None => (Url::parse(&format!("https://{text}")).ok(), true),
    };
    let origin =
        url.filter(|url| url.path() == "/" && url.query().is_none()).map(|url| url.origin().ascii_serialization());
    let written_out = if bare { format!("https://{text}") } else { text.trim_end_matches('/').to_owned() };
    match origin {
        Some(origin) if origin == written_out => Some(origin),
        _ => {
            let message = format!("\"{}\" is no host name", shown(written));
            let help =
                "write the tenant's domain alone, as in tenant.eu.auth0.com (http:// is for loopback hosts)".to_owned();
            findings.note(written.offset, place, "invalid_domain", message, Some(help));
            None
        }
    }
}
