//! The page that hands the outcome of a login in a frame or pop-up to the window that opened it.
//!
//! The message has the shape of Auth0's `web_message`: `{"type": "authorization_response", "response": {…}}`. It goes to
//! one named origin; the browser drops it if the window has another.

use crate::json::ToText as _;

/// Returns the page and its `Content-Security-Policy`.
///
/// `response` is JSON; `nonce` is random text only for this page.
pub fn web_message_page(response: &str, target_origin: &str, nonce: &str) -> (String, String) {
    let message = script_safe(&format!(r#"{{"type":"authorization_response","response":{response}}}"#));
    let target = script_safe(&serde_json::Value::from(target_origin).to_text());
    let page = format!(
        "<!doctype html><meta charset=\"utf-8\"><title>Login</title>\
         <script nonce=\"{nonce}\">(window.opener || window.parent).postMessage({message}, {target});</script>"
    );
    let policy =
        format!("default-src 'none'; script-src 'nonce-{nonce}'; base-uri 'none'; frame-ancestors {target_origin}");
    (page, policy)
}

/// Escapes what could end a script element or a line of a script inside JSON text.
fn script_safe(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => safe.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_response_can_leave_the_script() {
        let response = serde_json::json!({"x": "</script><img src=x onerror=alert(1)>\u{2028}"}).to_string();
        let (page, policy) = web_message_page(&response, "https://app.example", "n0nce");
        assert_eq!(page.matches("</script>").count(), 1, "only the page's own end of script");
        assert!(!page.contains("<img"));
        assert!(page.contains(r#"}, "https://app.example")"#), "one named origin: {page}");
        assert!(policy.contains("script-src 'nonce-n0nce'") && policy.contains("frame-ancestors https://app.example"));
    }
}
