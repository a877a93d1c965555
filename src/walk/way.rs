//! The steps of a request in the Worker's order (`src/edge/handler.rs`).

use serde_json::{Map, Value};

use super::answer::Made;
use super::hidden::Hidden;
use super::known::Known;
use super::progress::{TokenCheck, User, Walk, no_value, redirect};
use super::request::Request;
use super::step::{Answered, Kind, Outcome, SentHeader, Step, StepOutcome, Upstream};
use super::words::words_of;
use crate::answer::{ProblemForm, problem_headers};
use crate::config::{Networks, Path, RateKey, RateLimit};
use crate::cors::{answer_headers, answered_preflight};
use crate::http::header::{Header, MCP_SESSION};
use crate::http::request::RequestHead as _;
use crate::problem::{PAGE_POLICY, Problem, ProblemKind};
use crate::route::Match;
use crate::session::{McpSession, check_mcp_origin};

/// The way of a request.
pub struct Way {
    /// Its method.
    pub method: String,
    /// Its address; only the path, if the host is not known.
    pub url: String,
    /// The steps, in their order.
    pub steps: Vec<Step>,
    /// The end.
    pub outcome: Outcome,
    /// What is passed on, if anything is.
    pub upstream: Option<Upstream>,
    /// The config's references without a value here.
    pub unknown: Vec<String>,
    /// Whether it ends so only if its token is valid, which was not checked to the end.
    pub is_token_open: bool,
}

impl Way {
    /// Returns the way of a request at `now`, in seconds since 1970.
    pub fn of(known: &Known, request: &Request, now: i64, check: &TokenCheck<'_>) -> Self {
        let keys =
            known.config.authorizers.iter().filter_map(|authorizer| Some(authorizer.api_keys()?.header_name.as_str()));
        let of_keys: Vec<_> = keys.collect();
        let masked = &request.masked(&of_keys);
        let mut walk = Walk {
            known,
            request,
            masked,
            now,
            check,
            steps: Vec::new(),
            upstream: None,
            index: None,
            is_token_open: false,
            has_session: false,
        };
        let outcome = walk.go();
        let outcome = outcome.unwrap_or_else(|problem| walk.refused(&problem));
        let mut way = Self {
            method: request.method().to_owned(),
            url: request.shown_url().to_owned(),
            steps: walk.steps,
            outcome,
            upstream: walk.upstream,
            unknown: known.unknown(),
            is_token_open: walk.is_token_open,
        };
        way.hide(&Hidden::of(&known.hidden, request.credentials(&of_keys)));
        way
    }

    /// Puts everything that is printed through what hides secrets and credentials.
    fn hide(&mut self, hidden: &Hidden) {
        let Self { method, url, steps, outcome, upstream, unknown: _, is_token_open: _ } = self;
        for text in [method, url, &mut outcome.words] {
            *text = hidden.show(text);
        }
        for Step { name: _, outcome: _, words, code: _, details } in steps {
            *words = hidden.show(words);
            details.values_mut().for_each(|value| hidden.rewrite_json(value));
        }
        for (_, value) in &mut outcome.answer.headers {
            *value = hidden.show(value);
        }
        if let Some(Upstream { method, url, others, headers }) = upstream {
            for text in [method, url].into_iter().chain(others) {
                *text = hidden.show(text);
            }
            for SentHeader { name: _, value, from: _, source: _ } in headers {
                *value = hidden.show(value);
            }
        }
    }

    /// Returns the names of the steps that something decides which is not known here, each once.
    pub fn undecided(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for step in self.steps.iter().filter(|step| step.outcome == StepOutcome::Unknown) {
            if !names.contains(&step.name) {
                names.push(step.name);
            }
        }
        names
    }
}

