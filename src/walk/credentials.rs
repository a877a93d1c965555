//! Who a request is from, and whether that is enough for its path (`src/edge/auth/authenticate.rs`).

use super::answer::Made;
use super::progress::{User, Walk, redirect};
use super::step::{Answered, Kind, Outcome, Step, StepOutcome};
use serde_json::{Value, json};
use std::rc::Rc;

use crate::config::{Access, ApiKeys, Authorizer, Path, RequiredAuthentication, Requirements, Session};
use crate::excerpt::shortened_name;
use crate::explain::{self, Check, GivenProof, Verdict};
use crate::http::request::RequestHead as _;
use crate::problem::Problem;
use crate::session::{Presented, RequestKind, is_from_own_pages, login_redirect, presented};
use crate::token::{
    Authentication, ClaimError, Credential, KeyError, Scheme, TokenError, VerifiedClaims, check_key, check_key_form,
    credential, held_scopes, key_digest, listed_key, missing_access,
};

impl<'w> Walk<'w> {
    /// Returns the user of a request.
    pub(super) fn authenticate(&mut self, path: &'w Path, access: &Access) -> Result<User, Problem> {
        let Self { known, request, .. } = *self;
        let needed = &access.requirements;
        let credential = credential(&known.config, access, request);
        let dispensable = needed.optional && matches!(credential, Credential::Absent);
        let mut skew_secs = access.authorizer.clock_skew_secs;
        let user = match credential {
            Credential::Of(authorizer, text, scheme) => {
                skew_secs = authorizer.clock_skew_secs;
                let proof = (scheme == Scheme::Dpop).then(|| GivenProof {
                    header: request.header("dpop").map(str::to_owned),
                    method: request.method().to_owned(),
                    url: Some(request.url().clone()).filter(|_| request.is_host_known() && request.is_scheme_known()),
                });
                match authorizer.api_keys() {
                    Some(keys) => self.key(authorizer, keys, text),
                    None => self.token(access, authorizer, text, proof.as_ref()),
                }
            }
            // An invalid token never falls back to a session.
            Credential::Malformed => Err((
                Problem::CredentialsMalformed,
                match access.authorizers().iter().any(|one| one.api_keys().is_some()) {
                    true => "it does not send exactly one token or API key",
                    false => "the Authorization header has a scheme for tokens and no single token",
                }
                .to_owned(),
            )),
            Credential::Refused(error) => {
                let words = match &error {
                    TokenError::ApiKey(error) => error.to_string(),
                    _ => "the token names the issuer of no authorizer of the path".to_owned(),
                };
                Err((error.into(), words))
            }
            // Sessions have tokens of one authorizer.
            Credential::Absent if known.config.logs_in_elsewhere(access) => {
                let words = "no bearer token, and sessions are not of this path's authorizer";
                Err((Problem::TokenMissing, words.to_owned()))
            }
            Credential::Absent => self.session(path),
        };
        let user = match user {
            Ok(user) => user,
            Err((Problem::CsrfRejected, _)) => return Err(Problem::CsrfRejected),
            Err((_, words)) if dispensable => {
                self.step(StepOutcome::Passed, "auth", format!("{words}; the path does without (\"optional\")"));
                return Ok(User::Nobody);
            }
            Err((problem, words)) => return Err(self.refuse("auth", words, problem)),
        };
        self.check_access(access, skew_secs, &user)?;
        Ok(user)
    }

