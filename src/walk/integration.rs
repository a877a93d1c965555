//! What answers a request that has passed every check (`src/edge/integrations.rs`).

use super::answer::Made;
use super::progress::{User, Walk};
use super::step::{Answered, Kind, Outcome, Step, StepOutcome, Upstream};
use super::upstream::{own_url, shown_query};
use crate::answer::redirect_location;
use crate::config::{CallbackResponse, Endpoint, Integration, Path, Server, Target};
use crate::http::header::NO_STORE;
use crate::http::request::{RequestHead as _, query_parameter};
use crate::oauth::validate_return_to;
use crate::problem::Problem;
use crate::proxy::upstream_url;
use crate::route::{Match, Method};
use crate::session::may_log_out;

impl<'w> Walk<'w> {
    /// Returns the end of a request at the integration of its path.
    pub(super) fn integrate(
        &mut self,
        path: &'w Path,
        shown: &'w Path,
        matched: &Match<'_, '_>,
        user: &User,
    ) -> Result<Outcome, Problem> {
        if path.integration.spends() && self.request.method() == Method::Head.as_str() {
            let words = "by HEAD nothing happens here: a link preview must not use up a code or end a session";
            self.step(StepOutcome::Answered, "integration", words);
            let headers =
                [("content-type".into(), "application/json".into()), ("cache-control".into(), NO_STORE.into())];
            return Ok(answered(Some(200), self.made(&headers, Made::Answer), "nothing happens"));
        }
        if let Some(rpc) = &shown.pre_process {
            let words = format!(
                "the function {} of {} may answer instead, or let the request go on",
                rpc.function, rpc.binding
            );
            self.step(StepOutcome::Unknown, "pre_process", words);
        }
        let by_gateway = |walk: &mut Self, status, words: &str| {
            walk.step(StepOutcome::Answered, "integration", words);
            Ok(answered(status, Vec::new(), words))
        };
        match &shown.integration {
            Integration::HttpProxy { server, prefix, target, .. } => {
                let prefix = prefix.as_deref().or(matched.literal_prefix()).unwrap_or_default();
                Ok(self.proxied(shown, server, matched, prefix, user, target.is_some()))
            }
            Integration::ServiceBinding { binding, function } => {
                let function = function.as_deref().filter(|name| *name != "fetch");
                let words = match function {
                    None => format!("the Worker behind {binding} answers"),
                    Some(name) => format!("the function {name} of the Worker behind {binding} answers"),
                };
                Ok(self.served(shown, user, words))
            }
            Integration::Service(name) => Ok(self.served(shown, user, format!("the module {name} answers"))),
            Integration::Fixed(fixed) => {
                let words = "a fixed answer of the config";
                self.step(StepOutcome::Answered, "integration", words);
                let headers = fixed.headers.iter().map(|(name, value)| (name.clone().into(), value.clone().into()));
                let headers = self.made(&headers.collect::<Vec<_>>(), Made::Answer);
                Ok(answered(Some(fixed.status), headers, words))
            }
            Integration::Redirect(redirect) => {
                let location = redirect_location(redirect, matched).map_err(|problem| {
                    let words = "a browser would take the redirect's address for another host";
                    self.refuse("integration", words, problem)
                })?;
                let words = format!("a redirect of the config, to {}", location);
                self.step(StepOutcome::Answered, "integration", words);
                let headers = self.made(&[("location".into(), location.into())], Made::Answer);
                Ok(answered(Some(redirect.status), headers, "a redirect of the config"))
            }
            Integration::ProtectedResource(..) => {
                let words = "the metadata of the protected resource (RFC 9728)";
                self.step(StepOutcome::Answered, "integration", words);
                let headers = self.made(&[("content-type".into(), "application/json".into())], Made::Answer);
                Ok(answered(Some(200), headers, words))
            }
            Integration::AuthorizationServer(_, endpoint) => by_gateway(
                self,
                None,
                match endpoint {
                    Endpoint::Authorization => {
                        "a page asks whether a client may have tokens, and its answer leads to the provider or back"
                    }
                    Endpoint::Callback => "the provider's code goes to the client, sealed",
                    Endpoint::Token => "tokens from the provider, for a code or a refresh token of a client",
                    Endpoint::Registration => "the client at the provider, for listed redirect addresses (RFC 7591)",
                    Endpoint::Revocation => "the end of a client's refresh token (RFC 7009)",
                    Endpoint::Metadata => "the metadata of the authorization server (RFC 8414)",
                },
            ),
            Integration::Login { return_to_origins, .. } => {
                let of_session = self.known.config.session.as_ref().map(|session| &session.rules.return_to_origins);
                let origins = [return_to_origins.clone(), of_session.cloned().unwrap_or_default()].concat();
                self.return_to(&origins, &["session"])?;
                by_gateway(self, None, "a login begins: a redirect to the provider")
            }
            Integration::Callback { response, .. } => by_gateway(
                self,
                None,
                match response {
                    CallbackResponse::Session(_) => {
                        "the login ends: the provider's code becomes a session, with its cookie and a redirect"
                    }
                    CallbackResponse::Json => "the login ends: the provider's code becomes tokens, as JSON",
                    CallbackResponse::WebMessage { .. } => {
                        "the login ends: the provider's code becomes tokens, for the window that opened the page"
                    }
                },
            ),
            Integration::Userinfo { .. } => by_gateway(self, None, "the user's profile"),
            Integration::Refresh { .. } => by_gateway(self, None, "tokens from the provider, for a refresh token"),
            Integration::Revocation(_) => by_gateway(self, None, "the end of a refresh token"),
            Integration::Logout(session) => {
                let cors = self.cors_rule(Some(path)).map(|(rule, _)| rule);
                if may_log_out(self.request, self.request.url(), cors) {
                    self.step(StepOutcome::Passed, "csrf", "the request is from a page that may end the session");
                } else if let Some(reason) = self.unknown_page(path) {
                    self.step(StepOutcome::Unknown, "csrf", reason);
                } else {
                    let words = "nothing says that a page of the gateway or a listed origin caused the request (Sec-Fetch-Site, Origin)";
                    return Err(self.refuse("csrf", words, Problem::CsrfRejected));
                }
                self.return_to(&session.rules.return_to_origins, &["session"])?;
                by_gateway(self, None, "the end of the session, here and at the provider")
            }
            Integration::BackchannelLogout(_) => by_gateway(self, None, "the provider ends sessions by a logout token"),
            Integration::FrontchannelLogout(_) => by_gateway(self, None, "a page of the provider ends the session"),
            Integration::Sessions(_) => by_gateway(self, None, "the user's sessions, or their end"),
            Integration::Supabase(_) => by_gateway(self, None, "a step of a login by one-time password"),
            Integration::Health { .. } => {
                by_gateway(self, None, "the state of config and keys: 200, or 503 if one is missing")
            }
        }
    }

