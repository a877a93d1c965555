//! Answers: what the gateway decided, made into a `Response` with the headers that every answer gets.

use std::borrow::Cow;
use std::rc::Rc;

use js_sys::Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use web_sys::{Request, Response};

use crate::answer::{Closing, ProblemForm, Sharing, problem_headers, push_transport_headers};
use crate::config::{Fixed, Integration, Path};
use crate::cors;
use crate::edge::gateway::Gateway;
use crate::edge::request::access_log;
use crate::edge::request::context::{McpHeader, RequestContext};
use crate::edge::runtime::crossings::set_of;
use crate::http::header::{Header, MCP_SESSION, NO_STORE, push};
use crate::http::header_lines::HeaderLines;
use crate::http::request::RequestHead as _;
use crate::oauth::login_address;
use crate::problem::{PAGE_POLICY, Problem, WayOn};
use crate::proxy::noted_response_headers;
use crate::route::{Method, MethodRule};

#[wasm_bindgen(module = "/src/edge/request/answer.js")]
extern "C" {
    /// Makes a response. It ends only after the request's body has been read; an unread body is read and dropped. `headers` are
    /// changes to an empty list.
    #[wasm_bindgen(catch)]
    fn respond(status: u16, headers: &str, body: Option<&str>, request: &Request) -> Result<Response, JsValue>;

    /// Returns an answer of `known` at a place, as it is for the request of this id, or that is counted as this one; nothing if there is
    /// none, or the request has a body.
    fn respond_known(
        known: &Array,
        place: u32,
        sent_id: Option<&str>,
        count: u32,
        request: &Request,
    ) -> Option<Response>;

    /// Keeps what is the same in each answer of its kind at a place of `known`.
    #[wasm_bindgen(catch)]
    fn keep_known(known: &Array, place: u32, id: &str, response: &Response, body: Option<&str>) -> Result<(), JsValue>;

    /// Returns those headers of an answer whose names are noted, as lines.
    fn noted_lines(response: &Response, noted: &JsValue) -> String;

    /// Makes a response from an upstream's: its body streams through, and its headers are changed.
    #[wasm_bindgen(catch)]
    fn relay(response: &Response, changes: &str) -> Result<Response, JsValue>;

    /// Returns the response, or a promise of it if the request's body is unread and must first be read and dropped.
    pub fn behind_body(request: &Request, response: &Response) -> JsValue;
}

/// The answer to a request, before the headers that every answer gets.
pub enum Answer {
    /// One that the gateway makes.
    Made {
        /// Its status.
        status: u16,
        /// Its headers, by lower-case name.
        headers: Vec<Header>,
        /// Its body.
        body: Option<String>,
        /// Its policy (W3C Content Security Policy), if it is a page of the gateway: under another policy its script could not run.
        policy: Option<Cow<'static, str>>,
    },
    /// One of the config, whatever the request.
    Fixed(Rc<Fixed>),
    /// A preflight's: its headers are the whole answer to other origins.
    Preflight(Vec<Header>),
    /// An upstream's, passed on.
    Relayed(Response),
}

impl Answer {
    /// Makes a JSON answer that no cache may store.
    pub fn private_json(body: String) -> Self {
        Self::json_of_status(200, body)
    }

    /// Makes such an answer with another status.
    pub fn json_of_status(status: u16, body: String) -> Self {
        let mut headers = Vec::new();
        push(&mut headers, "content-type", "application/json".into());
        push(&mut headers, "cache-control", NO_STORE.into());
        Self::Made { status, headers, body: Some(body), policy: None }
    }

    /// Makes a redirect that no cache may store.
    pub fn redirect(status: u16, location: String) -> Self {
        let mut headers = Vec::new();
        push(&mut headers, "location", location.into());
        push(&mut headers, "cache-control", NO_STORE.into());
        push(&mut headers, "referrer-policy", "no-referrer".into());
        Self::Made { status, headers, body: None, policy: None }
    }

    /// Makes a page, whose URL no other site learns, because it may contain a code.
    pub fn page(status: u16, mut headers: Vec<Header>, policy: Cow<'static, str>, body: String) -> Self {
        push(&mut headers, "content-type", "text/html; charset=utf-8".into());
        push(&mut headers, "referrer-policy", "no-referrer".into());
        Self::Made { status, headers, body: Some(body), policy: Some(policy) }
    }

