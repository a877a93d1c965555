//! The gateway as an authorization server: its endpoints, for clients that the provider does not know.

use crate::config::{AuthorizationServer, Endpoint, TokenTarget};
use crate::edge::auth::{grants, rotation};
use crate::edge::gateway::application::Application;
use crate::edge::gateway::{Gateway, provider_failures};
use crate::edge::integrations::login::{binding, location_at_provider, set_binding};
use crate::edge::request::answer::Answer;
use crate::edge::request::body::read_body;
use crate::edge::request::context::RequestContext;
use crate::edge::runtime::boxed::boxed;
use crate::edge::runtime::sealing::{open, seal};
use crate::edge::runtime::timing::now_secs;
use crate::edge::runtime::webcrypto::digest;
use crate::http::header::{NO_STORE, push};
use crate::http::request::RequestHead as _;
use crate::json::{self, ToText as _};
use crate::oauth::{
    Agreed, BodyKind, CLIENT_CODE_MAX_SECS, ClientRequest, Ended, Fields, Form, Grant, LOGIN_STATE_MAX_SECS, Refused,
    TokenResponse, asked_bytes, asked_query, check_form, check_response_issuer, is_opened_by_browser, oauth_error,
    oauth_field, parse_token_response, read_decision, refused_code, register, sealing_context, unfit,
};
use crate::problem::{Problem, ProviderError, policy_of_form};
use crate::secret::Secret;

/// Names the purpose of the key that seals what clients and browsers hold.
const PURPOSE: &str = "bargate authorization server v1";

/// What is sealed in the page that asks the user.
const ASKED: &str = "asked";

/// What the provider brings back.
const STATE: &str = "state";

/// What clients get tokens for.
const CODE: &str = "code";

/// What clients get further tokens for.
const REFRESH_TOKEN: &str = "refresh token";

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
    let application = gateway.application(&server.login.provider);
    let front = Front { gateway, cx, server, application };
    let answered = match endpoint {
        Endpoint::Authorization if cx.method() == "POST" => return front.decide().await,
        Endpoint::Authorization => return front.ask().await,
        Endpoint::Callback => return front.bring_back().await,
        Endpoint::Token => boxed(front.token()).await,
        Endpoint::Registration => front.register().await,
        Endpoint::Revocation => boxed(front.revoke()).await,
    };
    Ok(answered.unwrap_or_else(|problem| refused(cx, problem)))
}

/// Returns the answer to a client whose request failed (RFC 6749 section 5.2).
fn refused(cx: &RequestContext, problem: Problem) -> Answer {
    let members = &mut [("error", oauth_error(&problem).into()), ("error_description", problem.detail().into())];
    let mut headers = problem.headers();
    push(&mut headers, "content-type", "application/json".into());
    // Without a credential that was sent, there is no challenge (RFC 9110 section 15.5.2).
    let status = if problem.status() == 401 { 400 } else { problem.status() };
    let body = json::object(members).to_text();
    cx.problem_to_log.get_or_init(|| problem);
    Answer::Made { status, headers, body: Some(body), policy: None }
}

struct Front<'r> {
    gateway: &'r Gateway,
    cx: &'r RequestContext,
    server: &'r AuthorizationServer,
    application: Application,
}

