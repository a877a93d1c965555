//! What must hold of every text that comes from outside: one function for each kind of text.
//!
//! `fuzz_targets/` gives them what libFuzzer makes up. `tests/corpora.rs` gives them what it kept, with the compiler and in the
//! seconds that `make test` has. Nothing here names another file of the crate that includes it, so that both can.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod address;
mod api_key;
mod caching;
mod config;
mod cookie;
mod cors;
mod deployment;
mod discovery;
mod dpop;
mod encoding;
mod example;
mod forwarding;
mod import;
mod json;
mod key_set;
mod login;
mod message;
mod networks;
mod path;
mod provider;
mod query;
mod session;
mod text;
mod token;

/// A kind of text from outside.
pub struct Target {
    /// Its name, which is that of its program in `fuzz_targets/` and of its file in `corpora/`.
    pub name: &'static str,
    /// Panics if what must hold of a text of this kind does not.
    pub check: fn(&[u8]),
}

/// Every kind, in the order of the alphabet.
pub const TARGETS: [Target; 28] = [
    Target { name: "address", check: address::check },
    Target { name: "api_key", check: api_key::check },
    Target { name: "caching", check: caching::check },
    Target { name: "config", check: config::check },
    Target { name: "cookie", check: cookie::check },
    Target { name: "cors", check: cors::check },
    Target { name: "discovery", check: discovery::check },
    Target { name: "dpop", check: dpop::check },
    Target { name: "encoding", check: encoding::check },
    Target { name: "env_file", check: deployment::check_env_file },
    Target { name: "forwarding", check: forwarding::check },
    Target { name: "introspection", check: provider::check_introspection },
    Target { name: "json", check: json::check },
    Target { name: "key_set", check: key_set::check },
    Target { name: "login_state", check: login::check_state },
    Target { name: "networks", check: networks::check },
    Target { name: "object_message", check: message::check },
    Target { name: "openapi", check: import::check },
    Target { name: "path", check: path::check },
    Target { name: "provider_error", check: provider::check_error },
    Target { name: "query", check: query::check },
    Target { name: "refresh_request", check: login::check_refresh_request },
    Target { name: "return_to", check: login::check_return_to },
    Target { name: "session_record", check: session::check },
    Target { name: "token", check: token::check },
    Target { name: "token_response", check: provider::check_token_response },
    Target { name: "userinfo", check: provider::check_userinfo },
    Target { name: "wrangler", check: deployment::check_wrangler },
];

/// Checks what libFuzzer made up as a text of the kind with this name.
pub fn check(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect(name);
    (target.check)(bytes);
}