impl<'w> Walk<'w> {
    fn go(&mut self) -> Result<Outcome, Problem> {
        let Self { known, request, masked, .. } = *self;
        let config = &known.config;
        self.check_address(config.networks.as_ref(), "ip")?;
        let found = config.routes.find(request.method(), request.host(), request.path());
        if let Some(headers) = answered_preflight(config, request, &found) {
            return Ok(self.preflight(&headers));
        }
        let matched = Problem::or_route(found, request.method()).map_err(|problem| self.unmatched(problem))?;
        let (Some(path), Some(shown)) = (config.paths.get(matched.index), known.shown.paths.get(matched.index)) else {
            return Err(Problem::RouteNotFound);
        };
        self.index = Some(matched.index);
        for request in [request, masked] {
            let _ = request.route.set([matched.host, matched.pattern].concat());
        }
        self.matched(&matched);
        self.cors(path);
        self.check_address(path.rules.networks.as_ref(), &self.place("ip"))?;
        self.rate(path, None);
        let user = match &path.access {
            Some(access) => match self.authenticate(path, access) {
                Ok(user) => user,
                Err(problem) => return self.or_login(access, problem),
            },
            None => {
                self.step(StepOutcome::Skipped, "auth", "the path is open to everyone");
                User::Nobody
            }
        };
        self.has_session = matches!(user, User::Session);
        self.rate(path, Some(&user));
        Problem::or_body(&path.rules, request, || request.has_body())
            .map_err(|problem| self.bad_body(path, problem))?;
        if path.rules.max_body_bytes.is_some() || !path.rules.content_types.is_empty() {
            let (outcome, words) = match self.unknown_of_body(path) {
                Some(reason) => (StepOutcome::Unknown, reason),
                None => (StepOutcome::Passed, body_rules(path)),
            };
            self.step(outcome, "body", words);
        }
        if let Some(reason) = self.unknown_at(&self.place("response_headers.remove")) {
            self.step(StepOutcome::Unknown, "response_headers", reason);
        }
        if path.mcp.is_some() && user.is_there() {
            self.mcp(path)?;
        }
        self.integrate(path, shown, &matched, &user)
    }

    /// Checks what an MCP server's path asks of a request. Whose a session is, only the gateway's key tells.
    fn mcp(&mut self, path: &Path) -> Result<(), Problem> {
        let request = self.request;
        let cors = self.cors_rule(Some(path)).map(|(rule, _)| rule);
        if let Err(problem) = check_mcp_origin(request, path, &request.url().origin(), cors) {
            match self.unknown_page(path) {
                Some(reason) => self.step(StepOutcome::Unknown, "mcp", reason),
                None => {
                    let words = "the page has another origin than the gateway, and \"cors\" does not list it";
                    return Err(self.refuse("mcp", words, problem));
                }
            }
        }
        match request.header(MCP_SESSION).map(McpSession::parse) {
            None => self.step(StepOutcome::Passed, "mcp", "the request is in no session"),
            Some(Ok(_)) => {
                self.step(StepOutcome::Unknown, "mcp", "the session may be another's: the gateway's key tells that");
            }
            Some(Err(problem)) => {
                let words = "the gateway gives out no such Mcp-Session-Id";
                return Err(self.refuse("mcp", words, problem));
            }
        }
        Ok(())
    }

    /// Returns why it is not known whether a path takes the request's body.
    fn unknown_of_body(&self, path: &Path) -> Option<String> {
        let by_value = ["max_body_bytes", "content_types"].iter().find_map(|key| self.unknown_at(&self.place(key)));
        by_value.or_else(|| {
            let max = path.rules.max_body_bytes?;
            let is_open = self.request.header("content-length").is_none() && self.request.has_body();
            is_open.then(|| format!("a body in chunks is cut off behind {max} bytes: give its size by --body-bytes"))
        })
    }

    fn check_address(&mut self, networks: Option<&Networks>, place: &str) -> Result<(), Problem> {
        let Some(networks) = networks else { return Ok(()) };
        let from = self.request.from();
        if let Some(reason) = self.unknown_at(place) {
            self.step(StepOutcome::Unknown, "ip", reason);
        } else if let Some(from) = from {
            let admitted = networks.admit(Some(from));
            if !admitted {
                let words = format!("{from} is not among the addresses that \"{place}\" lets in");
                return Err(self.refuse("ip", words, Problem::IpDenied));
            }
            self.step(StepOutcome::Passed, "ip", format!("\"{place}\" lets {from} in"));
        } else if networks.admit(None) {
            self.step(StepOutcome::Passed, "ip", "every address is let in");
        } else {
            let words = format!("\"{place}\" decides by the client's address: give it by --from");
            self.step(StepOutcome::Unknown, "ip", words);
        }
        Ok(())
    }