impl Front<'_> {
    /// Seals what is held by a browser with this cookie, or by a client.
    async fn seal(&self, kind: &str, cookie: &str, bytes: &[u8]) -> Result<String, Problem> {
        let context = sealing_context(kind, cookie, self.server);
        let secret = self.server.login.sealing_secret.expose().as_bytes();
        Ok(seal(secret, PURPOSE, &context, bytes).await?)
    }

    async fn open(&self, kind: &str, cookie: &str, sealed: &str) -> Result<Option<Vec<u8>>, Problem> {
        let context = sealing_context(kind, cookie, self.server);
        let secret = self.server.login.sealing_secret.expose().as_bytes();
        Ok(open(secret, PURPOSE, &context, sealed).await?)
    }

    /// Opens what only a browser with its cookie may bring.
    async fn open_of_browser(&self, kind: &str, sealed: &str) -> Result<(Vec<u8>, String), Problem> {
        let cookie =
            binding(self.cx).ok_or_else(|| Problem::StateInvalid("this browser has no login cookie".into()))?;
        let bytes = self.open(kind, &cookie, sealed).await?;
        Ok((bytes.ok_or_else(|| Problem::StateInvalid("altered, or from another browser".into()))?, cookie))
    }

    /// Asks the user whether a client may have tokens.
    async fn ask(&self) -> Result<Answer, Problem> {
        if !is_opened_by_browser(self.cx) {
            return Err(Problem::CsrfRejected);
        }
        let query = self.cx.query().unwrap_or_default();
        let request = match ClientRequest::read(self.server, query) {
            Ok(request) => request,
            Err(refused) => return redirected(refused),
        };
        let cookie = set_binding(self.cx, &self.application.provider)?;
        let sealed = self.seal(ASKED, &cookie, &asked_bytes(query, now_secs())).await?;
        let mut headers = Vec::new();
        push(&mut headers, "cache-control", NO_STORE.into());
        push(&mut headers, "x-frame-options", "DENY".into());
        Ok(Answer::page(200, headers, policy_of_form().into(), request.page(self.server, &sealed)))
    }

    /// Takes the user's answer, and leads on to the provider or back to the client.
    async fn decide(&self) -> Result<Answer, Problem> {
        if !is_opened_by_browser(self.cx) {
            return Err(Problem::CsrfRejected);
        }
        let form = self.form().await?;
        let (sealed, is_allowed) = read_decision(&form).ok_or(Problem::OAuthRequestInvalid("the form"))?;
        let (bytes, cookie) = self.open_of_browser(ASKED, &sealed).await?;
        let now = now_secs();
        let query = asked_query(bytes, now)?;
        // The config may have changed since.
        let request = match ClientRequest::read(self.server, &query) {
            Ok(request) => request,
            Err(refused) => return redirected(refused),
        };
        if !is_allowed {
            return Ok(Answer::redirect(303, request.denied(self.server)));
        }
        let endpoints = self.application.endpoints(self.cx).await?;
        let sealed = self.seal(STATE, &cookie, &Agreed::to(&request, now).to_bytes()).await?;
        let request = request.to_provider(self.server, &sealed, &query);
        Ok(Answer::redirect(303, location_at_provider(&self.application, &endpoints, request).await?))
    }

    /// Takes a browser back from the provider, and brings the client its code.
    async fn bring_back(&self) -> Result<Answer, Problem> {
        let fields = Fields::Form(self.cx.query().unwrap_or_default());
        let field = |name| oauth_field(&fields, name);
        let (bytes, _) = self.open_of_browser(STATE, &field("state")?).await?;
        let now = now_secs();
        let agreed = Agreed::from_bytes(self.server, &bytes, LOGIN_STATE_MAX_SECS, now).ok_or(Problem::StateExpired)?;
        let provider = &self.application.provider;
        let names_itself = provider.is_one_of_several || self.application.endpoints(self.cx).await?.names_itself;
        let iss = Some(field("iss")?).filter(|iss| !iss.is_empty());
        check_response_issuer(iss.as_deref(), &provider.authorizer, names_itself)?;
        let (error, code) = (field("error")?, field("code")?);
        if !error.is_empty() {
            return Ok(Answer::redirect(303, agreed.error_location(self.server, &error)));
        }
        if code.is_empty() {
            return Err(Problem::CodeMissing);
        }
        let state = agreed.held.clone();
        let agreed = agreed.holding(&code, now);
        let sealed = self.seal(CODE, "", &agreed.to_bytes()).await?;
        Ok(Answer::redirect(303, agreed.location(self.server, &state, &sealed)))
    }

    /// Gives a client tokens.
    async fn token(&self) -> Result<Answer, Problem> {
        let form = self.form().await?;
        let fields = Fields::Form(&form);
        self.check_client(&fields)?;
        let (tokens, agreed) = match &*oauth_field(&fields, "grant_type")? {
            "authorization_code" => self.tokens_for_code(&fields).await?,
            "refresh_token" => boxed(self.tokens_for_refresh(&fields)).await?,
            "" => return Err(Problem::OAuthRequestInvalid("grant_type")),
            _ => return Err(Problem::GrantTypeUnsupported),
        };
        let refresh_token = match tokens.refresh_token() {
            Some(token) => {
                let agreed = agreed.holding(token, now_secs());
                Some(self.seal(REFRESH_TOKEN, "", &agreed.to_bytes()).await?)
            }
            None => None,
        };
        Ok(Answer::private_json(tokens.to_client_json(refresh_token.as_deref())))
    }

    async fn tokens_for_code(&self, fields: &Fields<'_>) -> Result<(TokenResponse, Agreed), Problem> {
        let sealed = oauth_field(fields, "code")?;
        let bytes = self.open(CODE, "", &sealed).await?.ok_or_else(|| refused_code("no code of this gateway"))?;
        let agreed = Agreed::from_bytes(self.server, &bytes, CLIENT_CODE_MAX_SECS, now_secs());
        let agreed = agreed.ok_or_else(|| refused_code("too old, or of a client that is not listed"))?;
        if oauth_field(fields, "redirect_uri")? != agreed.redirect_uri {
            return Err(refused_code("redirect_uri is another"));
        }
        let verifier = oauth_field(fields, "code_verifier")?;
        if digest(&verifier).await? != agreed.challenge {
            return Err(refused_code("code_verifier does not fit"));
        }
        agreed.check_resource(self.server, fields)?;
        let endpoints = self.application.endpoints(self.cx).await?;
        let target = self.server.target(&agreed.resource);
        let target = target.as_deref().and_then(TokenTarget::parse);
        let redirect_uri = self.server.url_of(Endpoint::Callback);
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", &*agreed.held),
            ("redirect_uri", &*redirect_uri),
            ("code_verifier", &*verifier),
        ];
        let form = Form::for_tokens(&self.application.provider, &endpoints, &fields, target.as_ref());
        let name = digest(&agreed.held).await?;
        if !grants::begin(self.gateway, self.cx, &[&name])? {
            return Err(refused_code("it was used before"));
        }
        let answer = self.application.send(&endpoints.token, form).await;
        let tokens = answer.map_err(Problem::from).and_then(|answer| parse_token_response(Grant::Code, &answer));
        grants::end(self.gateway, self.cx, &[&name], Ended::by(tokens.as_ref().err(), true));
        let tokens = tokens.inspect_err(provider_failures::note)?;
        if let Some(unfit) = target.and_then(|target| unfit(&target, &tokens)) {
            return Err(unfit.into());
        }
        Ok((tokens, agreed))
    }

    async fn tokens_for_refresh(&self, fields: &Fields<'_>) -> Result<(TokenResponse, Agreed), Problem> {
        let agreed = self.refresh_token(&oauth_field(fields, "refresh_token")?).await?;
        let invalid = || Problem::RefreshTokenInvalid(ProviderError::of_gateway("no refresh token of this gateway"));
        let agreed = agreed.ok_or_else(invalid)?;
        agreed.check_resource(self.server, fields)?;
        let refresh_token = Secret::new(agreed.held.clone());
        check_form(&refresh_token)?;
        let name = digest(refresh_token.expose()).await?;
        let begun = grants::begin(self.gateway, self.cx, &[&name])?;
        let target = self.server.target(&agreed.resource);
        let (application, target) = (&self.application, target.as_deref());
        let grace_secs = application.provider.rotation_grace_secs;
        let requester = rotation::Requester::Client;
        let exchanged =
            rotation::exchange(self.gateway, application, self.cx, refresh_token, requester, grace_secs, target).await;
        let tokens = exchanged.and_then(|exchanged| exchanged.tokens_for(target, &mut |_| {}));
        if begun {
            grants::end(self.gateway, self.cx, &[&name], Ended::by(tokens.as_ref().err(), false));
        }
        Ok((tokens?, agreed))
    }

    /// Revokes a refresh token of a client. What no client can have is as good as revoked (RFC 7009 section 2.2).
    async fn revoke(&self) -> Result<Answer, Problem> {
        let form = self.form().await?;
        let fields = Fields::Form(&form);
        self.check_client(&fields)?;
        if let Some(agreed) = self.refresh_token(&oauth_field(&fields, "token")?).await? {
            rotation::revoke(&self.application, self.cx, Secret::new(agreed.held)).await?;
        }
        Ok(Answer::private_json(String::new()))
    }

    async fn register(&self) -> Result<Answer, Problem> {
        let body = read_body(self.cx).await?.unwrap_or_default();
        match BodyKind::of(self.cx)? {
            BodyKind::Json => Ok(Answer::json_of_status(201, register(self.server, &body)?)),
            BodyKind::Form => Err(Problem::UnsupportedMediaType),
        }
    }

    async fn refresh_token(&self, sealed: &str) -> Result<Option<Agreed>, Problem> {
        let bytes = self.open(REFRESH_TOKEN, "", sealed).await?;
        Ok(bytes.and_then(|bytes| Agreed::from_bytes(self.server, &bytes, i64::MAX, now_secs())))
    }

    async fn form(&self) -> Result<String, Problem> {
        let body = read_body(self.cx).await?.unwrap_or_default();
        match BodyKind::of(self.cx)? {
            BodyKind::Form => Ok(body),
            BodyKind::Json => Err(Problem::UnsupportedMediaType),
        }
    }

    fn check_client(&self, fields: &Fields<'_>) -> Result<(), Problem> {
        let is_ours = oauth_field(fields, "client_id")? == self.application.provider.client.id;
        if is_ours { Ok(()) } else { Err(Problem::ClientInvalid) }
    }
}

fn redirected(refused: Refused) -> Result<Answer, Problem> {
    match refused {
        Refused::Here(problem) => Err(problem),
        Refused::ToClient(location) => Ok(Answer::redirect(303, location)),
    }
}
