//! A provider's discovery document.

use bargate::address::Address;
use bargate::oauth::Discovery;

use super::text::{fields, members, text};

/// The issuer on the first line, its document on the rest: what is taken of it are addresses that secrets may be sent to.
pub fn check(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let [issuer, document] = fields(text);
    // No config has an issuer without a name.
    if issuer.is_empty() {
        return;
    }
    for logs_in in [false, true] {
        let Ok(found) = Discovery::parse(document, issuer, logs_in) else { continue };
        let read = members(document).expect("a document is an object");
        assert_eq!(read["issuer"], issuer, "the issuer is compared as a whole");
        assert_safe(&found.jwks_uri);
        let Some(endpoints) = &found.endpoints else {
            assert!(!logs_in);
            continue;
        };
        let required = [&endpoints.authorization, &endpoints.token];
        let optional = [&endpoints.userinfo, &endpoints.revocation, &endpoints.introspection, &endpoints.pushed];
        let logout = endpoints.logout.iter().map(|(url, _)| url);
        required.into_iter().chain(optional.into_iter().flatten()).chain(logout).for_each(|url| assert_safe(url));
        assert!(!endpoints.names_itself || read["authorization_response_iss_parameter_supported"] == true);
    }
}

/// Asserts that an address is https, or http on this machine, and as the parser writes it.
fn assert_safe(text: &str) {
    let url = url::Url::parse(text).expect("an address");
    assert_eq!(url.as_str(), text);
    let is_local = match url.host().expect("a host") {
        url::Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
        url::Host::Ipv4(address) => address.is_loopback(),
        url::Host::Ipv6(address) => address.is_loopback(),
    };
    assert!(url.scheme() == "https" || url.scheme() == "http" && is_local, "{text}");
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none(), "{text}");
    assert_eq!(Address::parse(text).expect("an address").as_str(), text);
}
