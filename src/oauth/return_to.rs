//! Where a login may lead to: the gateway's own origin or one on the list, and nowhere else.

use crate::address::Address;
use crate::problem::Problem;

/// Most bytes of path, query and fragment that a `return_to` has once it is encoded. In the sealed state they become four thirds of
/// that, in addresses of which many servers read 8 KiB.
pub const RETURN_TO_MAX_BYTES: usize = 4 * 1024;

/// Checks a `return_to` and returns it as it is used: a path if it stays on `own_origin`, otherwise a whole URL.
///
/// # Errors
/// [`Problem::ReturnToRejected`] for any other origin or scheme, and for whatever browsers and parsers read differently:
/// backslashes, control characters, two slashes at the start.
pub fn validate_return_to(written: &str, own_origin: &str, allowed_origins: &[String]) -> Result<String, Problem> {
    let suspicious =
        written.trim() != written || written.as_bytes().contains(&b'\\') || written.contains(char::is_control);
    if suspicious {
        return Err(Problem::ReturnToRejected);
    }
    let is_path = written.starts_with('/') && !written.starts_with("//");
    let is_absolute = written.starts_with("https://") || written.starts_with("http://");
    let url = if is_path {
        Address::parse(&format!("{own_origin}{written}"))
    } else if is_absolute {
        Address::parse(written)
    } else {
        return Err(Problem::ReturnToRejected);
    };
    let url = url.ok_or(Problem::ReturnToRejected)?;
    if url.has_credentials() {
        return Err(Problem::ReturnToRejected);
    }
    let (origin, path) = (url.origin(), url.beyond_authority());
    if path.len() > RETURN_TO_MAX_BYTES {
        return Err(Problem::ReturnToRejected);
    }
    if origin == own_origin {
        // A path such as `/.//evil` normalises to one that a browser would take for another host.
        return if path.starts_with("//") { Err(Problem::ReturnToRejected) } else { Ok(path.to_owned()) };
    }
    if allowed_origins.contains(&origin) { Ok(url.into_text()) } else { Err(Problem::ReturnToRejected) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_origin_and_the_list_are_returned_to() {
        let own = "https://gw.example";
        let allowed = ["https://app.example".to_owned()];
        let table = [
            ("/", Some("/"), "the root"),
            ("/home?x=1#y", Some("/home?x=1#y"), "a path with query and fragment"),
            ("https://gw.example/home", Some("/home"), "the own origin in full"),
            ("https://app.example/a", Some("https://app.example/a"), "an origin on the list"),
            ("https://app.example.evil.com/", None, "an origin that begins like one on the list"),
            ("https://evil.com/", None, "another site"),
            ("http://gw.example/", None, "the own host by another scheme"),
            ("https://gw.example:8443/", None, "the own host at another port"),
            ("//evil.com", None, "a scheme-relative address"),
            ("/\\evil.com", None, "a backslash that browsers take for a slash"),
            ("\\\\evil.com", None, "two backslashes"),
            ("/\t/evil.com", None, "a tab that browsers drop"),
            ("/.//evil.com", None, "a dot segment that leaves two slashes"),
            ("https://gw.example@evil.com/", None, "a host that stands as a user name"),
            ("https://user:pw@app.example/", None, "credentials"),
            ("javascript:alert(1)", None, "a script"),
            ("JavaScript:alert(1)//https://gw.example", None, "a script in another case"),
            ("data:text/html,x", None, "a document"),
            (" /home", None, "a space in front"),
            ("/home ", None, "a space behind"),
            ("/a\\b", None, "a backslash within"),
            ("/a\tb", None, "a tab within"),
            ("home", None, "a relative path"),
            ("", None, "nothing"),
        ];
        for (written, expected, message) in table {
            let given = validate_return_to(written, own, &allowed);
            assert_eq!(given.ok().as_deref(), expected, "{message}");
        }
        let most = 4 * 1024;
        let of = |length: usize, text: &str| format!("/{}", text.repeat((length - 1) / text.len()));
        let table = [
            (of(most, "a"), true, "the longest"),
            (of(most + 1, "a"), false, "a byte more"),
            (of(most / 3, "\u{e9}"), true, "letters that become six bytes of two"),
            (of(most / 3 + 3, "\u{e9}"), false, "one more of them"),
        ];
        for (written, taken, message) in table {
            assert_eq!(validate_return_to(&written, own, &allowed).is_ok(), taken, "{message}");
            assert_eq!(
                validate_return_to(&format!("{own}{written}"), own, &allowed).is_ok(),
                taken,
                "{message}, in full"
            );
        }
    }
}
