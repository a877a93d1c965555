//! The gateway as an authorization server: its endpoints, for clients that the provider does not know.
//!
//! What is decided is in `authorization_server.js`; here the provider is asked, and the answers are made.

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::config::{AuthorizationServer, Endpoint, TokenTarget};
use crate::edge::auth::{grants, rotation};
use crate::edge::gateway::{Gateway, provider_failures};
use crate::edge::integrations::login::{binding, location_at_provider, set_binding};
use crate::edge::request::answer::Answer;
use crate::edge::request::body::read_body;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::boxed::boxed;
use crate::edge::runtime::webcrypto::{digest, text_of};
use crate::http::header::{NO_STORE, push};
use crate::http::request::RequestHead as _;
use crate::json::{self, ToText as _};
use crate::oauth::{BodyKind, Ended, Form, Grant, check_response_issuer, parse_token_response, unfit};
use crate::problem::{FORM_POLICY, Problem, ProviderError, page_of};
use crate::secret::Secret;

#[wasm_bindgen(module = "/src/edge/integrations/authorization_server.js")]
extern "C" {
    fn decide(settings: &str, secret: &str, endpoint: &str, method: &str, input: &str, cookie: Option<&str>)
    -> Promise;

    fn for_client(settings: &str, secret: &str, agreed: &str, tokens: &str) -> Promise;
}

/// Answers a request to an endpoint.
///
/// # Errors
/// The answer to a browser. To a client, a failure is an answer in the form of OAuth.
pub async fn run(
    gateway: &Gateway,
    cx: &RequestContext,
    server: &AuthorizationServer,
    endpoint: Endpoint,
) -> Result<Answer, Problem> {
    match perform(gateway, cx, server, endpoint).await {
        Err(problem) if !endpoint.is_page() => Ok(refused(cx, problem)),
        outcome => outcome,
    }
}

/// Returns the answer to a client whose request failed (RFC 6749 section 5.2).
fn refused(cx: &RequestContext, problem: Problem) -> Answer {
    let error = match &problem {
        Problem::ClientRefused { error, .. } => error,
        Problem::CodeInvalid(_) | Problem::RefreshTokenInvalid(_) | Problem::InteractionRequired(_) => "invalid_grant",
        _ => match problem.status() {
            429 | 503 | 504 => "temporarily_unavailable",
            500.. => "server_error",
            _ => "invalid_request",
        },
    };
    let body = json::object(&mut [("error", error.into()), ("error_description", problem.detail().into())]).to_text();
    let mut headers = problem.headers();
    push(&mut headers, "content-type", "application/json".into());
    // Without a credential that was sent, there is no challenge (RFC 9110 section 15.5.2).
    let status = if problem.status() == 401 { 400 } else { problem.status() };
    cx.problem_to_log.get_or_init(|| problem);
    Answer::Made { status, headers, body: Some(body), policy: None }
}

async fn perform(
    gateway: &Gateway,
    cx: &RequestContext,
    server: &AuthorizationServer,
    endpoint: Endpoint,
) -> Result<Answer, Problem> {
    let (provider, secret) = (&server.login.provider, server.login.sealing_secret.expose().as_str());
    let is_form = cx.method() == "POST";
    let says = |name: &str, wanted: &str| cx.header(name).is_none_or(|value| value == wanted);
    // For scripts and frames the page is not, and its form is for the page alone.
    if endpoint == Endpoint::Authorization
        && !(says("sec-fetch-dest", "document") && (!is_form || says("sec-fetch-site", "same-origin")))
    {
        return Err(Problem::CsrfRejected);
    }
    let mut input = cx.query().unwrap_or_default().to_owned();
    if is_form {
        input = read_body(cx).await?.unwrap_or_default();
        if (BodyKind::of(cx)? == BodyKind::Json) != (endpoint == Endpoint::Registration) {
            return Err(Problem::UnsupportedMediaType);
        }
    }
    let cookie = match endpoint {
        Endpoint::Authorization if !is_form => Some(set_binding(cx, provider)?),
        _ => binding(cx),
    };
    let decided = decide(&server.settings, secret, endpoint.path(), cx.method(), &input, cookie.as_deref());
    let decided = text_of(decided).await?;
    let mut parts = decided.split('\n');
    let mut next = || parts.next().unwrap_or_default();
    let (what, first, second, third) = (next(), next(), next(), next());
    match what {
        "json" => {
            let status = if first == "201" { 201 } else { 200 };
            return Ok(Answer::json_of_status(status, second.to_owned()));
        }
        "page" => {
            let mut headers = Vec::new();
            push(&mut headers, "cache-control", NO_STORE.into());
            push(&mut headers, "x-frame-options", "DENY".into());
            return Ok(Answer::page(200, headers, FORM_POLICY.into(), page_of("Allow access?", first)));
        }
        "redirect" => return Ok(Answer::redirect(303, first.to_owned())),
        "refused" if first == "state" => return Err(Problem::StateInvalid(second.to_owned().into())),
        "refused" => return Err(Problem::ClientRefused { error: first.to_owned(), reason: second.to_owned() }),
        _ => {}
    }
    let application = gateway.application(provider);
    let endpoints = application.endpoints(cx).await?;
    let tokens = match what {
        "login" => {
            let location = location_at_provider(&application, &endpoints, first.to_owned()).await?;
            return Ok(Answer::redirect(303, location));
        }
        "back" => {
            let names_itself = provider.is_one_of_several || endpoints.names_itself;
            let iss = Some(second).filter(|iss| !iss.is_empty());
            check_response_issuer(iss, &provider.authorizer, names_itself)?;
            return Ok(Answer::redirect(303, first.to_owned()));
        }
        "revoke" => {
            boxed(rotation::revoke(&application, cx, Secret::new(first.to_owned()))).await?;
            return Ok(Answer::private_json(String::new()));
        }
        _ => {
            let name = digest(first).await?;
            let is_code = what == "code";
            let begun = grants::begin(gateway, cx, &[&name])?;
            if is_code && !begun {
                return Err(Problem::CodeInvalid(ProviderError::of_gateway("it was used before")));
            }
            let members = json::parse_object(second.as_bytes()).unwrap_or_default();
            let target = server.target(json::text(&members, "resource").unwrap_or_default());
            let target = target.as_deref();
            let tokens = if is_code {
                let form = Form::for_pushed(provider, &endpoints, third.to_owned());
                let answer = application.send(&endpoints.token, form).await.map_err(Problem::from);
                let tokens = answer.and_then(|answer| parse_token_response(Grant::Code, &answer));
                tokens.inspect_err(provider_failures::note).and_then(|tokens| {
                    match target.and_then(TokenTarget::parse).and_then(|target| unfit(&target, &tokens)) {
                        Some(unfit) => Err(unfit.into()),
                        None => Ok(tokens),
                    }
                })
            } else {
                let (token, grace_secs) = (Secret::new(first.to_owned()), provider.rotation_grace_secs);
                let requester = rotation::Requester::Client;
                let exchanged =
                    boxed(rotation::exchange(gateway, &application, cx, token, requester, grace_secs, target)).await;
                exchanged.and_then(|exchanged| exchanged.tokens_for(target, &mut |_| {}))
            };
            if begun {
                grants::end(gateway, cx, &[&name], Ended::by(tokens.as_ref().err(), is_code));
            }
            tokens?
        }
    };
    let answer = text_of(for_client(&server.settings, secret, second, &tokens.to_json(None))).await?;
    Ok(Answer::private_json(answer))
}
