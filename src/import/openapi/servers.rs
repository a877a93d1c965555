//! Makes upstreams from the servers of a description: of each list, the first that a gateway can call.

use std::collections::HashMap;

use crate::address::Address;
use crate::authoring::Json;
use crate::config::holds_reference;
use crate::config::server::{ALIAS, URL};

/// The upstreams of the paths.
pub struct Servers {
    /// The upstream that `--server` names instead of all others.
    wished: Option<String>,
    list: Vec<Server>,
    by_address: HashMap<Base, usize>,
    by_place: HashMap<String, usize>,
}

/// The URL of an upstream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Base {
    /// A whole URL.
    Url(String),
    /// Unknown; it ends in this path.
    Unknown(String),
}

struct Server {
    base: Base,
    review: Vec<String>,
}

impl Servers {
    /// Creates an empty list.
    pub fn new(wished: Option<&str>) -> Self {
        Self {
            wished: wished.map(str::to_owned),
            list: Vec::new(),
            by_address: HashMap::new(),
            by_place: HashMap::new(),
        }
    }

    /// Returns the index of the upstream for the list at `place`, and the notes about it.
    pub fn take(&mut self, place: &str, servers: Option<&Json>) -> (usize, Vec<String>) {
        if let Some(index) = self.by_place.get(place) {
            return (*index, Vec::new());
        }
        let mut notes = Vec::new();
        let base = match &self.wished {
            Some(url) => Base::Url(url.clone()),
            None => first_usable(servers.map(Json::items).unwrap_or_default(), &mut notes),
        };
        let next = self.list.len();
        let index = *self.by_address.entry(base.clone()).or_insert(next);
        if index == next {
            self.list.push(Server { base, review: notes.clone() });
        }
        self.by_place.insert(place.to_owned(), index);
        (index, notes)
    }

    /// Checks whether `--server` replaces those of the description.
    pub fn is_wished(&self) -> bool {
        self.wished.is_some()
    }

    /// Returns the alias of an upstream.
    pub fn alias(index: usize) -> String {
        if index == 0 { "api".to_owned() } else { format!("api-{}", index + 1) }
    }

    /// Returns the section.
    pub fn to_json(&self) -> Json {
        let servers = self.list.iter().enumerate().map(|(index, server)| {
            let mut members = Vec::new();
            if !server.review.is_empty() {
                members.push(("x-review".to_owned(), Json::texts(&server.review)));
            }
            let alias = Self::alias(index);
            let url = match &server.base {
                Base::Url(url) => url.clone(),
                Base::Unknown(_) => format!("$env.{}_URL", alias.to_ascii_uppercase().replace('-', "_")),
            };
            members.push((ALIAS.name.to_owned(), Json::Text(alias)));
            members.push((URL.name.to_owned(), Json::Text(url)));
            Json::Object(members)
        });
        Json::Array(servers.collect())
    }
}

fn first_usable(servers: &[Json], notes: &mut Vec<String>) -> Base {
    let mut first = None;
    let mut relative = None;
    let mut others = Vec::new();
    for server in servers {
        let Some(written) = server.text("url") else { continue };
        let (url, variables) = match with_defaults(written, server.get("variables")) {
            Ok(filled) => filled,
            Err(reason) => {
                notes.push(reason);
                continue;
            }
        };
        if first.is_some() {
            others.push(written.to_owned());
            continue;
        }
        match Address::parse(&url) {
            Some(address) if is_upstream(&address) && !holds_reference(&url) => {
                if !variables.is_empty() {
                    notes.push(format!("the variables of its server have their defaults: {}", variables.join(", ")));
                }
                first = Some(url);
            }
            Some(_) => notes.push(format!("\"{url}\" is not the URL of an upstream")),
            None if relative.is_none() => relative = Some(url),
            None => others.push(written.to_owned()),
        }
    }
    if !others.is_empty() {
        notes.push(format!("its first server is used; ignored: {}", others.join(", ")));
    }
    match first {
        Some(url) => Base::Url(url),
        None => {
            let path = relative.unwrap_or_default().trim_end_matches('/').to_owned();
            let ending = match path.trim_start_matches(['.', '/']) {
                "" => String::new(),
                path => format!("; its URL ends in /{path}"),
            };
            notes.push(format!("the description does not have the URL of its server{ending}"));
            Base::Unknown(path)
        }
    }
}