    fn unmatched(&mut self, problem: Problem) -> Problem {
        let request = self.request;
        let words = match &problem {
            Problem::MethodNotAllowed(allow) => format!("the path has {allow}, and not {}", request.method()),
            Problem::PathAmbiguous(why) => format!("the path can be read in two ways: {why}"),
            _ if request.is_host_known() => format!("no route matches {}", request.path()),
            _ => {
                format!("no route matches {} under every host; a whole URL is tried with its host, too", request.path())
            }
        };
        let (_, left_out) = self.left_out();
        self.refuse("match", words + &left_out, problem)
    }

    /// Returns what is to be said if routes are not known.
    fn left_out(&self) -> (Option<StepOutcome>, String) {
        match self.known.unknown_route() {
            Some(reference) => (
                Some(StepOutcome::Unknown),
                format!("; another route may, which comes from {reference}, without a value here"),
            ),
            None => (None, String::new()),
        }
    }

    fn matched(&mut self, matched: &Match<'_, '_>) {
        let route = format!("{} {}{}", matched.rule, matched.host, matched.pattern);
        let params: Map<String, Value> =
            matched.params().map(|(name, value)| (name.to_owned(), value.into())).collect();
        let with: Vec<_> = matched.params().map(|(name, value)| format!("{name} = {value}")).collect();
        let with = if with.is_empty() { String::new() } else { format!(", with {}", with.join(", ")) };
        let (outcome, left_out) = self.left_out();
        let step =
            Step::new("match", outcome.unwrap_or(StepOutcome::Passed), format!("{route} takes it{with}{left_out}"));
        let index = u64::try_from(matched.index).unwrap_or_default();
        self.steps.push(step.with("route", route).with("index", index).with("params", params));
    }

    fn cors(&mut self, path: &'w Path) {
        let request = self.request;
        let Some(origin) = request.header("origin") else {
            return self.step(StepOutcome::Skipped, "cors", "no Origin: no page of another origin asks");
        };
        let Some((rule, place)) = self.cors_rule(Some(path)) else {
            let words = format!(
                "there is no \"cors\": a page of {origin} cannot read the answer, unless the gateway has that origin"
            );
            return self.step(StepOutcome::Passed, "cors", words);
        };
        let step = if let Some(reason) = self.unknown_at(&place) {
            Step::new("cors", StepOutcome::Unknown, reason)
        } else if answer_headers(rule, Some(origin), false, false).is_empty() {
            let words = format!(
                "the request passes, but a page of {origin} cannot read the answer: \"{place}\" does not list it"
            );
            Step::new("cors", StepOutcome::Passed, words).with("readable", false)
        } else {
            Step::new("cors", StepOutcome::Passed, format!("a page of {origin} may read the answer"))
                .with("readable", true)
        };
        self.steps.push(step);
    }

    fn preflight(&mut self, headers: &[Header]) -> Outcome {
        let request = self.request;
        let [origin, method] =
            ["origin", "access-control-request-method"].map(|name| request.header(name).unwrap_or_default());
        let unknown = self.known.unknown_of_cors().map(no_value);
        let is_granted = !headers.is_empty();
        let words = match (&unknown, is_granted) {
            (Some(reason), _) => format!("a preflight, whose answer depends on the origins that are let in: {reason}"),
            (None, true) => format!("a preflight: a page of {origin} may send {method} here"),
            (None, false) => format!(
                "a preflight: a page of {origin} may not send this {method}, because the origin, the method or a header is not allowed"
            ),
        };
        let outcome = if unknown.is_some() { StepOutcome::Unknown } else { StepOutcome::Answered };
        self.steps.push(Step::new("cors", outcome, words.clone()).with("granted", is_granted));
        let answer = Answered { status: Some(204), headers: self.made(headers, Made::Preflight) };
        Outcome { kind: Kind::Answered, words, answer, code: None }
    }

