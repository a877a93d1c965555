//! A problem as a page for people, who came by a link and not by a script.
//!
//! The page needs no script and loads nothing. It is readable without its style too.

use super::failure::Problem;
use super::kind::ProblemKind;
use crate::config::{Integration, Path};

/// Writes a policy that allows a page its own style, and besides what is said (CSP Level 3).
macro_rules! policy {
    ($more:literal) => {
        concat!(
            "default-src 'none'; style-src 'sha256-KzlbFBUBrXZDu9Mfa+9QQ8LsCMJG8olpZlw4qDCR6Fs='; base-uri 'none'; ",
            $more,
            "frame-ancestors 'none'"
        )
    };
}

/// Allows the page its own style, and nothing else.
pub const PAGE_POLICY: &str = policy!("form-action 'none'; ");

/// Allows a page a form, too. It does not say where that leads: browsers would hold each redirect behind it against that, and a login may
/// go by any address of the provider.
pub const FORM_POLICY: &str = policy!("");

const STYLE: &str = "body{max-width:32rem;margin:10vh auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif;overflow-wrap:anywhere;white-space:pre-line}";

const HEAD: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
    <meta name=\"viewport\" content=\"width=device-width\">\
    <meta name=\"color-scheme\" content=\"light dark\"><title>";

/// What a page offers to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WayOn<'a> {
    /// Nothing.
    Nowhere,
    /// The same request once more.
    Again,
    /// A login that begins at this address.
    LogIn(&'a str),
}

impl Problem {
    /// Checks whether another login may help a user who met the problem at `path`.
    pub fn calls_for_login(&self, path: Option<&Path>) -> bool {
        let status = self.status();
        match path.map(|path| &path.integration) {
            Some(Integration::Callback { .. }) => true,
            // A request that the login itself refused would be refused again.
            Some(Integration::Login { .. }) => status < 429,
            _ => status == 401,
        }
    }

    /// Checks whether the same request may succeed a little later.
    pub fn is_transient(&self) -> bool {
        self.status() >= 429
    }

    /// Returns the page.
    pub fn page(&self, request_id: &str, way_on: WayOn<'_>) -> String {
        let ProblemKind { code, title, .. } = *self.kind();
        // The empty address is that of the page itself.
        let (address, label) = match way_on {
            WayOn::Nowhere => ("", ""),
            WayOn::Again => ("", "Try again"),
            WayOn::LogIn(address) => (address, "Log in again"),
        };
        let [link, behind, end] = if label.is_empty() { [""; 3] } else { ["</p><p><a href=\"", "\">", "</a>"] };
        let parts = [
            ("<h1>", title),
            ("</h1><p>", self.words_for_people()),
            (link, address),
            (behind, label),
            (end, ""),
            ("</p><p>Code: <code>", code),
            ("</code><br>Request id: <code>", request_id),
            ("</code></p>", ""),
        ];
        let mut markup = String::new();
        for (before, text) in parts {
            markup.push_str(before);
            push_escaped(&mut markup, text);
        }
        page_of(title, &markup)
    }

    /// Returns the words for a user who sees the page; those of `detail` are for the client's author.
    fn words_for_people(&self) -> &str {
        match (self, self.status()) {
            // A developer who runs the gateway locally sees each mistake.
            (Self::ConfigInvalidHere(reasons), _) => reasons,
            (Self::InsufficientScope(_), _) => "Your login does not allow this.",
            (Self::InsufficientAuthentication(_), _) => "This needs a stronger or more recent login.",
            (_, 401) => "You are not logged in, or no longer.",
            (_, 404 | 405) => "There is nothing at this address.",
            (_, 429..) => "This did not work. Try again in a moment.",
            _ => self.detail(),
        }
    }
}

/// Returns a page of the gateway's with this markup, in which every text is escaped.
pub fn page_of(title: &str, markup: &str) -> String {
    [HEAD, title, "</title><style>", STYLE, "</style><main>", markup, "</main>"].concat()
}

/// Escapes what could end a text or an attribute's value (HTML section 13.3).
fn push_escaped(page: &mut String, text: &str) {
    for c in text.chars() {
        page.push_str(match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            '\'' => "&#39;",
            c => {
                page.push(c);
                continue;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use ring::digest::{SHA256, digest};

    use super::*;
    use crate::problem::{ProviderError, RetryAfter};

    #[test]
    fn the_policy_names_the_style_that_the_page_has() {
        let hash = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
        assert!(PAGE_POLICY.contains(&format!("style-src 'sha256-{hash}';")), "{hash}");
    }

    #[test]
    fn nothing_that_is_put_in_can_leave_its_place() {
        let hostile = "\"'><script>alert(1)</script>&amp;";
        let page = Problem::CodeMissing.page(hostile, WayOn::LogIn(hostile));
        let inert = "&quot;&#39;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;";
        assert!(page.contains(&format!("<a href=\"{inert}\">")), "{page}");
        assert!(page.contains(&format!("<code>{inert}</code>")), "{page}");
        assert!(!page.contains("<script"), "{page}");
    }

    #[test]
    fn each_problem_tells_people_what_they_can_do() {
        let denied = || ProviderError::of_gateway("a reason for the log");
        let narrow = Problem::InsufficientScope(Box::new(["a".into(), String::new()]));
        let table = [
            (Problem::TokenMissing, "You are not logged in"),
            (Problem::LoginRequired(denied()), "You are not logged in"),
            (Problem::RouteNotFound, "There is nothing"),
            (narrow, "Your login does not allow this."),
            (Problem::InsufficientAuthentication("a reason".into()), "This needs a stronger or more recent login."),
            (Problem::LoginDenied(denied()), "denied this login"),
            (Problem::StateExpired, "The login took too long."),
            (Problem::IdpRateLimited(RetryAfter::default()), "Try again in a moment."),
            (Problem::ConfigInvalid, "Try again in a moment."),
            (Problem::ConfigInvalidHere("a mistake\nand another".into()), "<p>a mistake\nand another</p>"),
        ];
        for (problem, words) in table {
            let page = problem.page("id", WayOn::Nowhere);
            let code = problem.code();
            assert!(page.contains(words), "{code}: {page}");
            assert!(
                page.contains(&format!("<code>{code}</code>")) && page.contains("<code>id</code>"),
                "{code}: {page}"
            );
            assert!(!page.contains("<a ") && !page.contains("a reason for the log"), "{code}: {page}");
        }
    }
}
