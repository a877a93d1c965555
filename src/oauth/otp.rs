//! Logins by one-time password over Supabase's REST API: the requests, and what the answers mean.

use serde_json::{Map, Value};

use super::provider_response::{ProviderResponse, is_bearer, provider_error};
use crate::config::SupabaseStep;
use crate::json::{self, ToText as _};
use crate::problem::{Problem, RetryAfter};

/// What Supabase is asked.
#[derive(Debug, PartialEq, Eq)]
pub struct OtpRequest {
    /// The path under the project's address.
    pub path: &'static str,
    /// The body, as JSON.
    pub body: String,
    /// The answer to the client after a password was sent.
    message: &'static str,
}

/// Reads what a client sent for a step.
///
/// # Errors
/// [`Problem::BodyMalformed`], or what is missing.
pub fn read_otp_request(step: SupabaseStep, body: &str) -> Result<OtpRequest, Problem> {
    let members = json::parse_object(body.as_bytes()).ok_or(Problem::BodyMalformed("not a JSON object"))?;
    let field = |name: &'static str| json::text(&members, name).filter(|text| !text.is_empty());
    let contact = field("email").map(|email| ("email", email));
    let contact = match step {
        SupabaseStep::SendEmail => contact.ok_or(Problem::EmailMissing)?,
        SupabaseStep::Send | SupabaseStep::Verify => {
            let missing = match step {
                SupabaseStep::Verify => Problem::OtpOrContactMissing,
                SupabaseStep::Send | SupabaseStep::SendEmail => Problem::EmailOrPhoneMissing,
            };
            contact.or_else(|| field("phone").map(|phone| ("phone", phone))).ok_or(missing)?
        }
    };
    let mut body = Map::new();
    body.insert(contact.0.to_owned(), contact.1.into());
    let by_email = contact.0 == "email";
    let (path, message) = match step {
        SupabaseStep::Verify => {
            let token = field("token").ok_or(Problem::OtpOrContactMissing)?;
            body.insert("token".to_owned(), token.into());
            body.insert("type".to_owned(), if by_email { "email" } else { "sms" }.into());
            ("/auth/v1/verify", "")
        }
        SupabaseStep::Send | SupabaseStep::SendEmail => {
            body.insert("create_user".to_owned(), true.into());
            let message = match step {
                SupabaseStep::SendEmail => "Alternative OTP method attempted",
                _ if by_email => "Email OTP sent successfully",
                _ => "SMS OTP sent successfully",
            };
            ("/auth/v1/otp", message)
        }
    };
    Ok(OtpRequest { path, body: Value::Object(body).to_text(), message })
}

/// Returns the body of the answer to a client.
///
/// # Errors
/// The answer to the client instead.
pub fn parse_otp_response(
    step: SupabaseStep,
    request: &OtpRequest,
    answer: &ProviderResponse,
) -> Result<String, Problem> {
    match answer.status {
        200 if step != SupabaseStep::Verify => Ok(json::object(&mut [("message", request.message.into())]).to_text()),
        200 => match json::parse_object(answer.body.as_bytes()) {
            Some(session) if json::text(&session, "access_token").is_some() && is_bearer(&session) => {
                Ok(Value::Object(session).to_text())
            }
            _ => Err(Problem::IdpError("its answer has no session", Some(200))),
        },
        429 => Err(Problem::IdpRateLimited(RetryAfter::parse(answer.retry_after.as_deref()))),
        // The gateway's own key is refused, which is not the client's fault.
        401 if step != SupabaseStep::Verify => Err(Problem::IdpRejected(provider_error(answer))),
        400..=499 if step == SupabaseStep::Verify => Err(Problem::OtpInvalid(provider_error(answer))),
        400..=499 => Err(Problem::OtpRejected(provider_error(answer))),
        status => Err(Problem::IdpError("it sent no one-time password", Some(status))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_step_asks_for_what_it_needs() {
        use SupabaseStep::{Send, SendEmail, Verify};
        let table = [
            (Send, r#"{"email":"a@b.c"}"#, Ok(json!({"email": "a@b.c", "create_user": true})), "to an address"),
            (Send, r#"{"phone":"+1"}"#, Ok(json!({"phone": "+1", "create_user": true})), "to a phone"),
            (Send, r#"{"email":"","phone":"+1"}"#, Ok(json!({"phone": "+1", "create_user": true})), "an empty address"),
            (Send, "{}", Err("missing_email_or_phone"), "nowhere"),
            (SendEmail, r#"{"phone":"+1"}"#, Err("missing_email"), "to a phone, where only addresses go"),
            (Verify, r#"{"email":"a@b.c"}"#, Err("missing_token_or_contact"), "no password"),
            (Verify, r#"{"token":"1"}"#, Err("missing_token_or_contact"), "nobody"),
            (
                Verify,
                r#"{"phone":"+1","token":"123456"}"#,
                Ok(json!({"phone": "+1", "token": "123456", "type": "sms"})),
                "a password by phone",
            ),
            (Send, "[]", Err("body_malformed"), "no object"),
            (Send, r#"{"email":1}"#, Err("missing_email_or_phone"), "a number"),
        ];
        for (step, body, expected, message) in table {
            let given =
                read_otp_request(step, body).map(|request| json::parse_object(request.body.as_bytes()).unwrap());
            assert_eq!(given.map(Value::Object).map_err(|problem| problem.code()), expected, "{message}");
        }
    }

    #[test]
    fn a_client_reads_what_was_sent_to_it_or_its_session_or_whose_fault_it_is() {
        use SupabaseStep::{Send, SendEmail, Verify};
        let (mail, phone) = (r#"{"email":"a@b.c","token":"1"}"#, r#"{"phone":"+1","token":"1"}"#);
        let session = r#"{"access_token":"a","token_type":"bearer"}"#;
        let said = |message: &str| Ok(json!({ "message": message }).to_string());
        let table = [
            (Send, mail, 200, "{}", said("Email OTP sent successfully"), "to an address"),
            (Send, phone, 200, "{}", said("SMS OTP sent successfully"), "to a phone"),
            (SendEmail, mail, 200, "{}", said("Alternative OTP method attempted"), "to the other address"),
            (Verify, mail, 200, session, Ok(session.to_owned()), "a session"),
            (
                Verify,
                mail,
                200,
                r#"{"access_token":"a","token_type":"mac"}"#,
                Err("idp_error"),
                "another kind of token",
            ),
            (Verify, mail, 200, r#"{"token_type":"bearer"}"#, Err("idp_error"), "no token"),
            (Verify, mail, 200, "<html>", Err("idp_error"), "a page"),
            (Verify, mail, 401, "{}", Err("otp_invalid"), "a wrong password"),
            (Verify, mail, 403, "{}", Err("otp_invalid"), "one that has expired"),
            (Send, mail, 401, "{}", Err("idp_rejected"), "the gateway's own key is refused"),
            (Send, mail, 422, "{}", Err("otp_rejected"), "an address that it does not take"),
            (Send, mail, 429, "{}", Err("idp_rate_limited"), "too many"),
            (Verify, mail, 429, "{}", Err("idp_rate_limited"), "too many tries"),
            (Send, mail, 500, "{}", Err("idp_error"), "a failure"),
            (Verify, mail, 500, "{}", Err("idp_error"), "a failure of the second step"),
        ];
        for (step, body, status, answer, expected, message) in table {
            let request = read_otp_request(step, body).unwrap();
            let answer = ProviderResponse { status, retry_after: None, body: answer.to_owned() };
            let given = parse_otp_response(step, &request, &answer).map_err(|problem| problem.code());
            assert_eq!(given, expected, "{message}");
        }
    }
}