    fn problem(problem: &Problem, cx: &RequestContext, gateway: Option<&Gateway>) -> Self {
        let config = gateway.map(|gateway| &gateway.config);
        let form = ProblemForm::of(cx, config.and_then(|config| config.problem_page.as_deref()));
        if let ProblemForm::Redirect(page) = form {
            return Self::redirect(303, format!("{page}?code={}&request_id={}", problem.code(), cx.id()));
        }
        let path = gateway.and_then(|gateway| cx.matched_path(&gateway.config));
        let access = path.and_then(|path| path.access.as_ref());
        let mut headers = problem_headers(problem, path, cx, &|| cx.origin());
        if form == ProblemForm::Page {
            let page = problem_page(problem, cx, gateway, path);
            return Self::page(problem.status(), headers, PAGE_POLICY.into(), page);
        }
        if let Some(Integration::AuthorizationServer(_, endpoint)) = path.map(|path| &path.integration)
            && !endpoint.is_page()
        {
            push(&mut headers, "content-type", "application/json".into());
            let body = Some(problem.oauth_body());
            return Self::Made { status: problem.status(), headers, body, policy: None };
        }
        let older = config.is_some_and(|config| config.older_codes);
        let older = older.then(|| problem.older_code(path, access.map(|access| &*access.authorizer))).flatten();
        push(&mut headers, "content-type", "application/problem+json".into());
        let refresh_token = cx.refresh_token.get().map(|token| token.expose().as_str());
        let body = Some(problem.body(cx.id(), older, refresh_token));
        Self::Made { status: problem.status(), headers, body, policy: None }
    }
}

/// Returns the page about a problem, with a link that leads on from here.
fn problem_page(problem: &Problem, cx: &RequestContext, gateway: Option<&Gateway>, path: Option<&Path>) -> String {
    let access = path.and_then(|path| path.access.as_ref());
    let login = gateway.filter(|gateway| {
        // A login does not help on the path of another authorizer.
        problem.calls_for_login(path) && !access.is_some_and(|access| gateway.config.logs_in_elsewhere(access))
    });
    let login = login.and_then(|gateway| gateway.config.login_path.as_deref());
    let needed = match cx.login_state.get() {
        Some(state) => state.authentication.as_ref(),
        None => access.and_then(|access| access.requirements.authentication.as_ref()),
    };
    let login = login.map(|login| login_address(login, cx.return_to(), needed));
    let way_on = match &login {
        Some(login) => WayOn::LogIn(login),
        None if problem.is_transient() && matches!(cx.method(), "GET" | "HEAD") => WayOn::Again,
        None => WayOn::Nowhere,
    };
    problem.page(cx.id(), way_on)
}

/// Returns how long the parts of an answer took (W3C Server Timing), if the config enables it.
fn server_timing(cx: &RequestContext, gateway: Option<&Gateway>) -> Option<String> {
    gateway.filter(|gateway| gateway.config.server_timing)?;
    let parts = [("auth", cx.auth_ms.get()), ("upstream", cx.upstream_ms.get())];
    let entries: Vec<_> = parts.iter().filter_map(|(name, ms)| Some(format!("{name};dur={}", (*ms)? as i64))).collect();
    (!entries.is_empty()).then(|| entries.join(", "))
}

/// Returns where the answer of a path is kept that is the same for each request but for its id; `None` if this request may get
/// another one.
fn place_of_same(cx: &RequestContext, gateway: &Gateway) -> Option<u32> {
    let config = &gateway.config;
    let is_same = cx.set_cookie.get().is_none()
        && cx.dpop_nonce.get().is_none()
        && !config.server_timing
        && (cx.cors(config).is_none() || cx.header("origin").is_none());
    // No shared cache may store what a session got.
    let variant = usize::from(cx.url().scheme() == "https") + 2 * usize::from(cx.session_token.borrow().is_some());
    u32::try_from(cx.path_index.get().filter(|_| is_same)? * 4 + variant).ok()
}

/// Returns the answer that is kept at a place, for this request.
fn known_response(known: &Array, place: u32, cx: &RequestContext) -> Option<Response> {
    let sent_id = cx.sent_id();
    let count = if sent_id.is_some() { 0 } else { cx.count() };
    respond_known(known, place, sent_id, count, &cx.request())
}

