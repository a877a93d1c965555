//! The request that is explained, from what the command line has of it.

use std::cell::OnceCell;

use super::hidden::CREDENTIAL;
use super::known::Known;
use crate::address::Address;
use crate::http::cookie::name_on;
use crate::http::header::is_token;
use crate::http::header_lines::HeaderLines;
use crate::http::request::RequestHead;
use crate::session::SessionCookie;

/// The origin of a request whose host is not known.
const UNKNOWN_ORIGIN: &str = "https://gateway.invalid";

/// Longest address that reaches a Worker, in bytes (limits of Cloudflare Workers).
const URL_MAX_BYTES: usize = 16 * 1024;

/// Most bytes of a request's headers that reach a Worker (limits of Cloudflare Workers).
const HEADERS_MAX_BYTES: usize = 128 * 1024;

/// The header with the client's address, which Cloudflare sets.
const CLIENT_ADDRESS: &str = "cf-connecting-ip";

/// The methods that reach a Worker (`kj/compat/http.h` of workerd's library).
const METHODS: [&str; 28] = [
    "ACL",
    "BAN",
    "CHECKOUT",
    "COPY",
    "DELETE",
    "GET",
    "HEAD",
    "LOCK",
    "MSEARCH",
    "MERGE",
    "MKACTIVITY",
    "MKCOL",
    "MOVE",
    "NOTIFY",
    "OPTIONS",
    "PATCH",
    "POST",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "PUT",
    "QUERY",
    "REPORT",
    "SEARCH",
    "SUBSCRIBE",
    "TRACE",
    "UNLOCK",
    "UNSUBSCRIBE",
];

/// A request as it is written.
#[derive(Debug, Default)]
pub struct RequestText<'t> {
    /// Method and address, such as `GET /a/b?x=1`.
    pub line: &'t str,
    /// Headers, each as `Name: value`.
    pub headers: &'t [String],
    /// The token that it sends.
    pub token: Option<&'t str>,
    /// The size of its body, in bytes.
    pub body_bytes: Option<u64>,
    /// The client's address.
    pub from: Option<&'t str>,
}

/// Headers that carry a credential.
const CREDENTIAL_HEADERS: [&str; 7] =
    ["authorization", "cookie", "dpop", "proxy-authorization", "x-access-token", "x-api-key", "x-refresh-token"];

/// A request.
pub struct Request {
    method: String,
    url: Address,
    is_host_known: bool,
    is_scheme_known: bool,
    headers: HeaderLines,
    /// The host and the pattern of the route that took it, once one did.
    pub(super) route: OnceCell<String>,
}

