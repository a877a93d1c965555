//! An address, whose parts are read off its text: against the crate `url`.

use bargate::address::Address;

use super::text::text;

/// Each part is that of the URL standard.
pub fn check(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let (url, address) = (url::Url::parse(text).ok(), Address::parse(text));
    assert_eq!(address.as_ref().map(Address::as_str), url.as_ref().map(url::Url::as_str));
    let (Some(url), Some(address)) = (url, address) else { return };
    assert_eq!(address.scheme(), url.scheme());
    assert_eq!(address.path(), url.path());
    assert_eq!(address.query(), url.query());
    assert_eq!(address.has_fragment(), url.fragment().is_some());
    assert_eq!(address.has_credentials(), !url.username().is_empty() || url.password().is_some());
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    assert_eq!(address.host_and_port(), format!("{}{port}", url.host_str().unwrap_or_default()));
    if address.is_http() {
        assert_eq!(Address::parse(address.as_str()).as_ref(), Some(&address), "it is written in one way");
        assert_eq!(address.origin(), url.origin().ascii_serialization());
        let is_local = match url.host().expect("a host") {
            url::Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            url::Host::Ipv4(address) => address.is_loopback(),
            url::Host::Ipv6(address) => address.is_loopback(),
        };
        assert_eq!(address.is_loopback(), is_local);
    } else {
        assert_eq!(address.origin(), "null");
    }
}
