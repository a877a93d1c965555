//! The gateway as an authorization server: its endpoints, for clients that the provider does not know.
//!
//! What is decided is in `authorization_server.js`; here the provider is asked, and the answers are made.

use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::config::{AuthorizationServer, Endpoint, Integration, TokenTarget};
use crate::edge::auth::{grants, rotation};
use crate::edge::gateway::{Gateway, provider_failures};
use crate::edge::integrations::login::{binding, browser_binding, keep_binding, location_at_provider};
use crate::edge::request::answer::Answer;
use crate::edge::request::body::read_body;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::boxed::boxed;
use crate::edge::runtime::webcrypto::text_of;
use crate::encoding::FormText;
use crate::http::header::{NO_STORE, push};
use crate::http::request::RequestHead as _;
use crate::oauth::{BodyKind, Form, Grant, check_response_issuer, parse_token_response, unfit};
use crate::problem::{FORM_POLICY, Problem, ProviderError, page_of};
use crate::secret::Secret;

#[wasm_bindgen(module = "/src/edge/integrations/authorization_server.js")]
extern "C" {
    /// Says what becomes of a request, one part a line.
    fn decide(settings: &str, secret: &str, endpoint: &str, how: &str, input: &str, held: Option<&str>) -> Promise;
}

/// Returns what decides about clients, one part a line: the section, the client, its parameters of each login, those that clients choose,
/// whether the provider is one of Auth0's; and each resource behind the names that it is published under.
fn settings(gateway: &Gateway, server: &AuthorizationServer) -> String {
    let provider = &server.login.provider;
    let mut own = FormText::default();
    for (name, value) in &provider.parameters {
        own.append_pair(name, value);
    }
    let (passed, by_audience) = (provider.client_parameters.join(" "), provider.endpoints.is_some());
    let kind = if by_audience { "audience" } else { "resource" };
    let mut lines = [&*server.section, &provider.client.id, &own.finish(), &passed, kind].join("\n");
    for path in &gateway.config.paths {
        if let Integration::ProtectedResource(resource, host) = &path.integration {
            lines.push_str(&["\n", host.as_str(), " ", &resource.to_json("")].concat());
        }
    }
    lines
}

/// Answers a request to an endpoint.
///
/// # Errors
/// The answer to the browser or the client; those of [`grants::refuse_proof`].
pub async fn run(
    gateway: &Gateway,
    cx: &RequestContext,
    server: &AuthorizationServer,
    endpoint: Endpoint,
) -> Result<Answer, Problem> {
    let (provider, secret) = (&server.login.provider, server.login.sealing_secret.expose().as_str());
    grants::refuse_proof(cx)?;
    let settings = settings(gateway, server);
    let [dest, site] = ["sec-fetch-dest", "sec-fetch-site"].map(|name| cx.header(name).unwrap_or_default());
    let is_form = cx.method() == "POST";
    let mut input = cx.query().unwrap_or_default().to_owned();
    if is_form {
        input = read_body(cx).await?.unwrap_or_default();
        if (BodyKind::of(cx)? == BodyKind::Json) != (endpoint == Endpoint::Registration) {
            return Err(Problem::UnsupportedMediaType);
        }
    }
    let mut held = match endpoint {
        Endpoint::Authorization if !is_form => {
            let value = browser_binding(cx)?;
            keep_binding(cx, provider, &value);
            Some(value)
        }
        _ => binding(cx),
    };
    let (mut path, how) = (endpoint.path(), [cx.method(), dest, site].join(" "));
    loop {
        let decided = text_of(decide(&settings, secret, path, &how, &input, held.as_deref())).await?;
        let mut parts = decided.split('\n').map(str::to_owned);
        let mut next = || parts.next().unwrap_or_default();
        let (what, first, second) = (next(), next(), next());
        match &*what {
            "json" => return Ok(Answer::json_of_status(if second.is_empty() { 200 } else { 201 }, first)),
            "page" => {
                let mut headers = Vec::new();
                push(&mut headers, "cache-control", NO_STORE.into());
                push(&mut headers, "x-frame-options", "DENY".into());
                // Severs even an opener of the same origin, which could read the page and answer it.
                push(&mut headers, "cross-origin-opener-policy", "noopener-allow-popups".into());
                return Ok(Answer::page(200, headers, FORM_POLICY.into(), page_of("Allow access?", &first)));
            }
            "redirect" => return Ok(Answer::redirect(303, first)),
            "state" => return Err(Problem::StateInvalid(first.into())),
            "refused" => {
                let said = ProviderError { status: None, error: first, description: second };
                return Err(Problem::ClientRefused(Box::new(said)));
            }
            _ => {}
        }
        let application = gateway.application(provider);
        let endpoints = application.endpoints(cx).await?;
        let target = next();
        let tokens = match &*what {
            "login" | "back" => {
                let mut location = first;
                if what == "login" {
                    location = location_at_provider(&application, &endpoints, location).await?;
                } else {
                    let iss = Some(&*second).filter(|iss| !iss.is_empty());
                    let names_itself = provider.is_one_of_several || endpoints.names_itself;
                    check_response_issuer(iss, &provider.authorizer, names_itself)?;
                }
                return Ok(Answer::redirect(303, location));
            }
            "revoke" => {
                boxed(rotation::revoke(&application, cx, Secret::new(first))).await?;
                return Ok(Answer::private_json(String::new()));
            }
            "code" => {
                let form = Form::for_pushed(provider, &endpoints, first);
                let answer = application.send(&endpoints.token, form).await.map_err(Problem::from);
                let tokens = answer.and_then(|answer| parse_token_response(Grant::Code, &answer));
                tokens.inspect_err(provider_failures::note).and_then(|tokens| {
                    match target_of(&target).as_deref().and_then(TokenTarget::parse) {
                        Some(target) => unfit(&target, &tokens).map_or(Ok(tokens), |unfit| Err(unfit.into())),
                        None => Ok(tokens),
                    }
                })
            }
            _ => {
                let (grace_secs, target) = (provider.rotation_grace_secs, target_of(&target));
                let (token, requester) = (Secret::new(first), rotation::Requester::Client);
                let work =
                    rotation::exchange(gateway, &application, cx, token, requester, grace_secs, target.as_deref());
                boxed(work).await.and_then(|exchanged| exchanged.tokens_for(target.as_deref(), &mut |_| {}))
            }
        };
        input = match tokens {
            Ok(tokens) => tokens.to_json(None),
            // Whatever the user would have to do, a client begins again.
            Err(
                Problem::CodeInvalid(mut said)
                | Problem::LoginDenied(mut said)
                | Problem::RefreshTokenInvalid(mut said)
                | Problem::InteractionRequired(mut said),
            ) => {
                said.error = "invalid_grant".to_owned();
                return Err(Problem::ClientRefused(said));
            }
            Err(problem) => return Err(problem),
        };
        (path, held) = ("tokens", Some(second));
    }
}

/// Returns the text of what tokens are requested for, of a parameter and its value; `None` without a parameter.
fn target_of(written: &str) -> Option<String> {
    let (parameter, value) = written.split_once(' ')?;
    Some(TokenTarget { parameter, value, scope: "", audience: value }.to_text())
}