/// Checks whether a URL can be a server's in a config.
fn is_upstream(url: &Address) -> bool {
    url.is_http() && !url.has_credentials() && !url.has_fragment() && url.query().is_none()
}

/// Puts the defaults of its variables into a URL; returns the variables too.
fn with_defaults(url: &str, variables: Option<&Json>) -> Result<(String, Vec<String>), String> {
    let (mut filled, mut used, mut rest) = (String::new(), Vec::new(), url);
    while let Some((before, (name, after))) =
        rest.split_once('{').and_then(|(before, behind)| Some((before, behind.split_once('}')?)))
    {
        let default = match variables.and_then(|variables| variables.get(name)?.get("default")) {
            Some(Json::Text(text) | Json::Number(text)) => text,
            _ => return Err(format!("the variable \"{name}\" of the server \"{url}\" has no default")),
        };
        filled.push_str(before);
        filled.push_str(default);
        used.push(format!("{name} = {default}"));
        rest = after;
    }
    filled.push_str(rest);
    Ok((filled, used))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip] // One row a line.
    fn the_first_server_that_a_gateway_can_call_is_taken() {
        let table = [
            ("none", "[]", "$env.API_URL", 1),
            ("one with a base path", r#"[{"url": "https://a.example/v1"}]"#, "https://a.example/v1", 0),
            ("two", r#"[{"url": "https://a.example"}, {"url": "https://b.example"}]"#, "https://a.example", 1),
            ("a relative one", r#"[{"url": "/v1"}]"#, "$env.API_URL", 1),
            ("a relative one before", r#"[{"url": "/v1"}, {"url": "https://a.example/v1"}]"#, "https://a.example/v1", 0),
            ("a socket before", r#"[{"url": "wss://a.example"}, {"url": "https://a.example"}]"#, "https://a.example", 1),
            ("credentials", r#"[{"url": "https://u:p@a.example"}]"#, "$env.API_URL", 2),
            (
                "variables",
                r#"[{"url": "https://{host}.example:{port}/{base}", "variables": {"host": {"default": "eu"}, "port": {"default": 8443}, "base": {"default": "v2"}}}]"#,
                "https://eu.example:8443/v2",
                1,
            ),
            ("a variable without a default", r#"[{"url": "https://{host}/"}]"#, "$env.API_URL", 2),
            ("a reference of the config's", r#"[{"url": "$secret.KEY"}]"#, "$env.API_URL", 1),
            ("one that holds such a reference", r#"[{"url": "https://a.example/$env.V/x"}]"#, "$env.API_URL", 2),
            ("a default that is one", r#"[{"url": "https://a.example/{v}", "variables": {"v": {"default": "$env.V"}}}]"#, "$env.API_URL", 2),
            ("no list", r#"{"url": "https://a.example"}"#, "$env.API_URL", 1),
        ];
        for (message, json, url, count) in table {
            let mut servers = Servers::new(None);
            let (index, notes) = servers.take("here", Some(&serde_json::from_str(json).unwrap()));
            assert_eq!((index, notes.len()), (0, count), "{message}: {notes:?}");
            let section = servers.to_json();
            assert_eq!(section.items()[0].text("url"), Some(url), "{message}");
            assert_eq!(servers.take("here", None).1.len(), 0, "{message}: told once");
        }
    }

    #[test]
    fn one_address_is_one_upstream() {
        let list = |url: &str| Json::Array(vec![Json::object([("url", url.into())])]);
        let mut servers = Servers::new(None);
        let indexes = ["https://a.example", "https://b.example", "https://a.example", "/v1", "/v2", "/v1"]
            .iter()
            .enumerate()
            .map(|(place, url)| servers.take(&place.to_string(), Some(&list(url))).0);
        assert_eq!(indexes.collect::<Vec<_>>(), [0, 1, 0, 2, 3, 2]);
        let urls: Vec<_> = servers.to_json().items().iter().map(|item| item.text("url").unwrap().to_owned()).collect();
        assert_eq!(urls, ["https://a.example", "https://b.example", "$env.API_3_URL", "$env.API_4_URL"]);
    }

    #[test]
    fn a_wish_is_the_only_upstream() {
        let mut servers = Servers::new(Some("https://w.example"));
        let list = Json::Array(vec![Json::object([("url", "https://a.example".into())])]);
        assert_eq!(servers.take("here", Some(&list)), (0, Vec::new()));
        assert_eq!(servers.take("there", None), (0, Vec::new()));
        assert_eq!(servers.to_json().items().len(), 1);
    }
}
