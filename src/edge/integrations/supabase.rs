//! `supabase_passwordless_*`: logins by one-time password.

use crate::config::Supabase;
use crate::edge::auth::provider::{read_body, send_json};
use crate::edge::request::answer::Answer;
use crate::edge::request::exchange::Exchange;
use crate::oauth::{BodyKind, judge_otp, read_otp_request};
use crate::problem::Problem;

/// How long Supabase may take, in milliseconds.
const TIMEOUT_MS: u32 = 10_000;

/// Asks Supabase for a step of a login.
///
/// # Errors
/// What a client is told.
pub async fn run(exchange: &Exchange, supabase: &Supabase) -> Result<Answer, Problem> {
    let Supabase { step, url, key } = supabase;
    let body = read_body(exchange).await?.unwrap_or_default();
    if BodyKind::of(exchange)? != BodyKind::Json {
        return Err(Problem::UnsupportedMediaType);
    }
    let request = read_otp_request(*step, &body)?;
    let answer = send_json(&format!("{url}{}", request.path), &request.body, key, TIMEOUT_MS).await?;
    judge_otp(*step, &request, &answer).map(Answer::private_json)
}
