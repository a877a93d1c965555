//! Which requests are redirected to the login instead of being answered that there is no session.

use crate::config::RequiredAuthentication;
use crate::http::request::{RequestHead, is_navigation};
use crate::oauth::{RETURN_TO_MAX_BYTES, login_address};
use crate::problem::Problem;

/// The way to the login.
#[derive(Debug, PartialEq, Eq)]
pub struct LoginRedirect {
    /// Its address, which leads back to the request's if that is not too long.
    pub location: String,
    /// How long the request's address is, in bytes, if it is too long to be taken through a login.
    pub dropped_bytes: Option<usize>,
}

/// Returns the way to the login at `login_path` for a person whose request meets a problem that a login solves; `None` for
/// everyone else. That login authenticates the user as the path requires.
pub fn login_redirect(
    problem: &Problem,
    request: &impl RequestHead,
    login_path: &str,
    needed: Option<&RequiredAuthentication>,
) -> Option<LoginRedirect> {
    let is_solved = match problem {
        Problem::TokenMissing
        | Problem::SessionExpired(_)
        | Problem::SessionInvalid(_)
        | Problem::InteractionRequired(_) => true,
        // A login changes nothing about a token that the request brings along.
        Problem::InsufficientAuthentication(_) => request.header("authorization").is_none(),
        _ => false,
    };
    // A page at the login's path that is not the login would redirect to itself.
    if !is_solved
        || request.path() == login_path
        || !matches!(request.method(), "GET" | "HEAD")
        || !is_navigation(request)
    {
        return None;
    }
    let query = request.query().map(|query| format!("?{query}")).unwrap_or_default();
    // The one character of a query that a `return_to` may not have.
    let return_to = format!("{}{query}", request.path()).replace('\\', "%5C");
    let dropped_bytes = Some(return_to.len()).filter(|bytes| *bytes > RETURN_TO_MAX_BYTES);
    let return_to = Some(return_to.as_str()).filter(|_| dropped_bytes.is_none());
    Some(LoginRedirect { location: login_address(login_path, return_to, needed), dropped_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::Head;

    #[test]
    fn a_person_without_a_session_is_sent_to_the_login_and_nobody_else() {
        let expired = || Problem::SessionExpired("it ended".into());
        let weak = || Problem::InsufficientAuthentication("acr is 1".into());
        let table = [
            ("without a session", Problem::TokenMissing, "GET", "navigate", true),
            ("by HEAD", Problem::TokenMissing, "HEAD", "navigate", true),
            ("whose session has ended", expired(), "GET", "navigate", true),
            ("whose cookie is none", Problem::SessionInvalid("malformed"), "GET", "navigate", true),
            ("whom the provider wants to ask", Problem::InteractionRequired(Box::default()), "GET", "navigate", true),
            ("that sends a form", expired(), "POST", "navigate", false),
            ("that is a script", expired(), "GET", "cors", false),
            ("whose login is not enough", weak(), "GET", "navigate", true),
            ("whose script has a login that is not enough", weak(), "GET", "cors", false),
            ("whom no login helps", Problem::CsrfRejected, "GET", "navigate", false),
            ("if the gateway fails", Problem::Internal("it failed".into()), "GET", "navigate", false),
        ];
        for (message, problem, method, mode, expected) in table {
            let request = Head(method, vec![("sec-fetch-mode", mode)]);
            let redirect = login_redirect(&problem, &request, "/login", None);
            let location = redirect.map(|redirect| redirect.location);
            assert_eq!(location.as_deref(), expected.then_some("/login?return_to=%2F"), "{message}");
        }
    }

    #[test]
    fn a_login_is_asked_for_what_the_path_requires() {
        let location = |problem, headers, acr_values: Option<&str>, max_age: Option<&str>| {
            let [acr_values, max_age] = [acr_values, max_age].map(|text| text.map(str::to_owned));
            let needed = RequiredAuthentication { acr_values, max_age };
            let redirect = login_redirect(&problem, &Head("GET", headers), "/login", Some(&needed));
            redirect.map(|redirect| redirect.location)
        };
        let navigation = || vec![("sec-fetch-mode", "navigate")];
        let weak = || Problem::InsufficientAuthentication("acr is 1".into());
        let table = [
            (weak(), Some("urn:a b"), Some("60"), "&acr_values=urn%3Aa+b&max_age=60", "both"),
            (weak(), Some("urn:a"), None, "&acr_values=urn%3Aa", "the strength"),
            (weak(), None, Some("60"), "&max_age=60", "the age"),
            (Problem::TokenMissing, Some("1"), None, "&acr_values=1", "at the first login already"),
        ];
        for (problem, acr_values, max_age, expected, message) in table {
            let found = location(problem, navigation(), acr_values, max_age);
            assert_eq!(found, Some(format!("/login?return_to=%2F{expected}")), "{message}");
        }
        let with_token = [navigation(), vec![("authorization", "Bearer t")]].concat();
        assert_eq!(location(weak(), with_token, Some("1"), None), None, "the token would be there again");
    }

    /// A navigation to an address.
    struct To<'t>(&'t str, Option<&'t str>);

    impl RequestHead for To<'_> {
        fn method(&self) -> &str {
            "GET"
        }
        fn path(&self) -> &str {
            self.0
        }
        fn query(&self) -> Option<&str> {
            self.1
        }
        fn header(&self, name: &str) -> Option<&str> {
            (name == "sec-fetch-mode").then_some("navigate")
        }
    }

    #[test]
    fn what_is_at_the_path_of_the_login_does_not_lead_there() {
        for (path, expected) in [("/login", false), ("/login/", true), ("/", true)] {
            let redirect = login_redirect(&Problem::TokenMissing, &To(path, Some("return_to=%2F")), "/login", None);
            assert_eq!(redirect.is_some(), expected, "{path}");
        }
    }

    #[test]
    fn the_login_leads_back_unless_the_address_is_too_long() {
        let redirect = |request| login_redirect(&Problem::TokenMissing, &request, "/login", None).expect("a redirect");
        let back = redirect(To("/a", Some("b=\\&c=%20")));
        assert_eq!(back.location, "/login?return_to=%2Fa%3Fb%3D%255C%26c%3D%2520");
        let longest = format!("/{}", "a".repeat(RETURN_TO_MAX_BYTES - 1));
        assert_eq!(redirect(To(&longest, None)).dropped_bytes, None);
        let longer = redirect(To(&longest, Some("")));
        assert_eq!(longer, LoginRedirect { location: "/login".into(), dropped_bytes: Some(RETURN_TO_MAX_BYTES + 1) });
    }
}
