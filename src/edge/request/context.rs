//! One request on its way through the gateway.

use std::cell::{Cell, OnceCell, RefCell};

use wasm_bindgen::JsValue;
use web_sys::Request;
use worker::Env;

use crate::address::Address;
use crate::config::{Config, Cors, Path};
use crate::edge::runtime::crossings::{request_head, request_headers, set_of};
use crate::edge::runtime::invocation::Invocation;
use crate::edge::runtime::timing::now_ms;
use crate::edge::runtime::webcrypto::{random_bytes, trace_bytes};
use crate::http::header_lines::HeaderLines;
use crate::http::request::{RequestHead, is_request_id};
use crate::http::trace::{Trace, hex};
use crate::oauth::LoginState;
use crate::problem::Problem;
use crate::route::MethodRule;
use crate::secret::Secret;
use crate::session::SessionToken;

/// A request with what belongs to it.
pub struct RequestContext {
    request: RefCell<Request>,
    env: Env,
    context: worker::worker_sys::Context,
    /// When it came, in milliseconds since 1970.
    pub started_ms: f64,
    /// Index of the path that took it, once one did.
    pub path_index: Cell<Option<usize>>,
    /// The methods of the route that took it, and its pattern behind its host, once one did.
    pub route: OnceCell<(MethodRule, String)>,
    /// The failure to log, if the answer is not an error itself, such as a page.
    pub problem_to_log: OnceCell<Problem>,
    /// The refresh token that its client gets with a problem, because its own is used.
    pub refresh_token: OnceCell<Secret<String>>,
    /// The access token of its session, if that was already requested.
    pub session_token: RefCell<Option<SessionToken>>,
    /// The SHA-256 of its API key, if that is one.
    pub api_key: OnceCell<String>,
    /// The state of the login that comes back with it.
    pub login_state: OnceCell<LoginState>,
    /// The nonce that its client gets for its next proof.
    pub dpop_nonce: OnceCell<String>,
    /// The `Set-Cookie` of its answer, whichever that becomes.
    pub set_cookie: OnceCell<String>,
    /// Its place in a trace, once it was passed on.
    trace: OnceCell<Trace>,
    /// The call to its upstream, if there was one and it is recorded.
    pub call: RefCell<Option<Call>>,
    /// What its upstream's answer says, if that is what becomes its answer.
    pub said: Cell<Option<HeaderLines>>,
    /// What it and its answer say of a session of an MCP server.
    pub mcp_session: RefCell<McpHeader>,
    /// The most bytes that its path takes of its body.
    pub body_max: Cell<Option<u64>>,
    /// How long authentication took, in milliseconds, if there was any and it was measured.
    pub auth_ms: Cell<Option<f64>>,
    /// How long it took until the upstream began to answer, in milliseconds, if one was called and it was measured.
    pub upstream_ms: Cell<Option<f64>>,
    method: String,
    url: Address,
    /// Which of the isolate's requests it is that brought no id.
    count: OnceCell<u32>,
    id: OnceCell<String>,
    few_headers: HeaderLines,
    of_session: OnceCell<HeaderLines>,
    headers: OnceCell<HeaderLines>,
}

/// What a request or its answer says of a session of an MCP server, once it is known whose that is.
#[derive(Default)]
pub enum McpHeader {
    /// Nothing.
    #[default]
    Absent,
    /// The request is in this session, by the server's name.
    Sent(String),
    /// The answer has this one, by the client's name.
    Given(String),
}

/// A call to an upstream.
pub struct Call {
    /// The origin of the one that was called last.
    pub origin: String,
    /// When it began, in milliseconds since 1970.
    pub began_ms: f64,
    /// How long it took until the answer began, in milliseconds.
    pub took_ms: f64,
    /// The answer's status; 0 if there was no answer.
    pub status: u16,
}

/// The headers that come with a request's head. To list all takes the runtime half a microsecond for each that a client sends, and as long
/// for each name that it is asked for.
const FEW_HEADERS: [&str; 3] = ["authorization", "origin", "x-request-id"];
/// Those that come besides for a path that has no use for all: what a session is told by, and what it may be used for.
const OF_SESSION: [&str; 2] = ["cookie", "upgrade"];

thread_local! {
    static FEW_NAMES: JsValue = set_of(&FEW_HEADERS.join(","));
    static SESSION_NAMES: JsValue = set_of(&OF_SESSION.join(","));
}

impl RequestContext {
    /// Takes a request in.
    pub fn begin(request: Request, env: Env, context: worker::worker_sys::Context) -> Self {
        let mut method = FEW_NAMES.with(|names| request_head(&request, names));
        let mut url = split_line(&mut method);
        let lines = split_line(&mut url);
        Self {
            method,
            url: Address::from_normalised(url),
            request: RefCell::new(request),
            env,
            context,
            started_ms: now_ms(),
            path_index: Cell::new(None),
            route: OnceCell::new(),
            problem_to_log: OnceCell::new(),
            refresh_token: OnceCell::new(),
            session_token: RefCell::default(),
            api_key: OnceCell::new(),
            login_state: OnceCell::new(),
            dpop_nonce: OnceCell::new(),
            set_cookie: OnceCell::new(),
            trace: OnceCell::new(),
            call: RefCell::default(),
            said: Cell::default(),
            mcp_session: RefCell::default(),
            body_max: Cell::default(),
            auth_ms: Cell::default(),
            upstream_ms: Cell::default(),
            count: OnceCell::new(),
            id: OnceCell::new(),
            few_headers: HeaderLines::new(lines),
            of_session: OnceCell::new(),
            headers: OnceCell::new(),
        }
    }

