//! The request that is explained, from what the command line has of it.

use std::cell::OnceCell;

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

/// A request.
pub struct Request {
    method: String,
    url: Address,
    is_host_known: bool,
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
        let is_host_known = !target.starts_with('/');
        let url = if is_host_known { target.to_owned() } else { format!("{UNKNOWN_ORIGIN}{target}") };
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
        let url = as_in_worker(&url);
        Ok(Self { method: method.to_owned(), url, is_host_known, headers: headers(text)?, route: OnceCell::new() })
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

fn headers(text: &RequestText<'_>) -> Result<HeaderLines, String> {
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
    Ok(lines(pairs))
}

/// Returns the lower-case name and the value of a header as `curl` takes it: `Name: value`, or `Name;` if the value is empty.
fn parse_header(header: &str) -> Result<(String, String), String> {
    let split = header.split_once(':').or_else(|| Some((header.strip_suffix(';')?, "")));
    let (name, value) =
        split.ok_or_else(|| format!("the header \"{header}\" has no colon: write it as \"Name: value\""))?;
    if !is_token(name) {
        return Err(format!("\"{name}\" is no name of a header: write the header as \"Name: value\""));
    }
    let value = value.trim();
    if value.contains(|c: char| c.is_control() && c != '\t') {
        return Err(format!("the value of {name} has control characters, which no request can send"));
    }
    Ok((name.to_ascii_lowercase(), value.to_owned()))
}

/// Returns headers as the runtime lists them, in the order of their names.
fn lines(mut pairs: Vec<(String, String)>) -> HeaderLines {
    pairs.sort();
    HeaderLines::new(pairs.into_iter().flat_map(|(name, value)| [name, value]).collect::<Vec<_>>().join("\n"))
}