    /// Adds the step of a rate limit; `user` is known behind authentication.
    fn rate(&mut self, path: &Path, user: Option<&User>) {
        let Some(limit) = &path.rules.rate_limit else { return };
        let by = match (&limit.key, user) {
            (RateKey::ApiKey, Some(User::Token(claims))) if claims.api_key().is_some() => "API key".to_owned(),
            (RateKey::Subject | RateKey::ApiKey, Some(User::Token(claims))) if claims.text("sub").is_none() => {
                "address, because its token has no sub".to_owned()
            }
            (RateKey::Subject | RateKey::ApiKey, Some(user)) if user.is_there() => "user (sub)".to_owned(),
            (RateKey::Subject | RateKey::ApiKey, Some(_)) => "address, because it has no user".to_owned(),
            (RateKey::Ip, None) => "address".to_owned(),
            (RateKey::Header(name), None) => format!("value of {name}"),
            _ => return,
        };
        let step = Step::new("rate_limit", StepOutcome::Unknown, limit_words(limit, &by));
        self.steps.push(step.with("max", limit.max).with("period_seconds", limit.period_secs).with("by", by));
    }

    fn bad_body(&mut self, path: &Path, problem: Problem) -> Problem {
        let words = match &problem {
            Problem::BodyTooLarge(max) => {
                format!(
                    "the body has {} bytes, and the path takes {max}",
                    self.request.header("content-length").unwrap_or_default()
                )
            }
            _ => format!(
                "the body is {}, and the path takes {}",
                self.request.header("content-type").unwrap_or("of no named type"),
                path.rules.content_types.join(", ")
            ),
        };
        self.refuse("body", words, problem)
    }

    /// Returns the end of a request that is refused.
    fn refused(&self, problem: &Problem) -> Outcome {
        let Self { known, request, .. } = *self;
        let shown = self.index.and_then(|index| known.shown.paths.get(index));
        let kind = ProblemKind::ALL.iter().find(|kind| kind.code == problem.code());
        let words = kind.map(|kind| words_of(if kind.remedy.is_empty() { kind.detail } else { kind.remedy }));
        let types = shown.map(|path| path.rules.content_types.join(", ")).filter(|types| !types.is_empty());
        let own_types = types.filter(|_| matches!(problem, Problem::UnsupportedMediaType));
        let words = own_types.map(|types| format!("Send one of the types that the path takes: {types}.")).or(words);
        let mut headers: Vec<Header> = Vec::new();
        let (status, made) = match ProblemForm::of(request, known.config.problem_page.as_deref()) {
            ProblemForm::Redirect(page) => {
                headers = redirect(format!("{page}?code={}&request_id={}", problem.code(), self.id()));
                (303, Made::Problem(None))
            }
            form => {
                headers.extend(problem_headers(problem, shown, request, &|| request.url().origin()));
                let is_page = form == ProblemForm::Page;
                let kind = if is_page { "text/html; charset=utf-8" } else { "application/problem+json" };
                headers.push(("content-type".into(), kind.into()));
                if is_page {
                    headers.push(("referrer-policy".into(), "no-referrer".into()));
                }
                (problem.status(), Made::Problem(is_page.then_some(PAGE_POLICY)))
            }
        };
        let answer = Answered { status: Some(status), headers: self.made(&headers, made) };
        Outcome { kind: Kind::Refused, words: words.unwrap_or_default(), answer, code: Some(problem.code()) }
    }
}

fn limit_words(limit: &RateLimit, by: &str) -> String {
    let period = match limit.period_secs {
        1 => "a second".to_owned(),
        60 => "a minute".to_owned(),
        3600 => "an hour".to_owned(),
        86_400 => "a day".to_owned(),
        secs => format!("in {secs} seconds"),
    };
    match limit.max {
        Some(max) => format!("at most {max} requests {period} pass for each {by}; the next one gets 429 rate_limited"),
        None => format!("the binding {} counts requests {period} for each {by}, and has the number", limit.binding),
    }
}

fn body_rules(path: &Path) -> String {
    let size = path.rules.max_body_bytes.map(|max| format!("at most {max} bytes"));
    let types = Some(&path.rules.content_types).filter(|types| !types.is_empty()).map(|types| types.join(", "));
    size.into_iter().chain(types).collect::<Vec<_>>().join(", of ")
}
