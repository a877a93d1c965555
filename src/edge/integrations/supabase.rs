//! `supabase_passwordless_*`: logins by one-time password.

use crate::config::Supabase;
use crate::edge::gateway::provider_failures;
use crate::edge::request::answer::Answer;
use crate::edge::request::body::read_body;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::http_client::send_json;
use crate::oauth::{BodyKind, parse_otp_response, read_otp_request};
use crate::problem::Problem;

/// How long Supabase may take, in milliseconds.
const TIMEOUT_MS: u32 = 10_000;

/// Asks Supabase for a step of a login.
///
/// # Errors
/// The answer to the client.
pub async fn run(cx: &RequestContext, supabase: &Supabase) -> Result<Answer, Problem> {
    let Supabase { step, url, key } = supabase;
    let body = read_body(cx).await?.unwrap_or_default();
    if BodyKind::of(cx)? != BodyKind::Json {
        return Err(Problem::UnsupportedMediaType);
    }
    let request = read_otp_request(*step, &body)?;
    let answer = send_json(&format!("{url}{}", request.path), &request.body, key, TIMEOUT_MS).await;
    let answer = answer.map_err(Problem::from).and_then(|answer| parse_otp_response(*step, &request, &answer));
    answer.inspect_err(provider_failures::note).map(Answer::private_json)
}