    /// Returns the name of an authorizer, as it may be shown.
    fn name_of(&self, authorizer: &Rc<Authorizer>) -> &'w str {
        let Self { known, .. } = *self;
        let index = known.config.authorizers.iter().position(|one| Rc::ptr_eq(one, authorizer));
        index.and_then(|index| known.authorizers.get(index)).map_or("", String::as_str)
    }

    /// Returns the owner of an API key, if its record is in the config.
    fn key(&mut self, authorizer: &Rc<Authorizer>, keys: &ApiKeys, key: &str) -> Result<User, (Problem, String)> {
        let name = self.name_of(authorizer);
        let refused = |error: TokenError| {
            let words = format!("\"{name}\" refuses the API key: {error}");
            (Problem::from(error), words)
        };
        check_key_form(key, &keys.prefix).map_err(|error| refused(error.into()))?;
        let digest = key_digest(key);
        let Some(record) = listed_key(keys, &digest) else {
            let Some(kv) = &keys.kv else { return Err(refused(KeyError::Unknown.into())) };
            self.is_token_open = true;
            let words = format!(
                "the record {digest} in the KV namespace {kv} decides; if it is there and valid, the request goes on"
            );
            self.steps.push(Step::new("auth", StepOutcome::Unknown, words).with("authorizer", name));
            return Ok(User::Unknown);
        };
        let claims = VerifiedClaims::of_api_key(&digest, Rc::clone(record));
        check_key(&claims, self.now, self.request.from()).map_err(refused)?;
        let words = format!("the API key is accepted by \"{name}\": {}", claims.text("sub").unwrap_or_default());
        self.steps.push(Step::new("auth", StepOutcome::Passed, words).with("authorizer", name));
        Ok(User::Token(claims))
    }

    /// Returns the user of a token, by what the checks of `token explain` find.
    fn token(
        &mut self,
        access: &Access,
        authorizer: &Rc<Authorizer>,
        token: &str,
        proof: Option<&GivenProof>,
    ) -> Result<User, (Problem, String)> {
        let Self { known, .. } = *self;
        let name = self.name_of(authorizer);
        let explanation = (self.check)(name, token, proof, access.dpop.as_ref());
        let asked = known.config.introspections.iter().any(|(client, introspection)| {
            Rc::ptr_eq(&client.authorizer, authorizer) && crate::token::is_asked_about(introspection.asked, token)
        });
        if !asked && known.config.takes_id_tokens(authorizer) {
            let problem = Problem::from(TokenError::Claim(ClaimError::ONLY_SESSIONS));
            return Err((problem, "the authorizer has no \"audience\" that tells access tokens from ID tokens, so only sessions open the path".to_owned()));
        }
        let claims = explanation.claims.clone().map(VerifiedClaims::assumed);
        match explanation.verdict() {
            Verdict::Refused(error) => {
                let is_it = |check: &&Check| matches!(&check.outcome, explain::Outcome::Fail(other) if other == error);
                let check = explanation.checks.iter().find(is_it);
                // The error itself would show what is expected, which may be a secret.
                let words = check.map(|check| {
                    format!(
                        "\"{name}\" refuses the token: {} is {}, expected {}",
                        check.name, check.found, check.expected
                    )
                });
                let words = words.unwrap_or_default();
                return Err((Problem::from(error.clone()), words));
            }
            Verdict::Accepted => {
                let subject = claims.as_ref().and_then(|claims| claims.text("sub")).unwrap_or("nobody that it names");
                let once = if proof.is_some() { "; its proof fits, unless it was used before" } else { "" };
                let words = format!("the token is accepted by \"{name}\": {subject}{once}");
                self.steps.push(Step::new("auth", StepOutcome::Passed, words).with("authorizer", name));
            }
            Verdict::Undecided if asked => {
                self.is_token_open = true;
                let words = "the gateway asks the provider about this token, and this command sends it nowhere; if the provider calls it active, the request goes on";
                self.steps.push(Step::new("auth", StepOutcome::Unknown, words).with("authorizer", name));
            }
            Verdict::Undecided => {
                self.is_token_open = true;
                let skipped = explanation.checks.iter().filter_map(|check| match &check.outcome {
                    explain::Outcome::Skip(reason) => Some((&*check.name, reason)),
                    _ => None,
                });
                let skipped: Vec<_> = skipped.collect();
                let names: Vec<_> = skipped.iter().map(|(name, _)| *name).collect();
                let why = skipped.first().map(|(_, reason)| reason.as_str()).unwrap_or_default();
                let words = if names.contains(&"signature") {
                    format!("the signature was not checked ({why}); if the token is genuine, the request goes on")
                } else {
                    format!("not checked: {} ({why}); if that is right, the request goes on", names.join(", "))
                };
                let step = Step::new("auth", StepOutcome::Unknown, words).with("authorizer", name);
                self.steps.push(step.with("unchecked", names));
            }
        }
        Ok(claims.map_or(User::Unknown, User::Token))
    }

    /// Returns the user of a session, as far as a request shows it.
    fn session(&mut self, path: &'w Path) -> Result<User, (Problem, String)> {
        let Self { known, request, .. } = *self;
        let Some(session) = &known.config.session else {
            return Err((Problem::TokenMissing, "no bearer token; the config has no sessions".to_owned()));
        };
        let cookie = presented(request, &session.rules.cookie, request.is_plain_loopback()).cookie();
        let cookie = cookie.map_err(|problem| {
            let reason = problem.reason().unwrap_or_default().into_owned();
            (problem, format!("the session: {reason}"))
        })?;
        let plain = presented(request, &session.rules.cookie, true);
        if cookie.is_none() && !request.is_scheme_known() && !matches!(plain, Presented::Absent) {
            let words = "whether this is the session's cookie is not known: it is for a gateway on this machine by plain http; give the whole URL";
            self.step(StepOutcome::Unknown, "auth", words);
            return Ok(User::Session);
        }
        if cookie.is_none() {
            return Err((Problem::TokenMissing, "neither a bearer token nor the cookie of a session".to_owned()));
        }
        self.check_csrf(path).map_err(|problem| (problem, String::new()))?;
        let access = path.access.as_ref();
        let ended = Problem::SessionExpired("it has ended".into());
        let is_optional = access.is_some_and(|access| access.requirements.optional);
        let end = if is_optional {
            "the request goes on without a user (\"optional\")"
        } else if login_redirect(&ended, request, &session.login_path, None).is_some() {
            "302 to the login"
        } else {
            "401 session_expired"
        };
        let words = format!(
            "the session's state decides: while it lasts, the request goes on with its token; if it has ended, {end}"
        );
        self.step(StepOutcome::Unknown, "auth", words);
        Ok(User::Session)
    }

    fn check_csrf(&mut self, path: &'w Path) -> Result<(), Problem> {
        let Self { known, request, .. } = *self;
        let kind = RequestKind::of(request);
        let cors = path.cors.as_ref().or(known.config.cors.as_ref());
        let what = match kind {
            RequestKind::Safe => {
                let words = format!("{} changes nothing, so any page may cause it", request.method());
                self.step(StepOutcome::Passed, "csrf", words);
                return Ok(());
            }
            RequestKind::Unsafe => request.method(),
            RequestKind::WebSocket => "a WebSocket",
        };
        if is_from_own_pages(request, request.url(), cors, kind) {
            self.step(
                StepOutcome::Passed,
                "csrf",
                format!("{what} with the session's cookie comes from a page that may send it"),
            );
            return Ok(());
        }
        if let Some(reason) = self.unknown_page(path) {
            self.step(StepOutcome::Unknown, "csrf", format!("{what}: {reason}"));
            return Ok(());
        }
        let words = format!(
            "{what} with the session's cookie has neither Sec-Fetch-Site: same-origin nor an Origin that the gateway has or lists: another site may have caused it"
        );
        Err(self.refuse("csrf", words, Problem::CsrfRejected))
    }

    /// Returns why it is not known whether the request is from a page that may act in a user's name.
    pub(super) fn unknown_page(&self, path: &Path) -> Option<String> {
        let origin = self.request.header("origin")?;
        let place = if path.cors.is_some() { self.place("cors") } else { "cors".to_owned() };
        let own = || {
            let is_unknown = !self.request.is_host_known();
            is_unknown.then(|| format!("whether {origin} is the gateway's own is not known: give the whole URL"))
        };
        self.unknown_at(&place).or_else(own)
    }

    fn check_access(&mut self, access: &Access, skew_secs: i64, user: &User) -> Result<(), Problem> {
        let needed = &access.requirements;
        if asks_nothing(needed) {
            self.step(StepOutcome::Skipped, "access", "the path asks for no scope, permission or claim");
            return Ok(());
        }
        let shown = self.shown_requirements();
        let details = shown.map(requirements).unwrap_or_default();
        let Some(claims) = user.claims() else {
            let words = format!("the token's claims are not known here; it needs {}", needs(shown.unwrap_or(needed)));
            self.steps.push(Step::new("access", StepOutcome::Unknown, words).with("needed", details));
            return Ok(());
        };
        let unknown = self.unknown_at(&self.place("auth"));
        // Made-up values are not what a claim is compared with.
        let known = if unknown.is_some() { self.known_requirements(needed) } else { needed.clone() };
        if missing_access(claims, &known).is_some() {
            let reason = missing(claims, &known, shown.unwrap_or(&known));
            let path = self.index.and_then(|index| self.known.config.paths.get(index));
            let held = path.and_then(|path| path.protected_resource.as_deref());
            let held = held.map(|resource| held_scopes(claims, resource.scopes(), &known)).unwrap_or_default();
            return Err(self.refuse("access", reason.clone(), Problem::InsufficientScope(Box::new([reason, held]))));
        }
        if let Some(required) = &known.authentication {
            let found = Authentication::of(claims);
            let lacks = |required| found.lacks(required, self.now, self.now, skew_secs);
            if lacks(required).is_some() {
                let strength = RequiredAuthentication { max_age: None, ..required.clone() };
                let is_weak = lacks(&strength).is_some();
                let shown = shown.and_then(|shown| shown.authentication.as_ref());
                let reason = lacking(&found, is_weak, shown.unwrap_or(required));
                return Err(self.refuse("access", reason.clone(), Problem::InsufficientAuthentication(reason)));
            }
        }
        let step = match unknown {
            Some(reason) => Step::new("access", StepOutcome::Unknown, format!("what is required: {reason}")),
            None => {
                let words = format!("the token has {}", needs(shown.unwrap_or(needed)));
                Step::new("access", StepOutcome::Passed, words)
            }
        };
        self.steps.push(step.with("needed", details));
        Ok(())
    }

    /// Returns of what is required that which is known here.
    fn known_requirements(&self, needed: &Requirements) -> Requirements {
        let mut known = needed.clone();
        let is_unknown = |key: &str| self.unknown_at(&self.place(&format!("auth.{key}"))).is_some();
        for (key, names) in [
            ("scopes", &mut known.scopes),
            ("any_scopes", &mut known.any_scopes),
            ("permissions", &mut known.permissions),
        ] {
            if is_unknown(key) {
                names.clear();
            }
        }
        if is_unknown("claims") {
            known.claims.clear();
        }
        if is_unknown("acr_values") {
            known.authentication = None;
        }
        known
    }

    /// Returns what the path requires, as it may be shown.
    fn shown_requirements(&self) -> Option<&'w Requirements> {
        let path = self.index.and_then(|index| self.known.shown.paths.get(index))?;
        path.access.as_ref().map(|access| &access.requirements)
    }

    /// Returns the end of a request without a user that is good enough: for a person, the way to the login.
    pub(super) fn or_login(&mut self, access: &Access, problem: Problem) -> Result<Outcome, Problem> {
        let Self { known, request, .. } = *self;
        if known.config.logs_in_elsewhere(access) {
            return Err(problem);
        }
        let needed = self.shown_requirements().unwrap_or(&access.requirements).authentication.as_ref();
        let way = |session: &Rc<Session>| login_redirect(&problem, request, &session.login_path, needed);
        let Some(redirected) = known.config.session.as_ref().and_then(way) else { return Err(problem) };
        if let Some(last) = self.steps.last_mut() {
            last.outcome = StepOutcome::Answered;
            last.words.push_str("; a person who follows a link is sent to the login");
        }
        let headers = self.made(&redirect(redirected.location), Made::Answer);
        let code = Some(problem.code());
        let words = "the login begins, and leads back here".to_owned();
        Ok(Outcome { kind: Kind::Answered, words, answer: Answered { status: Some(302), headers }, code })
    }
}

