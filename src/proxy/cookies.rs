//! Which cookies are the gateway's own, and so reach no upstream and come from none.

use crate::config::BINDING_COOKIE;
use crate::http::cookie::{self, is_called};

/// Checks whether only the gateway sets cookies of this name. `session` is the session's cookie, if there are sessions.
pub fn is_own_cookie(name: &str, session: Option<&str>) -> bool {
    is_called(name, BINDING_COOKIE) || session.is_some_and(|session| is_called(name, session))
}

/// Returns the `Cookie` header without the gateway's own cookies, such as `session`; `None` if
/// nothing is left.
pub fn forwarded_cookies(header: &str, session: Option<&str>) -> Option<String> {
    cookie::without(header, |sent| is_own_cookie(sent, session))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gateways_own_cookies_stay_here() {
        let without = |header, session| forwarded_cookies(header, session);
        assert_eq!(without("a=1; __Host-bargate-login=x; b=2", None).as_deref(), Some("a=1; b=2"));
        assert_eq!(without("bargate-login=x", None), None);
        assert_eq!(without("my-bargate-login=x; c", None).as_deref(), Some("my-bargate-login=x; c"));
        assert_eq!(without("a=\"1;2\";b", None).as_deref(), Some("a=\"1;2\";b"), "others' alone stay as they are");
        let session = Some("__Host-s");
        assert_eq!(without("__Host-s=x; s = y; s; a=1; ss=2", session).as_deref(), Some("a=1; ss=2"), "the session's");
        let fields = [
            ("a=1, __Host-s=x", Some("a=1"), "in the second field"),
            ("__Host-s=x, a=1", Some("a=1"), "in the first"),
            ("a=1; __Host-s=x, b=2", Some("a=1; b=2"), "in the first, behind another"),
            ("a=1; b=2, __Host-s=x; c=3, d=4", Some("a=1; b=2; c=3, d=4"), "between others"),
            ("__Host-s=x, s=y,__Host-bargate-login=z", None, "in each"),
            ("a=1, 2; b=3", Some("a=1, 2; b=3"), "in none, with a comma in a value"),
            ("a=1,2; __Host-s=x; b=3,,4,", Some("a=1,2; b=3,,4,"), "beside others with commas in their values"),
            (r#"__Host-s=x; a={"b":1,"c":"2"};d="e, f""#, Some(r#"a={"b":1,"c":"2"};d="e, f""#), "before some"),
            ("a=1; __Host-s=x,, b=2", Some("a=1; b=2"), "before an empty one"),
        ];
        for (header, kept, message) in fields {
            assert_eq!(without(header, session).as_deref(), kept, "{message}");
        }
        assert_eq!(without("s=x", None).as_deref(), Some("s=x"), "which is nobody's without sessions");
    }
}
