//! Networks that requests may come from: addresses, and blocks of them in CIDR notation (RFC 4632, RFC 4291 section 2.3).

use crate::config::code::Code;

use super::key::{Key, Texts, Value};
use super::reader::{Findings, ObjectReader, Place, host_help};
use super::section::section;

/// Which addresses may send requests.
#[derive(Clone, Debug, Default)]
pub struct Networks {
    /// Those that may; everyone if the list is absent.
    pub allow: Option<Vec<Network>>,
    /// Those that may not, whatever the other list says.
    pub deny: Vec<Network>,
}

/// A block of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Its first bits, as those of an IPv6 address; IPv4 addresses are mapped into it.
    bits: u128,
    /// How many of them count.
    prefix: u32,
}

/// The first bits that IPv4 addresses have among those of IPv6.
const MAPPED_PREFIX: u32 = 96;

/// Parses an address, and returns its bits; those of an IPv4 address mapped into IPv6 (RFC 4291 section 2.5.5.2). The parser of the
/// standard library takes and gives the same, and is a kibibyte of the Worker.
fn parse_bits(text: &str) -> Option<u128> {
    match parse_ipv4(text) {
        Some(address) => Some(0xffff_u128 << 32 | u128::from(address)),
        None => parse_ipv6(text),
    }
}

fn parse_ipv4(text: &str) -> Option<u32> {
    let (mut address, mut parts) = (0_u32, 0);
    for part in text.split('.') {
        let number =
            digits(part, 10, 3).filter(|number| *number < 256 && (part.len() == 1 || !part.starts_with('0')))?;
        (address, parts) = (address << 8 | number, parts + 1);
    }
    (parts == 4).then_some(address)
}

/// Parses an IPv6 address (RFC 4291 section 2.2).
fn parse_ipv6(text: &str) -> Option<u128> {
    // A gap is an empty part. At an end of the text, it has one more colon.
    let text = match text.as_bytes() {
        b"::" => "",
        [b':', b':', ..] => text.get(1..)?,
        [.., b':', b':'] => text.get(..text.len() - 1)?,
        b"" | [b':', ..] | [.., b':'] => return None,
        _ => text,
    };
    let (mut bits, mut groups, mut before_gap) = (0_u128, 0_u32, None);
    let mut parts = text.split(':');
    while let Some(part) = parts.next() {
        if part.is_empty() {
            if before_gap.replace((bits, groups)).is_some() {
                return None;
            }
            bits = 0;
        } else if let Some(group) = digits(part, 16, 4) {
            (bits, groups) = (bits << 16 | u128::from(group), groups + 1);
        } else {
            (bits, groups) = (bits << 32 | u128::from(parse_ipv4(part)?), groups + 2);
            if parts.next().is_some() {
                return None;
            }
        }
    }
    match before_gap {
        Some((before, above)) if groups < 8 => Some(before.checked_shl(16 * (8 - above)).unwrap_or(0) | bits),
        None if groups == 8 => Some(bits),
        _ => None,
    }
}

/// Parses a number of one to `digits_max` digits.
fn digits(text: &str, radix: u32, digits_max: usize) -> Option<u32> {
    let is_short = (1..=digits_max).contains(&text.len());
    is_short.then(|| text.chars().try_fold(0, |number, c| Some(number * radix + c.to_digit(radix)?)))?
}

/// Checks whether bits are those of an IPv4 address.
fn is_mapped(bits: u128) -> bool {
    bits >> 32 == 0xffff
}

impl Network {
    /// Parses an address, or a block without bits after its prefix.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let bits = parse_bits(address)?;
        let width = if address.as_bytes().contains(&b':') { 128 } else { 32 };
        let prefix = match prefix {
            None => width,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().ok().filter(|p| *p <= width)?
            }
            Some(_) => return None,
        };
        let network = Self { bits, prefix: prefix + 128 - width };
        (network.bits & !network.mask() == 0).then_some(network)
    }

    fn mask(&self) -> u128 {
        u128::MAX.checked_shl(128 - self.prefix).unwrap_or(0)
    }

    /// Returns the first and the last of its addresses, and whether they are of IPv4.
    #[cfg(not(target_os = "unknown"))]
    pub(crate) fn range(&self) -> (bool, u128, u128) {
        (self.prefix >= MAPPED_PREFIX && is_mapped(self.bits), self.bits, self.bits | !self.mask())
    }

    fn contains(&self, bits: u128) -> bool {
        // A block of IPv6 has no IPv4 addresses, although it may contain their mapped form.
        let other_family = self.prefix < MAPPED_PREFIX && is_mapped(bits);
        bits & self.mask() == self.bits && !other_family
    }
}