fn asks_nothing(needed: &Requirements) -> bool {
    let Requirements { scopes, any_scopes, permissions, claims, authentication, optional: _ } = needed;
    scopes.is_empty()
        && any_scopes.is_empty()
        && permissions.is_empty()
        && claims.is_empty()
        && authentication.is_none()
}

/// Returns why claims are not enough for what is `known` to be required, in the words of what is `shown` of it.
fn missing(claims: &VerifiedClaims, known: &Requirements, shown: &Requirements) -> String {
    let lacks = |part: Requirements| missing_access(claims, &part).is_some();
    let first = |names: &[String], shown: &[String], part: fn(Vec<String>) -> Requirements| {
        let lacking = names.iter().zip(shown).find(|(name, _)| lacks(part(vec![(*name).clone()])));
        lacking.map(|(_, shown)| shown.clone())
    };
    if let Some(scope) =
        first(&known.scopes, &shown.scopes, |scopes| Requirements { scopes, ..Requirements::default() })
    {
        return format!("the token has no scope {scope}");
    }
    if lacks(Requirements { any_scopes: known.any_scopes.clone(), ..Requirements::default() }) {
        return format!("the token has none of the scopes {}", shown.any_scopes.join(" "));
    }
    let part = |permissions| Requirements { permissions, ..Requirements::default() };
    if let Some(permission) = first(&known.permissions, &shown.permissions, part) {
        return format!("the token has no permission {permission}");
    }
    let claim = claims.unmet(&known.claims).unwrap_or_default();
    format!("the token's claim {claim} is missing or has another value than the path requires")
}

