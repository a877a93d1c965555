//! Which of a client's headers go no further.

use std::cell::RefCell;

use crate::config::Mapping;
#[cfg(not(target_os = "unknown"))]
use crate::http::header::FRAMING_HEADERS;
use crate::http::header::{HOP_BY_HOP_HEADERS, tokens};
use crate::http::header_lines::{HeaderChanges, HeaderLines};

/// Headers of clients, besides the hop-by-hop ones, that reach no upstream: those only for the gateway, those that the gateway
/// sets, or by which proxies say to servers behind them where a client is, who it is and what it requested, so that some servers
/// trust them. A `*` stands for any characters; at the beginning it does not match Cloudflare's own, `CF-*`.
///
/// `Upgrade` is not among them: a WebSocket handshake, which is a `GET`, is passed on.
pub const DROPPED_REQUEST_HEADERS: [&str; 48] = [
    "*-ip",
    "*client-cert*",
    "*clientip",
    "*forwarded*",
    "*socketip",
    "*ssl-client-*",
    "cloudfront-viewer-*",
    "front-end-https",
    "proxy",
    "remote-*",
    "x-accel-*",
    "x-access-token",
    "x-amzn-oidc-*",
    "x-appengine-*",
    "x-arr-*",
    "x-astro-*",
    "x-auth-request-*",
    "x-authenticated-*",
    "x-envoy-*",
    "x-goog-authenticated-*",
    "x-goog-iap-*",
    "x-host",
    "x-host-override",
    "x-http-host*",
    "x-http-method*",
    "x-invoke-*",
    "x-matched-path",
    "x-method-override",
    "x-middleware-*",
    "x-ms-client-principal*",
    "x-now-route-*",
    "x-original-host",
    "x-original-method",
    "x-original-path",
    "x-original-proto",
    "x-original-ur*",
    "x-override-url",
    "x-real-host",
    "x-refresh-token",
    "x-remote-*",
    "x-request-id",
    "x-rewrite-*",
    "x-scheme",
    "x-script-name",
    "x-sendfile-type",
    "x-url-scheme",
    "x-vercel-ip-*",
    "x-webauth-*",
];

/// Returns a name as servers see it that fold it into a variable: to CGI and its heirs `X_User.Id` and `X-User-Id` are one.
#[inline(never)]
fn folded(name: &str) -> String {
    name.bytes().map(|b| if b.is_ascii_alphanumeric() { char::from(b.to_ascii_lowercase()) } else { '-' }).collect()
}

/// Checks whether a folded name is one of `pattern`.
fn is_of(name: &[u8], pattern: &str) -> bool {
    let (begins, part) = match pattern.as_bytes() {
        [b'*', part @ ..] => (false, part),
        part => (true, part),
    };
    let (ends, part) = match part {
        [part @ .., b'*'] => (false, part),
        part => (true, part),
    };
    match (begins, ends) {
        (true, _) if name.first() != part.first() => false,
        (true, true) => name == part,
        (true, false) => name.starts_with(part),
        (false, _) if name.starts_with(b"cf-") => false,
        (false, true) => name.ends_with(part),
        (false, false) => name.windows(part.len().max(1)).any(|signs| signs == part),
    }
}

/// Checks whether no upstream gets a client's header of this name, on any path of any config: it belongs to one connection, or to one message,
/// or is dropped.
#[cfg(not(target_os = "unknown"))]
pub fn never_passes(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    FRAMING_HEADERS.contains(&&*name) || ClientHeaderNames::new(&[]).judge(&name).stops
}

/// Names of clients' headers that are kept with what is known of them, and their longest, in bytes.
const KNOWN_MAX: usize = 256;
const KNOWN_NAME_MAX_BYTES: usize = 64;

/// What is known of the names of clients' headers: each is folded, and compared with all patterns, only once. To do
/// so for each request took 3 to 5 % of a proxied one with 17 headers, in one run on a busy machine.
pub struct ClientHeaderNames {
    /// Folded names that a mapping of any path sets.
    asserted: Vec<String>,
    /// In the order of their names.
    known: RefCell<Vec<KnownName>>,
}

struct KnownName {
    name: String,
    folded: String,
    /// Whether it goes no further on any path.
    stops: bool,
}

impl ClientHeaderNames {
    /// Begins with nothing known; `asserted` are the names that a mapping of any path sets.
    pub fn new(asserted: &[String]) -> Self {
        Self { asserted: asserted.iter().map(|name| folded(name)).collect(), known: RefCell::default() }
    }