    /// Returns where the login leads that comes back with it.
    pub fn return_to(&self) -> Option<&str> {
        self.login_state.get()?.return_to.as_deref()
    }

    /// Returns the request id in answers and logs.
    pub fn id(&self) -> &str {
        self.id.get_or_init(|| self.sent_id().map_or_else(|| request_id(self.count()), str::to_owned))
    }

    /// Returns the id that it brought, if it is one.
    pub fn sent_id(&self) -> Option<&str> {
        self.header("x-request-id").filter(|id| is_request_id(id))
    }

    /// Returns what its id ends with, as a number, if it brought none.
    pub fn count(&self) -> u32 {
        *self.count.get_or_init(next_count)
    }

    /// Returns all of its headers.
    pub fn headers(&self) -> &HeaderLines {
        self.headers.get_or_init(|| HeaderLines::new(request_headers(&self.request(), &JsValue::UNDEFINED)))
    }

    /// Returns the request as the runtime has it.
    pub fn request(&self) -> Request {
        <Request as Clone>::clone(&self.request.borrow())
    }

    /// Returns its place in a trace; one that begins here is sampled if it `is_recorded`.
    pub fn trace(&self, is_recorded: bool) -> &Trace {
        self.trace.get_or_init(|| Trace::of(self.header("traceparent"), &trace_bytes(), is_recorded))
    }

    /// Returns its place in a trace, if it has one.
    pub fn begun_trace(&self) -> Option<&Trace> {
        self.trace.get()
    }

    /// Returns the path that took it, once one did.
    pub fn matched_path<'c>(&self, config: &'c Config) -> Option<&'c Path> {
        config.paths.get(self.path_index.get()?)
    }

    /// Returns the rule for other origins: that of the path that took it, or else that of all.
    pub fn cors<'c>(&self, config: &'c Config) -> Option<&'c Cors> {
        self.matched_path(config).and_then(|path| path.cors.as_ref()).or(config.cors.as_ref())
    }

    /// Goes on with another request, whose body has not been read.
    pub fn replace_request(&self, request: Request) {
        self.request.replace(request);
    }

    /// Returns the runtime's own context of the request.
    pub fn context(&self) -> &JsValue {
        self.context.as_ref()
    }

    /// Returns the origin that the client called.
    pub fn origin(&self) -> String {
        self.url.origin()
    }

    /// Returns the address that the client called.
    pub fn url(&self) -> &Address {
        &self.url
    }

    /// Checks whether the client called plain http on this machine.
    pub fn is_plain_loopback(&self) -> bool {
        self.url.scheme() == "http" && self.url.is_loopback()
    }
}

impl Invocation for RequestContext {
    fn env(&self) -> &Env {
        &self.env
    }

    fn keep_alive(&self, work: &js_sys::Promise) {
        // Refused only after the request's context has ended, when there is nothing left to keep going.
        let _ = self.context.wait_until(work);
    }
}

impl RequestHead for RequestContext {
    fn method(&self) -> &str {
        &self.method
    }

    fn path(&self) -> &str {
        self.url.path()
    }

    fn query(&self) -> Option<&str> {
        self.url.query()
    }

    fn host(&self) -> &str {
        self.url.host_and_port()
    }

    fn pattern(&self) -> &str {
        self.route.get().map_or("", |(_, pattern)| pattern)
    }

    fn header(&self, name: &str) -> Option<&str> {
        if FEW_HEADERS.contains(&name) {
            return self.few_headers.get(name);
        }
        if OF_SESSION.contains(&name) && self.headers.get().is_none() {
            let read = || SESSION_NAMES.with(|names| HeaderLines::new(request_headers(&self.request(), names)));
            return self.of_session.get_or_init(read).get(name);
        }
        self.headers().get(name)
    }
}

/// Takes what is behind the first line of a text out of it.
fn split_line(text: &mut String) -> String {
    let Some(at) = text.find('\n') else { return String::new() };
    let rest = text.split_off(at + 1);
    text.truncate(at);
    rest
}

/// Counts a request.
fn next_count() -> u32 {
    thread_local! {
        static COUNT: Cell<u32> = const { Cell::new(0) };
    }
    COUNT.with(|count| count.replace(count.get().wrapping_add(1)))
}

/// Makes an id that no other isolate makes: random for the isolate, counted within it, so that most cost no call.
fn request_id(count: u32) -> String {
    thread_local! {
        static ISOLATE: OnceCell<String> = const { OnceCell::new() };
    }
    ISOLATE.with(|isolate| {
        let prefix = isolate.get_or_init(|| {
            random_bytes::<8>().map_or_else(|_| "unseeded".to_owned(), |bytes| crate::oauth::random_text(&bytes))
        });
        [prefix, hex(&count.to_be_bytes()).as_str()].join("-")
    })
}