impl Networks {
    /// Returns the text by which an address is counted: of IPv6 its first 64 bits, because a client that has one of these addresses
    /// has them all.
    pub fn counted(address: &str) -> String {
        match parse_bits(address) {
            Some(bits) if !is_mapped(bits) => u64::try_from(bits >> 64).unwrap_or_default().to_string(),
            _ => address.to_owned(),
        }
    }

    /// Checks whether a request from `address` may pass; one without a known address may only if nothing is listed.
    pub fn admit(&self, address: Option<&str>) -> bool {
        let Some(bits) = address.and_then(parse_bits) else {
            return self.allow.is_none() && self.deny.is_empty();
        };
        let listed = |list: &[Network]| list.iter().any(|network| network.contains(bits));
        !listed(&self.deny) && self.allow.as_deref().is_none_or(listed)
    }
}

/// Reads the `ip` of an object; `None` if it has none.
pub(super) fn read_networks(
    object: &mut ObjectReader<'_, '_>,
    key: &Key<Value>,
    findings: &mut Findings<'_>,
) -> Option<Networks> {
    let node = object.node(key)?;
    let place = key.at(object.place());
    let mut reader = ObjectReader::open(node, &place, findings)?;
    let mut list = |key: &Key<Texts>, findings: &mut Findings<'_>| {
        let place = key.at(&place);
        reader.node(key)?;
        let mut networks = Vec::new();
        for (index, written) in reader.texts(key, findings).iter().enumerate() {
            let Some(text) = written.value() else { continue };
            match Network::parse(text) {
                Some(network) => networks.push(network),
                None => {
                    let wrong = "is not an address or network";
                    let help = host_help(|| {
                        "write it as 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32, without bits after the prefix".to_owned()
                    });
                    findings.refuse(written, &Place::Index(&place, index), Code::InvalidNetwork, wrong, help);
                }
            }
        }
        Some(networks)
    };
    let (allow, deny) = (list(&ALLOW, findings), list(&DENY, findings).unwrap_or_default());
    reader.finish(findings);
    Some(Networks { allow, deny })
}