    /// Checks whether a header goes no further, or is called as one of `also`, which are folded.
    fn stops(&self, name: &str, also: &[String]) -> bool {
        let stops = |known: &KnownName| known.stops || also.contains(&known.folded);
        let mut known = self.known.borrow_mut();
        match known.binary_search_by(|known| known.name.as_str().cmp(name)) {
            Ok(place) => known.get(place).is_none_or(stops),
            Err(place) => {
                let judged = self.judge(name);
                let stops = stops(&judged);
                if name.len() <= KNOWN_NAME_MAX_BYTES && known.len() < KNOWN_MAX {
                    known.insert(place, judged);
                } else if known.len() >= KNOWN_MAX {
                    // Clients make up names; those that many send are soon known again.
                    known.clear();
                }
                stops
            }
        }
    }

    fn judge(&self, name: &str) -> KnownName {
        let folded = folded(name);
        let is_misspelt = folded != name && folded.starts_with("cf-");
        let stops = is_misspelt
            || HOP_BY_HOP_HEADERS.contains(&&*folded)
            || self.asserted.contains(&folded)
            || DROPPED_REQUEST_HEADERS.iter().any(|pattern| is_of(folded.as_bytes(), pattern));
        KnownName { name: name.to_owned(), folded, stops }
    }
}

/// The headers of a client's request.
pub struct ClientHeaders<'h> {
    /// Its headers, with the values of those that are read.
    pub sent: &'h HeaderLines,
    /// Whether it is a `GET`.
    pub is_get: bool,
    /// What is known of their names.
    pub names: &'h ClientHeaderNames,
    /// The path's own mapping.
    pub mapping: &'h Mapping,
}

