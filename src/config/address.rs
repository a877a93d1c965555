//! Addresses in a config: hosts, origins and URLs, and which of them may be plain http.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use super::document::Origin;
use super::reader::{Findings, ObjectReader, Place, Written, shown};

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

/// Gives the origins of the list at `key`, in the order of the file.
pub fn read_origins(object: &mut ObjectReader<'_>, key: &'static str, findings: &mut Findings<'_>) -> Vec<String> {
    let place = Place::Key(object.place(), key);
    let listed = object.texts(key, findings);
    let listed = listed.iter().enumerate();
    listed.filter_map(|(index, written)| read_origin(written, &Place::Index(&place, index), findings)).collect()
}

/// Tells whether a redirect may be sent there: a path of the gateway's own, or a URL at one of `origins`.
pub fn is_destination(text: &str, origins: &[String]) -> bool {
    if let Ok(url) = Url::parse(text) {
        return origins.contains(&url.origin().ascii_serialization());
    }
    text.starts_with('/') && !text.starts_with("//") && !text.contains('\\') && !text.contains(char::is_control)
}

/// Gives the origin that was written, as browsers serialise it: scheme, host, port where it is not the scheme's own.
pub fn read_origin(written: &Written<'_>, place: &Place<'_>, findings: &mut Findings<'_>) -> Option<String> {
    let text = written.value()?;
    let origin = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .map(|url| url.origin().ascii_serialization());
    match origin {
        Some(origin) if origin.contains('*') => {
            let message = format!("\"{}\" has a wildcard, which no origin has", shown(written));
            findings.note(written.offset, place, "invalid_origin", message, Some("write each origin out".to_owned()));
            None
        }
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
    if let Some(origin) = domain_origin(text) {
        return Some(origin);
    }
    let host = text.split_once("://").map_or(text, |(_, rest)| rest).split('/').next().map(str::to_ascii_lowercase);
    let help = match host.filter(|host| written.text.origin == Origin::File && domain_origin(host).is_some()) {
        Some(host) => format!("write \"{host}\"; http:// is for loopback hosts alone"),
        None => "write the tenant's domain alone, as in tenant.eu.auth0.com".to_owned(),
    };
    let message = format!("\"{}\" is no host name", shown(written));
    findings.note(written.offset, place, "invalid_domain", message, Some(help));
    None
}

fn domain_origin(text: &str) -> Option<String> {
    let (written_out, loopback_alone) = match text.strip_prefix("http://") {
        Some(_) => (text.trim_end_matches('/').to_owned(), true),
        None => (format!("https://{text}"), false),
    };
    let url = Url::parse(&written_out).ok().filter(|url| !loopback_alone || is_loopback(url))?;
    let origin = url.origin().ascii_serialization();
    (origin == written_out).then_some(origin)
}
