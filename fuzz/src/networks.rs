//! Addresses of clients and the networks that may send requests: against the standard library.

use std::net::{IpAddr, Ipv6Addr};

use bargate::config::{Config, Networks, UnknownBindings, load};
use serde_json::json;

use super::text::{fields, text};

/// A network on the first line, the address of a client on the second.
pub fn check(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let [network, address] = fields(text);
    let config = json!({ "ip": { "allow": [network] }, "paths": [{ "method": "GET", "path": "/", "response": 1 }] });
    let loaded = load(&config.to_string(), &UnknownBindings);
    let block = parse_block(network);
    if network.starts_with('$') || network.is_empty() {
        return;
    }
    let networks = match loaded {
        Ok(Config { networks: Some(networks), .. }) => networks,
        Ok(_) => panic!("a list that is there counts"),
        Err(errors) => {
            assert_eq!(block, None, "{network:?} is a network: {errors:?}");
            return;
        }
    };
    let (bits, prefix, is_v4) = block.expect(network);
    let admitted = networks.admit(Some(address));
    assert!(!networks.admit(None) && Networks::default().admit(None));
    let Ok(client) = address.parse::<IpAddr>() else {
        assert!(!admitted, "{address:?} is no address");
        return;
    };
    let own = mapped(client);
    let is_client_v4 = own.to_ipv4_mapped().is_some();
    let shift = 128 - prefix;
    let begins_alike = shift == 128 || u128::from(own) >> shift == bits >> shift;
    assert_eq!(admitted, begins_alike && (is_v4 == is_client_v4 || prefix >= 96), "{network:?} {address:?}");
}

/// Returns an address as one of IPv6.
fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// Parses a network with the standard library: its bits, how many count, and whether it is of IPv4.
fn parse_block(text: &str) -> Option<(u128, u32, bool)> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => width,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            digits.parse().ok().filter(|own| *own <= width)?
        }
        Some(_) => return None,
    };
    let (bits, prefix) = (u128::from(mapped(address)), prefix + 128 - width);
    let behind = u128::MAX.checked_shr(prefix).unwrap_or(0);
    (bits & behind == 0).then_some((bits, prefix, width == 32))
}