impl ClientHeaders<'_> {
    /// Removes those that go no further: whichever no client may send, those of its connection, those that the path removes or sets, if
    /// its source has no value too, and those that are called as one of `also`, in whatever spelling an upstream may fold.
    pub fn drop(&self, also: &[&str], changes: &mut HeaderChanges) {
        let mut own: Vec<_> = tokens(self.sent.get("connection").unwrap_or_default()).map(folded).collect();
        // A handshake is passed on, and headers about the body and of Cloudflare do not belong to a connection.
        own.retain(|name| name != "upgrade" && !name.starts_with("content-") && !name.starts_with("cf-"));
        let set = self.mapping.headers.iter().map(|(name, _)| name);
        let of_path = self.mapping.remove.iter().chain(set).map(String::as_str);
        own.extend(of_path.chain(also.iter().copied()).map(folded));
        // The runtime makes a handshake, and so a GET, of whatever has this header.
        own.extend((!self.is_get).then(|| "upgrade".to_owned()));
        for (name, _) in self.sent.pairs() {
            if self.names.stops(name, &own) {
                changes.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Source;

    /// Returns what is left of headers of a client, separated by spaces, beside a `Connection`.
    fn left(names: &str, connection: &str, is_get: bool) -> String {
        let sent: Vec<_> = names.split(' ').flat_map(|name| [name, ""]).chain(["connection", connection]).collect();
        let (sent, mut changes) = (sent.join("\n"), HeaderChanges::default());
        let names = ClientHeaderNames::new(&["X_User.Id".to_owned(), "x-any--id".to_owned()]);
        let mapping = Mapping {
            headers: vec![("accept-language".to_owned(), Source::Query("lang".to_owned()))],
            remove: vec!["x_removed".to_owned()],
            ..Mapping::default()
        };
        let sent = HeaderLines::new(sent);
        let headers = ClientHeaders { sent: &sent, is_get, names: &names, mapping: &mapping };
        headers.drop(&["tracestate"], &mut changes);
        let pairs: Vec<_> = sent.pairs().collect();
        changes.carried_out(&pairs).into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_no_client_may_say_goes_no_further_in_whatever_spelling() {
        let table = [
            (
                "what clients say",
                "accept user-agent x-own authorization cookie",
                "accept user-agent x-own authorization cookie",
            ),
            ("hop-by-hop headers", "te keep-alive proxy-connection transfer-encoding", ""),
            ("a name of the list", "x-real-host proxy x-request-id x-real-hosts", "x-real-hosts"),
            ("in another spelling", "x_real_host x.real-host x_request.id", ""),
            ("a beginning of the list", "x-vercel-ip-city remote-user remote xx-remote-user", "remote xx-remote-user"),
            ("an end of the list", "x-client-ip true_client_ip ip-x clientip -ip ip", "ip-x ip"),
            ("a part of the list", "forwarded x-forwarded-for my-client-cert-chain x-ssl-client-dn forward", "forward"),
            ("what Cloudflare says", "cf-connecting-ip cf-forwarded cf-ray", "cf-connecting-ip cf-forwarded cf-ray"),
            ("what only looks like that", "cf_connecting_ip cf.ray xcf-ray", "xcf-ray"),
            ("what the gateway says of users", "x-user-id x_user.id x-any.-id x-users-id", "x-users-id"),
            ("what the path removes", "x-removed x_removed x-removed-too", "x-removed-too"),
            ("what the path sets, whatever comes of it", "accept-language accept_language accept", "accept"),
            ("what this request is not to bring", "tracestate trace.state traceparent", "trace.state traceparent"),
        ];
        for (message, names, expected) in table {
            assert_eq!(left(names, "", true), expected, "{message}");
        }
    }

    #[test]
    fn what_a_connection_names_is_its_own_but_for_what_belongs_to_the_message() {
        let names = "x-hop x.hop content-type cf-ray upgrade x-own";
        let connection = "close, X-Hop,Upgrade, content-type ,cf-ray";
        assert_eq!(left(names, connection, true), "content-type cf-ray upgrade x-own");
        assert_eq!(left(names, connection, false), "content-type cf-ray x-own", "a handshake is a GET");
    }

    #[test]
    fn what_is_known_of_a_name_is_neither_of_one_path_nor_of_one_request() {
        let names = ClientHeaderNames::new(&["x-user-id".to_owned()]);
        let left = |sent: &str, mapping: &Mapping, is_get| {
            let sent: Vec<_> = sent.split(' ').flat_map(|name| [name, ""]).collect();
            let (sent, mut changes) = (sent.join("\n"), HeaderChanges::default());
            let sent = HeaderLines::new(sent);
            ClientHeaders { sent: &sent, is_get, names: &names, mapping }.drop(&[], &mut changes);
            let pairs: Vec<_> = sent.pairs().collect();
            changes.carried_out(&pairs).into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ")
        };
        let plain = Mapping::default();
        let removing = Mapping { remove: vec!["x-own".to_owned()], ..Mapping::default() };
        let sent = "x-own x_own upgrade x-user-id x_user_id te";
        for round in 0..3 {
            assert_eq!(left(sent, &plain, true), "x-own x_own upgrade", "{round}");
            assert_eq!(left(sent, &removing, true), "upgrade", "{round}");
            assert_eq!(left(sent, &plain, false), "x-own x_own", "{round}");
            for made_up in 0..2 * KNOWN_MAX {
                assert_eq!(left(&format!("x-{made_up}"), &plain, true), format!("x-{made_up}"));
                assert!(names.known.borrow().len() <= KNOWN_MAX, "what is kept is bounded");
                assert_eq!(left(&format!("x-forwarded-{made_up}"), &plain, true), "");
                assert!(names.known.borrow().len() <= KNOWN_MAX, "what is kept is bounded");
            }
            let long = "x".repeat(KNOWN_NAME_MAX_BYTES + 1);
            assert_eq!(left(&format!("{long} {long}-ip"), &plain, true), long);
            assert!(names.known.borrow().iter().all(|known| known.name.len() <= KNOWN_NAME_MAX_BYTES));
            for _ in 0..2 {
                left("accept", &plain, true);
            }
            let is_known = names.known.borrow().iter().any(|known| known.name == "accept");
            assert!(is_known, "{round}: what is sent again is known, however many were made up before");
        }
    }

    #[test]
    fn every_pattern_takes_itself_and_none_a_name_that_only_resembles_it() {
        for pattern in DROPPED_REQUEST_HEADERS {
            let name = pattern.replace('*', "");
            assert!(is_of(name.as_bytes(), pattern), "{pattern}");
            let (begins, ends) = (!pattern.starts_with('*'), !pattern.ends_with('*'));
            assert_eq!(is_of(format!("a{name}").as_bytes(), pattern), !begins, "{pattern}");
            assert_eq!(is_of(format!("{name}a").as_bytes(), pattern), !ends, "{pattern}");
        }
    }
}