/// Makes the response, and writes the log line.
pub fn finish(cx: &RequestContext, gateway: Option<&Gateway>, outcome: Result<Answer, Problem>) -> Response {
    let same = match (&outcome, gateway) {
        (Ok(Answer::Fixed(_)), Some(gateway)) => {
            place_of_same(cx, gateway).map(|place| (&gateway.known_answers, place))
        }
        _ => None,
    };
    if let Some((known, place)) = same
        && let Some(response) = known_response(known, place, cx)
    {
        access_log::record(cx, gateway, &response, cx.problem_to_log.get());
        return response;
    }
    let (answer, problem) = match outcome {
        Ok(answer) => (answer, None),
        Err(problem) => (Answer::problem(&problem, cx, gateway), Some(problem)),
    };
    let rule = gateway.and_then(|gateway| cx.cors(&gateway.config));
    // A preflight's answer is complete, from the gateway as from a path's own OPTIONS.
    let own_preflight = matches!(answer, Answer::Relayed(_)) && is_own_preflight(cx);
    let readable = rule.filter(|_| !own_preflight && !matches!(answer, Answer::Preflight(_)));
    let origin = readable.and_then(|_| cx.header("origin"));
    let path = gateway.and_then(|gateway| cx.matched_path(&gateway.config));
    let is_mcp = path.is_some_and(|path| path.mcp.is_some());
    let mut shared =
        readable.map(|rule| cors::answer_headers(rule, origin, problem.is_some(), is_mcp)).unwrap_or_default();
    if !matches!(answer, Answer::Relayed(_)) {
        push_transport_headers(&mut shared, cx.url());
    }
    push(&mut shared, "x-request-id", cx.id().to_owned().into());
    if let Some(nonce) = cx.dpop_nonce.get() {
        push(&mut shared, "dpop-nonce", nonce.clone().into());
    }
    if let Some(cookie) = cx.set_cookie.get() {
        push(&mut shared, "set-cookie", cookie.clone().into());
    }
    if let McpHeader::Given(session) = cx.mcp_session.take() {
        push(&mut shared, MCP_SESSION, session.into());
    }
    if let Some(timing) = server_timing(cx, gateway) {
        push(&mut shared, "server-timing", timing.into());
    }
    // If no login is needed, a request without one gets another answer than a session.
    let optional = path.and_then(|path| path.access.as_ref()).is_some_and(|access| access.requirements.optional);
    let session = gateway.and_then(|gateway| gateway.config.session.as_ref());
    let by_cookie = optional && session.is_some();
    // An answer that deletes the cookie of an ended session is only for that client.
    let personal = cx.session_token.borrow().is_some() || by_cookie && cx.set_cookie.get().is_some();
    let closing = Closing {
        own: shared,
        // A path's own rules apply to the answers of its integration.
        rules: path.filter(|_| problem.is_none()).map(|path| &path.response_headers),
        configured: gateway.map(|gateway| &gateway.headers),
        vary: rule.and_then(cors::vary),
        sharing: match (personal, by_cookie) {
            (true, _) => Sharing::Nobody,
            (false, true) => Sharing::ByCookie,
            (false, false) => Sharing::Anyone,
        },
        keeps_challenges: path.is_some_and(|path| path.protected_resource.is_some() && path.access.is_some() || is_mcp),
    };
    let request = cx.request();

    let response = match answer {
        Answer::Made { status, headers, body, policy } => {
            let headers = closing.of_made(&headers, policy.as_deref());
            respond(status, headers.as_str(), body.as_deref(), &request)
        }
        Answer::Fixed(fixed) => {
            let own = fixed.headers.iter().map(|(name, value)| (name.clone().into(), value.clone().into()));
            let headers = closing.of_made(&own.collect::<Vec<_>>(), None);
            let response = respond(fixed.status, headers.as_str(), fixed.body.as_deref(), &request);
            // An id of the client's may be the one that the config sets for all. What cannot be kept is made anew.
            let is_own_id = cx.header("x-request-id").is_none();
            if let (Some((known, place)), Ok(response)) = (same.filter(|_| is_own_id), &response) {
                let _ = keep_known(known, place, cx.id(), response, fixed.body.as_deref());
            }
            response
        }
        Answer::Preflight(headers) => {
            let vary = Some(cors::PREFLIGHT_VARY);
            let closing = Closing { rules: None, vary, sharing: Sharing::Anyone, ..closing };
            respond(204, closing.of_made(&headers, None).as_str(), None, &request)
        }
        Answer::Relayed(upstream) => {
            let said = cx.said.take().unwrap_or_else(|| said(&upstream));
            let session = session.map(|session| session.rules.cookie.as_str());
            let changes = closing.of_relayed(&said, session, rule.is_some() && !own_preflight);
            let relayed = relay(&upstream, changes.as_str());
            if relayed.is_err() {
                let reason = format!("its status {} cannot be passed on", upstream.status());
                return finish(cx, gateway, Err(Problem::UpstreamUnreachable(reason)));
            }
            relayed
        }
    };
    let response = response
        .or_else(|_| respond(Problem::Internal(String::new()).status(), "", None, &request))
        .unwrap_or_else(|_| Response::error());
    access_log::record(cx, gateway, &response, problem.as_ref().or(cx.problem_to_log.get()));
    response
}

/// Returns those headers of an upstream's answer that something is decided by, or that are dropped. All come in one call: to look for
/// each by its name took 8 % of a proxied request in a profile.
pub fn said(response: &Response) -> HeaderLines {
    thread_local! {
        static NOTED: JsValue = set_of(&noted_response_headers());
    }
    HeaderLines::new(NOTED.with(|noted| noted_lines(response, noted)))
}

/// Checks whether this is a preflight that a path of the config answers.
fn is_own_preflight(cx: &RequestContext) -> bool {
    cx.route.get().is_some_and(|(rule, _)| *rule == MethodRule::Exact(Method::Options))
        && cx.header("access-control-request-method").is_some()
}