section! {
    Section::new(
        "ip",
        "ip",
        "Addresses and networks, such as `192.0.2.1`, `192.0.2.0/24` or `2001:db8::/32`, that may send requests. A \
         request from elsewhere gets 403 `ip_denied`.\n\nThe address is that of `CF-Connecting-IP`. A request without \
         a known address passes only if nothing is listed. A network must have no bits after its prefix.",
    )
        .example(
            r#"{
                    "ip": { "deny": ["203.0.113.0/24"] },
                    "paths": [
                        { "method": "GET", "path": "/health", "response": { "status": "ok" } },
                        { "method": "GET", "path": "/office", "ip": { "allow": ["192.0.2.0/24", "2001:db8::/32"] }, "response": {} }
                    ]
                }"#,
        );

    ALLOW: Texts = texts("allow", Network), Elsewhere,
        "Those that may send requests; an empty list lets nobody in.",
        default_words("everyone"), example(list!["192.0.2.0/24"]);
    DENY: Texts = texts("deny", Network), Elsewhere,
        "Those that may not, whatever `allow` says.",
        example(list!["2001:db8::/32"]);
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn a_network_holds_its_own_addresses_alone() {
        let table = [
            ("192.0.2.0/24", "192.0.2.255", true, "the last of a block"),
            ("192.0.2.0/24", "192.0.3.0", false, "the next block"),
            ("192.0.2.1", "192.0.2.1", true, "one address"),
            ("192.0.2.1", "192.0.2.2", false, "its neighbour"),
            ("0.0.0.0/0", "203.0.113.9", true, "all of IPv4"),
            ("0.0.0.0/0", "2001:db8::1", false, "all of IPv4 is not IPv6"),
            ("::/0", "2001:db8::1", true, "all of IPv6"),
            ("::/0", "192.0.2.1", false, "all of IPv6 is not IPv4"),
            ("2001:db8::/32", "2001:db8:ffff::1", true, "a block of IPv6"),
            ("2001:db8::/32", "2001:db9::1", false, "its neighbour"),
            ("192.0.2.0/24", "::ffff:192.0.2.7", true, "an IPv4 address in the form of IPv6"),
        ];
        for (network, address, holds, message) in table {
            let deny = Networks { allow: None, deny: vec![Network::parse(network).unwrap()] };
            assert_eq!(!deny.admit(Some(address)), holds, "{message}");
        }
        for text in ["192.0.2.1/24", "192.0.2.0/33", "192.0.2.0/", "192.0.2", "2001:db8::/129", "a", "", "192.0.2.0/+8"]
        {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }

    fn std_bits(text: &str) -> Option<u128> {
        Some(match text.parse().ok()? {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        })
    }

    proptest::proptest! {
        #[test]
        fn long_addresses_are_those_of_the_standard_library(
            text in "(([0-9a-f]{1,4}:){0,8}:?){1,2}([0-9a-f]{0,4}|[12]?[0-9]{1,2}(\\.[1-9][0-9]?){3})"
        ) {
            assert_eq!(parse_bits(&text), std_bits(&text), "{text}");
        }
    }

    #[test]
    fn addresses_are_those_of_the_standard_library() {
        let parts = [
            "", "0", "1", "10", "255", "256", "0255", "abcd", "fFfF", "12345", "g", "+1", " 1", "1.2.3.4", "1.2.3", ".",
        ];
        for text in ["", ":", "::", ":::", "1", "1:", "::1", "1::"] {
            assert_eq!(parse_bits(text), std_bits(text), "{text}");
        }
        let mut valid = 0;
        for signs in [":", ".", "::"] {
            for number in 0..parts.len().pow(4) {
                let chosen = |place: u32| parts[number / parts.len().pow(place) % parts.len()];
                let text = [chosen(0), chosen(1), chosen(2), chosen(3)].join(signs);
                assert_eq!(parse_bits(&text), std_bits(&text), "{text}");
                valid += u32::from(parse_bits(&text).is_some());
            }
        }
        assert!(valid > 1_000, "{valid}");
    }

    #[test]
    fn an_address_that_is_not_known_passes_only_where_nothing_is_listed() {
        let network = || Network::parse("192.0.2.0/24").unwrap();
        let allow = Networks { allow: Some(vec![network()]), deny: Vec::new() };
        let deny = Networks { allow: None, deny: vec![network()] };
        for address in [None, Some(""), Some("unknown"), Some("192.0.2.1, 203.0.113.1")] {
            assert!(!allow.admit(address) && !deny.admit(address), "{address:?}");
            assert!(Networks::default().admit(address), "{address:?}");
        }
        assert!(!Networks { allow: Some(Vec::new()), deny: Vec::new() }.admit(Some("192.0.2.1")), "an empty list");
        let both = Networks { allow: Some(vec![network()]), deny: vec![Network::parse("192.0.2.1").unwrap()] };
        assert!(both.admit(Some("192.0.2.2")) && !both.admit(Some("192.0.2.1")), "deny wins");
    }

    #[test]
    fn addresses_of_one_network_of_ipv6_are_counted_as_one() {
        let table = [
            ("192.0.2.1", "192.0.2.2", false, "of IPv4 each counts for itself"),
            ("2001:db8::1", "2001:0DB8:0:0:ffff::", true, "one network"),
            ("2001:db8::1", "2001:db8:0:1::1", false, "its neighbour"),
            ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false, "IPv4 in the form of IPv6"),
            ("", "unknown", false, "no addresses"),
        ];
        for (one, other, same, message) in table {
            assert_eq!(Networks::counted(one) == Networks::counted(other), same, "{message}");
        }
    }
}
