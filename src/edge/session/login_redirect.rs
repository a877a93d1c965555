//! The way to the login, for people who are not logged in.

use crate::config::Access;
use crate::edge::gateway::Gateway;
use crate::edge::request::answer::Answer;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::log;
use crate::oauth::RETURN_TO_MAX_BYTES;
use crate::problem::Problem;
use crate::session::login_redirect;

/// Sends a person who is not logged in, or not as the path requires, to the login, and everyone else the problem.
///
/// # Errors
/// The problem.
pub fn or_login(gateway: &Gateway, cx: &RequestContext, access: &Access, problem: Problem) -> Result<Answer, Problem> {
    let session = gateway.config.session.as_ref();
    let needed = access.requirements.authentication.as_ref();
    let Some(redirect) = session.and_then(|session| login_redirect(&problem, cx, &session.login_path, needed)) else {
        return Err(problem);
    };
    if let Some(bytes) = redirect.dropped_bytes {
        log::warn(
            "return_to_dropped",
            &format!("{bytes} bytes, at most {RETURN_TO_MAX_BYTES} are taken through a login"),
        );
    }
    cx.problem_to_log.get_or_init(|| problem);
    Ok(Answer::redirect(302, redirect.location))
}