impl Request {
    /// Parses a request.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &RequestText<'_>) -> Result<Self, String> {
        let (method, target) = split_line(text.line);
        if !is_token(method) {
            return Err(format!(
                "\"{method}\" is no method: write the request as \"GET /path\" or \"GET https://host/path\""
            ));
        }
        if !METHODS.contains(&method) {
            return Err(format!("Cloudflare's runtime refuses the method {method} (methods are in capitals)"));
        }
        if let Some(sign) = target.chars().find(|sign| "|{}\"<>".contains(*sign)) {
            return Err(format!("Cloudflare's runtime refuses {sign} in an address: write it percent-encoded"));
        }
        let (host, headers) = headers(text)?;
        let is_scheme_known = !target.starts_with('/');
        let is_host_known = is_scheme_known || host.is_some();
        let url = match &host {
            _ if is_scheme_known => target.to_owned(),
            Some(host) => format!("https://{host}{target}"),
            None => format!("{UNKNOWN_ORIGIN}{target}"),
        };
        if url.len() > URL_MAX_BYTES {
            return Err(format!(
                "the address has {} bytes, and Workers get none of more than {URL_MAX_BYTES}",
                url.len()
            ));
        }
        let url = Address::parse(&url).filter(Address::is_http);
        let url =
            url.ok_or_else(|| format!("\"{target}\" is neither a path that begins with / nor an http or https URL"))?;
        if url.has_credentials() {
            return Err("an address with a user name or a password is sent by no client: remove it".to_owned());
        }
        if let Some(host) = host {
            let named = Address::parse(&format!("{}://{host}/", url.scheme()));
            let is_it = named.is_some_and(|named| named.host_and_port() == url.host_and_port() && named.path() == "/");
            if !is_it || host.contains(['/', '?', '#', '@', '\\']) {
                return Err(format!("the header Host: {host} is not the host of the address: give one of them"));
            }
        }
        let url = as_in_worker(&url);
        let method = method.to_owned();
        Ok(Self { method, url, is_host_known, is_scheme_known, headers, route: OnceCell::new() })
    }

    /// Returns the address that was called.
    pub fn url(&self) -> &Address {
        &self.url
    }

    /// Returns the address as it is shown: only its path, if the host is not known.
    pub fn shown_url(&self) -> &str {
        let url = self.url.as_str();
        if self.is_host_known { url } else { self.url.beyond_authority() }
    }

    /// Checks whether the host that it calls is known.
    pub fn is_host_known(&self) -> bool {
        self.is_host_known
    }

    /// Checks whether it is known if it comes by https.
    pub fn is_scheme_known(&self) -> bool {
        self.is_scheme_known
    }

    /// Returns its headers.
    pub fn headers(&self) -> &HeaderLines {
        &self.headers
    }

    /// Returns the client's address, if it is known.
    pub fn from(&self) -> Option<&str> {
        self.headers.get(CLIENT_ADDRESS)
    }

    /// Checks whether it has a body.
    pub fn has_body(&self) -> bool {
        let length = self.headers.get("content-length");
        length.is_some_and(|length| length != "0") || self.headers.get("transfer-encoding").is_some()
    }

    /// Checks whether it calls this machine by plain http.
    pub fn is_plain_loopback(&self) -> bool {
        self.url.scheme() == "http" && self.url.is_loopback()
    }

    /// Adds the cookie of some session.
    ///
    /// # Errors
    /// That the config has no sessions.
    pub fn add_session(&mut self, known: &Known) -> Result<(), String> {
        let session = known.config.session.as_ref().ok_or("--session: the config has no \"session\"")?;
        let name = name_on(&session.rules.cookie, self.is_plain_loopback());
        self.add_cookie(&format!("{name}={}", SessionCookie::from_random([0; 16], [0; 16]).value()));
        Ok(())
    }

    /// Returns it with something else in the place of each credential; API keys come in headers of these names.
    pub(super) fn masked(&self, of_keys: &[&str]) -> Self {
        let pairs = self.headers.pairs().map(|(name, value)| {
            let masked = |[kept, credential, end]: [&str; 3]| {
                [kept, if credential.is_empty() { "" } else { CREDENTIAL }, end].concat()
            };
            let parts =
                credential_parts(name, value, of_keys).map(|parts| parts.into_iter().map(masked).collect::<String>());
            (name.to_owned(), parts.unwrap_or_else(|| value.to_owned()))
        });
        let headers = lines(pairs.collect());
        Self { method: self.method.clone(), url: self.url.clone(), headers, route: OnceCell::new(), ..*self }
    }

    /// Returns its credentials.
    pub(super) fn credentials(&self, of_keys: &[&str]) -> impl Iterator<Item = String> {
        let parts = self.headers.pairs().filter_map(|(name, value)| credential_parts(name, value, of_keys)).flatten();
        parts.map(|[_, credential, _]| credential.to_owned())
    }

    fn add_cookie(&mut self, cookie: &str) {
        let known = self.headers.get("cookie").map(|known| format!("{known}; {cookie}"));
        let cookie = known.unwrap_or_else(|| cookie.to_owned());
        let others = self.headers.pairs().filter(|(name, _)| *name != "cookie");
        let mut pairs: Vec<_> = others.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        pairs.push(("cookie".to_owned(), cookie));
        self.headers = lines(pairs);
    }
}

impl RequestHead for Request {
    fn method(&self) -> &str {
        &self.method
    }

    fn path(&self) -> &str {
        self.url.path()
    }

    fn query(&self) -> Option<&str> {
        self.url.query()
    }

    fn host(&self) -> &str {
        if self.is_host_known { self.url.host_and_port() } else { "" }
    }

    fn pattern(&self) -> &str {
        self.route.get().map_or("", String::as_str)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }
}

/// Returns an address as the Worker sees it: no client sends the fragment, and the runtime's parser encodes a circumflex in a path
/// ([`crate::address`]).
fn as_in_worker(url: &Address) -> Address {
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    Address::from_normalised(format!("{}{}{query}", url.origin(), url.path().replace('^', "%5E")))
}

