//! Crossings into JavaScript: the few functions that do in one call what would take one a header, objects to hand over, and
//! the words of what was thrown.
//!
//! Header lists cross as one string of names and values on alternating lines; no value holds a line break.

use js_sys::{Object, Reflect};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{Request, Response};

use crate::config::HeaderTexts;
use crate::problem::Header;

#[wasm_bindgen(module = "/src/edge/host.js")]
extern "C" {
    /// Gives the method and the normalised address with a space between them.
    pub fn request_line(request: &Request) -> String;

    /// Makes a response. It varies by the cookie if `cookie` is 1; if it is 2, it is a session's, and says so unless its headers
    /// say who may store it. The `config`'s headers come last, and `vary` is added to what it varies by; nothing takes back that it
    /// may not be stored. It ends once the request's body, where nobody has read that, has been read and dropped.
    #[wasm_bindgen(catch)]
    pub fn respond(
        status: u16,
        headers: &str,
        config: &str,
        vary: Option<&str>,
        cookie: u8,
        body: Option<&str>,
        request: &Request,
    ) -> Result<Response, JsValue>;

    /// Makes a response that passes on an upstream's, whose body streams through. Without the headers in `drop`, and without
    /// those that its `Connection` names (RFC 9110 section 7.6.1), and without cookies of the names in `own`. To the
    /// upstream the request had an `Authorization`, which keeps answers out of shared caches (RFC 9111 section 3.5); an
    /// answer to a session is to one that had a cookie instead. `config`, `vary` and `cookie` are as above.
    #[wasm_bindgen(catch)]
    pub fn relay(
        response: &Response,
        drop: &str,
        own: &str,
        set: &str,
        config: &str,
        vary: Option<&str>,
        cookie: u8,
    ) -> Result<Response, JsValue>;

    /// Gives the response, or a promise of it where it cannot end behind a body that nobody reads: that is read first, and dropped.
    pub fn behind_body(request: &Request, response: &Response) -> JsValue;

    /// Makes the request for an upstream, whose body streams through. Without the headers in `drop`, without those
    /// that its `Connection` names, in whatever spelling an upstream may fold: to CGI and its heirs `X_User.Id` and `X-User-Id`
    /// are one variable. `drop` has the names of every request, where a `*` stands for any signs, a blank line, and those of
    /// this one. A body that does not say how long it is breaks off behind `max` bytes.
    #[wasm_bindgen(catch)]
    pub fn forward(request: &Request, url: &str, drop: &str, set: &str, max: Option<f64>) -> Result<Request, JsValue>;
}

/// Joins headers into the form in which they cross; of one name the last counts, but for cookies.
pub fn header_lines(headers: &[Header]) -> String {
    let mut lines = String::new();
    for (name, value) in headers {
        debug_assert!(!value.contains('\n'), "a header value holds a line break");
        for part in [name, value] {
            if !lines.is_empty() {
                lines.push('\n');
            }
            lines.push_str(part);
        }
    }
    lines
}

/// Gives headers of the config.
pub fn configured(texts: &HeaderTexts) -> impl Iterator<Item = Header> {
    texts.iter().map(|(name, value)| (name.clone().into(), value.clone().into()))
}

/// Makes a JavaScript object.
///
/// # Errors
/// What was thrown.
pub fn object(members: &[(&str, JsValue)]) -> Result<Object, JsValue> {
    let object = Object::new();
    for (name, value) in members {
        Reflect::set(&object, &(*name).into(), value)?;
    }
    Ok(object)
}

/// Gives the words of what the runtime threw; its errors hold neither headers, bodies nor key material.
pub fn thrown_message(error: &JsValue) -> Option<String> {
    error.dyn_ref::<js_sys::Error>().map(|error| error.message().into())
}