/// Returns in which way a user was not authenticated as is required.
fn lacking(found: &Authentication, is_weak: bool, required: &RequiredAuthentication) -> String {
    let absent = || "missing or malformed".to_owned();
    if is_weak {
        let acr = found.acr.as_deref().map_or_else(absent, shortened_name);
        return format!("acr is {acr}, expected one of {}", required.acr_values.as_deref().unwrap_or_default());
    }
    let time = found.time.map_or_else(absent, |time| time.to_string());
    let age = required.max_age.as_deref().unwrap_or_default();
    format!("auth_time is {time}, and the path requires a login of the last {age} seconds")
}

/// Returns what a path requires of a token, in words.
fn needs(needed: &Requirements) -> String {
    let list = |what: &str, names: &[String], joint: &str| {
        (!names.is_empty()).then(|| format!("{what} {}", names.join(joint)))
    };
    let claims: Vec<_> = needed.claims.iter().map(|(name, _)| name.clone()).collect();
    let authentication = needed.authentication.as_ref().map(|required| {
        let acr = required.acr_values.as_ref().map(|values| format!("acr {values}"));
        let age = required.max_age.as_ref().map(|secs| format!("a login of the last {secs} seconds"));
        acr.into_iter().chain(age).collect::<Vec<_>>().join(" and ")
    });
    let parts = [
        list("the scopes", &needed.scopes, " "),
        list("one of the scopes", &needed.any_scopes, " "),
        list("the permissions", &needed.permissions, " "),
        list("the claims", &claims, " "),
        authentication,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Returns requirements as JSON.
fn requirements(needed: &Requirements) -> Value {
    json!({
        "scopes": needed.scopes,
        "any_scopes": needed.any_scopes,
        "permissions": needed.permissions,
        "claims": needed.claims.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    })
}