/// Returns the method and the address of a request line, which may have its version at the end.
fn split_line(line: &str) -> (&str, &str) {
    let line = line.trim();
    let Some((method, target)) = line.split_once(char::is_whitespace) else { return ("GET", line) };
    let target = target.trim();
    let versioned = target.rsplit_once(char::is_whitespace).filter(|(_, version)| version.starts_with("HTTP/"));
    (method, versioned.map_or(target, |(target, _)| target.trim_end()))
}

/// Returns the host that the headers name, and the others.
fn headers(text: &RequestText<'_>) -> Result<(Option<String>, HeaderLines), String> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for header in text.headers {
        let (name, value) = parse_header(header)?;
        // The runtime joins those of one name.
        match pairs.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = format!("{known}, {value}"),
            None => pairs.push((name, value)),
        }
    }
    let mut add = |flag: &str, name: &str, value: String| {
        if pairs.iter().any(|(known, _)| known == name) {
            return Err(format!("{flag} sets {name}, which a --header sets too: give one of them"));
        }
        pairs.push((name.to_owned(), value));
        Ok(())
    };
    if let Some(token) = text.token {
        add("--token", "authorization", format!("Bearer {token}"))?;
    }
    if let Some(bytes) = text.body_bytes {
        add("--body-bytes", "content-length", bytes.to_string())?;
    }
    if let Some(from) = text.from {
        let is_address = from.parse::<std::net::IpAddr>().is_ok();
        if !is_address {
            return Err(format!("\"{from}\" is no IP address"));
        }
        add("--from", CLIENT_ADDRESS, from.to_owned())?;
    }
    let bytes: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > HEADERS_MAX_BYTES {
        return Err(format!(
            "the headers have {bytes} bytes, and Workers get no request with more than {HEADERS_MAX_BYTES}"
        ));
    }
    let length = pairs.iter().find(|(name, _)| name == "content-length").map(|(_, value)| value);
    let is_length = |value: &String| value.bytes().all(|byte| byte.is_ascii_digit()) && value.parse::<u64>().is_ok();
    if let Some(value) = length.filter(|value| !is_length(value)) {
        return Err(format!("Cloudflare's runtime refuses the content-length \"{value}\""));
    }
    let (hosts, others): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(name, _)| name == "host");
    Ok((hosts.into_iter().map(|(_, host)| host).next(), lines(others)))
}

/// Returns the lower-case name and the value of a header as `curl` takes it: `Name: value`, or `Name;` if the value is empty.
fn parse_header(header: &str) -> Result<(String, String), String> {
    let split = header.split_once(':').or_else(|| Some((header.strip_suffix(';')?, "")));
    let (name, value) = split.ok_or("a header has no colon: write it as \"Name: value\"")?;
    if !is_token(name) {
        return Err(format!("\"{name}\" is no name of a header: write the header as \"Name: value\""));
    }
    let value = value.trim();
    if value.contains(|c: char| c.is_control() && c != '\t') {
        return Err(format!("the value of {name} has control characters, which no request can send"));
    }
    Ok((name.to_ascii_lowercase(), value.to_owned()))
}

/// Returns the parts of a header that carries credentials, each as what is kept of it, such as a scheme or the name of a cookie, the
/// credential, and what ends the part.
fn credential_parts<'h>(name: &str, value: &'h str, of_keys: &[&str]) -> Option<Vec<[&'h str; 3]>> {
    if !CREDENTIAL_HEADERS.contains(&name) && !of_keys.contains(&name) {
        return None;
    }
    let (ends, sign): (&[char], _) = match name {
        // Of several fields, which the runtime joins by commas.
        "cookie" => (&[';', ','], Some('=')),
        "authorization" | "proxy-authorization" => (&[], Some(' ')),
        _ => (&[], None),
    };
    let part = |part: &'h str| {
        let (part, end) = part.split_at(part.trim_end_matches(ends).len());
        let begin = part.find(|c: char| c != ' ').unwrap_or(part.len());
        let behind = |sign| part.get(begin..)?.find(sign).map(|at| begin + at + 1);
        let (kept, credential) = part.split_at(sign.and_then(behind).unwrap_or(begin));
        [kept, credential, end]
    };
    Some(value.split_inclusive(ends).map(part).collect())
}

/// Returns headers as the runtime lists them, in the order of their names.
fn lines(mut pairs: Vec<(String, String)>) -> HeaderLines {
    pairs.sort();
    HeaderLines::new(pairs.into_iter().flat_map(|(name, value)| [name, value]).collect::<Vec<_>>().join("\n"))
}