    /// Checks where a login or a logout is to lead; `places` are those of the config that list other origins.
    fn return_to(&mut self, origins: &[String], places: &[&str]) -> Result<(), Problem> {
        let request = self.request;
        let Some(written) = query_parameter(request.query(), "return_to") else { return Ok(()) };
        let own = request.url().origin();
        match validate_return_to(&written, &own, origins) {
            Ok(_) => self.step(StepOutcome::Passed, "return_to", format!("{written} may be led to")),
            Err(problem) => {
                let is_far = !written.starts_with('/');
                let own_place = self.place("integration");
                let unknown =
                    places.iter().copied().chain([own_place.as_str()]).find_map(|place| self.unknown_at(place));
                let host = (!request.is_host_known())
                    .then(|| "the gateway's own origin is not known: give the whole URL".to_owned());
                let Some(reason) = unknown.or(host).filter(|_| is_far) else {
                    let words = format!("{written} is neither a path of the gateway nor of a listed origin");
                    return Err(self.refuse("return_to", words, problem));
                };
                self.step(StepOutcome::Unknown, "return_to", reason);
            }
        }
        Ok(())
    }

    fn proxied(
        &mut self,
        shown: &'w Path,
        server: &Server,
        matched: &Match<'_, '_>,
        prefix: &str,
        user: &User,
        has_target: bool,
    ) -> Outcome {
        let request = self.request;
        if let Some(cache) = &shown.rules.cache {
            let words = format!("the cache may answer, with what it stored in the last {} seconds", cache.ttl_secs);
            self.step(StepOutcome::Unknown, "cache", words);
        }
        if has_target && matches!(user, User::Session) {
            let words = "the session's token for this upstream is requested from the provider, which may refuse it";
            self.step(StepOutcome::Unknown, "upstream_token", words);
        }
        if server.token.is_some() {
            let words = "the gateway's own token for this upstream is requested from the provider, which may refuse it";
            self.step(StepOutcome::Unknown, "upstream_token", words);
        }
        let headers = self.sent_headers(shown, prefix, user, server.token.is_some());
        let mapped = headers.iter().filter(|header| matches!(header.from, "mapping" | "config"));
        let mapped: Vec<_> = mapped.map(|header| header.name.as_str()).collect();
        if !shown.mapping.headers.is_empty() || !shown.mapping.query.is_empty() || !shown.mapping.remove.is_empty() {
            let words =
                if mapped.is_empty() { "no header is set".to_owned() } else { format!("sets {}", mapped.join(", ")) };
            let unknown = ["asserted_headers".to_owned(), self.place("request_headers.remove")];
            let unknown = unknown.iter().find_map(|place| self.unknown_at(place));
            let is_unknown = unknown.is_some() || self.has_unknown_mapping(shown, user);
            let outcome = if is_unknown { StepOutcome::Unknown } else { StepOutcome::Passed };
            let words = unknown.map_or(words.clone(), |reason| format!("{words}; which headers are removed: {reason}"));
            self.step(outcome, "mapping", words);
        }
        let query = shown_query(shown, self.masked, user);
        let path = matched.forward_path(prefix);
        let url = |target: &Target| upstream_url(target, path, query.as_deref());
        let mut urls = server.targets.iter().map(url);
        let first = urls.next().unwrap_or_default();
        let others: Vec<_> = urls.collect();
        let words = match others.len() {
            0 => format!("{first} answers"),
            _ if server.targets.are_weighted() => format!("{first} or another address, by weight"),
            count => format!("{first}, or if it cannot be reached one of {count} others"),
        };
        let step = Step::new("upstream", StepOutcome::Passed, words.clone()).with("timeout_ms", server.timeout_ms);
        self.steps.push(step.with("retries", server.retries));
        self.upstream = Some(Upstream { method: request.method().to_owned(), url: first, others, headers });
        forwarded(words)
    }

    fn served(&mut self, shown: &'w Path, user: &User, words: String) -> Outcome {
        let request = self.request;
        let headers = self.sent_headers(shown, "", user, false);
        let url = own_url(self.masked, shown, user);
        self.step(StepOutcome::Passed, "service", words.clone());
        self.upstream = Some(Upstream { method: request.method().to_owned(), url, others: Vec::new(), headers });
        forwarded(words)
    }
}

fn forwarded(words: String) -> Outcome {
    Outcome { kind: Kind::Forwarded, words, answer: Answered::default(), code: None }
}

fn answered(status: Option<u16>, headers: Vec<(String, String)>, words: &str) -> Outcome {
    Outcome { kind: Kind::Answered, words: words.to_owned(), answer: Answered { status, headers }, code: None }
}
