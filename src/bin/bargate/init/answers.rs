//! The answers that a starting point is made of. Each is checked by the config that it leads to.

use super::asked::{DEFAULT_PROVIDER, MCP_PROVIDER, check_answer, flag};
use super::questions::Questions;
use crate::failure::Failure;
use bargate::authoring::{Asked, Mode, StartingPoint};

/// The answers of the command line.
#[derive(Default)]
pub struct Given {
    /// `--provider`
    pub provider: Option<String>,
    /// `--mcp`
    pub mcp: bool,
    /// `--tenant`
    pub tenant: Option<String>,
    /// `--audience`
    pub audience: Option<String>,
    /// `--upstream`
    pub upstream: Option<String>,
    /// `--mode`
    pub mode: Option<Mode>,
    /// `--port`
    pub port: Option<u16>,
}

/// All answers, each of which a config may have.
#[derive(Debug, PartialEq, Eq)]
pub struct Answers {
    /// The config that they are for.
    pub point: StartingPoint,
    /// The tenant's domain or issuer.
    pub tenant: Option<String>,
    /// The API's identifier.
    pub audience: Option<String>,
    /// The API's address.
    pub upstream: Option<String>,
    /// The port on which the gateway listens in local runs.
    pub port: u16,
}

impl Answers {
    /// Takes the answers of the command line, and asks for the rest.
    ///
    /// # Errors
    /// Every answer that is wrong, or that is missing and cannot be asked for, by its flag.
    pub fn complete(given: Given, questions: &mut dyn Questions) -> Result<Self, Failure> {
        let provider = match given.provider {
            Some(provider) => provider,
            None if given.mcp => MCP_PROVIDER.to_owned(),
            None if given.tenant.is_some() => DEFAULT_PROVIDER.to_owned(),
            None => questions.provider()?,
        };
        let points = StartingPoint::of(&provider).filter(|point| point.is_for_mcp() == given.mcp);
        let points: Vec<_> = points.collect();
        // The configs of a provider have the same questions.
        let Some(&first) = points.first() else {
            if given.mcp && StartingPoint::of(&provider).next().is_some() {
                let has_one = |name: &&str| StartingPoint::of(name).any(|point| point.is_for_mcp());
                let known: Vec<_> = StartingPoint::providers().filter(has_one).collect();
                let reason = format!(
                    "--mcp: there is no such config for {provider}; begin with --provider {MCP_PROVIDER}, or take one of: {}",
                    known.join(", ")
                );
                return Err(Failure::new(reason));
            }
            return Err(Failure::new(format!("--provider {provider:?}: no such provider")));
        };
        let of_mode = |mode| points.iter().copied().find(|point| point.mode() == Some(mode));
        let flags =
            [(Asked::Tenant, &given.tenant), (Asked::Audience, &given.audience), (Asked::Upstream, &given.upstream)];
        let mut wrong = Vec::new();
        let mut missing = Vec::new();
        for (asked, given) in flags {
            match given {
                None if first.variable(asked).is_some() => missing.push(flag(asked)),
                None => {}
                Some(answer) => {
                    if let Err(reason) = check_answer(asked, first, answer) {
                        wrong.push(format!("{} {answer:?}: {reason}", flag(asked)));
                    }
                }
            }
        }
        match given.mode {
            Some(mode) if of_mode(mode).is_none() => {
                let instead = "leave it out, or begin with --provider oidc";
                wrong.push(format!("--mode: there is no such config for {provider}; {instead}"));
            }
            None if points.len() > 1 => missing.push("--mode"),
            Some(_) | None => {}
        }
        if !wrong.is_empty() {
            return Err(Failure::of(wrong));
        }
        if !missing.is_empty() && !questions.can_ask() {
            return Err(Failure::new(format!("missing, and there is no terminal to ask at: {}", missing.join(", "))));
        }
        let mut answer = |asked, given: Option<String>| match given {
            None if first.variable(asked).is_some() => questions.text(asked, first).map(Some),
            given => Ok(given),
        };
        let tenant = answer(Asked::Tenant, given.tenant)?;
        let audience = answer(Asked::Audience, given.audience)?;
        let upstream = answer(Asked::Upstream, given.upstream)?;
        let mode = match given.mode {
            None if points.len() > 1 => Some(questions.mode()?),
            mode => mode,
        };
        let point = mode.and_then(of_mode).unwrap_or(first);
        let port = given.port.map_or_else(|| questions.port(), Ok)?;
        Ok(Self { point, tenant, audience, upstream, port })
    }

    /// Returns the answer to a question; `None` if the config does not depend on it.
    pub fn of(&self, asked: Asked) -> Option<&str> {
        match asked {
            Asked::Tenant => self.tenant.as_deref(),
            Asked::Audience => self.audience.as_deref(),
            Asked::Upstream => self.upstream.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::asked::DEFAULT_PORT;
    use super::super::questions::Nobody;
    use super::*;

    /// Answers as a person would, and records what was asked.
    struct Person(Vec<String>);

    impl Questions for Person {
        fn can_ask(&self) -> bool {
            true
        }
        fn provider(&mut self) -> Result<String, Failure> {
            self.0.push("provider".to_owned());
            Ok("oidc".to_owned())
        }
        fn mode(&mut self) -> Result<Mode, Failure> {
            self.0.push("mode".to_owned());
            Ok(Mode::Tokens)
        }
        fn text(&mut self, asked: Asked, point: StartingPoint) -> Result<String, Failure> {
            self.0.push(format!("{} at {}", flag(asked), point.provider()));
            Ok("https://answer.example".to_owned())
        }
        fn port(&mut self) -> Result<u16, Failure> {
            self.0.push("port".to_owned());
            Ok(8800)
        }
    }

    fn given() -> Given {
        Given {
            provider: None,
            mcp: false,
            tenant: Some("tenant.eu.auth0.com".to_owned()),
            audience: Some("https://api.example.com/".to_owned()),
            upstream: Some("https://upstream.example.com".to_owned()),
            mode: Some(Mode::Session),
            port: None,
        }
    }

    fn reason(given: Given) -> String {
        Answers::complete(given, &mut Nobody).map(|_| String::new()).unwrap_or_else(|failure| failure.to_string())
    }

    #[test]
    fn only_what_no_flag_says_is_asked() {
        let mut person = Person(Vec::new());
        let answers = Answers::complete(Given { upstream: None, mode: None, ..given() }, &mut person).ok().unwrap();
        assert_eq!(person.0, ["--upstream at auth0", "mode", "port"]);
        assert_eq!((answers.point.mode(), answers.port), (Some(Mode::Tokens), 8800));

        let mut person = Person(Vec::new());
        let answers = Answers::complete(Given { port: Some(9000), ..given() }, &mut person).ok().unwrap();
        assert_eq!((person.0, answers.port), (vec![], 9000));

        let mut person = Person(Vec::new());
        let answers = Answers::complete(Given::default(), &mut person).ok().unwrap();
        let asked = ["provider", "--tenant at oidc", "--audience at oidc", "--upstream at oidc", "mode", "port"];
        assert_eq!(person.0, asked);
        assert_eq!(answers.point.provider(), "oidc");

        let mut person = Person(Vec::new());
        let answers = Answers::complete(Given { mcp: true, ..Given::default() }, &mut person).ok().unwrap();
        assert_eq!(person.0, ["--tenant at oidc", "--upstream at oidc", "port"]);
        assert!(answers.point.is_for_mcp());

        let mut person = Person(Vec::new());
        let of_auth0 = Given { mcp: true, provider: Some("auth0".to_owned()), ..Given::default() };
        let answers = Answers::complete(of_auth0, &mut person).ok().unwrap();
        assert_eq!(person.0, ["--tenant at auth0", "--upstream at auth0", "port"]);
        assert_eq!(answers.point.file(), "auth0-mcp");
    }

    #[test]
    fn where_nobody_can_be_asked_every_missing_flag_is_named() {
        assert_eq!(reason(given()), "");
        assert_eq!(Answers::complete(given(), &mut Nobody).ok().unwrap().port, DEFAULT_PORT);
        let missing = reason(Given { tenant: None, mode: None, ..given() });
        assert_eq!(missing, "missing, and there is no terminal to ask at: --tenant, --mode");
    }

    #[test]
    fn a_wrong_answer_is_told_with_its_flag_before_anything_is_asked() {
        let oidc = || Given { provider: Some("oidc".to_owned()), ..given() };
        let tenant = |text: &str| Some(text.to_owned());
        let table = [
            (
                "a URL for a domain",
                Given { tenant: tenant("https://t.eu.auth0.com/"), ..given() },
                "write \"t.eu.auth0.com\"",
            ),
            ("the way to oidc", Given { tenant: tenant("https://id.example.com"), ..given() }, "add --provider oidc"),
            ("a domain for an issuer", Given { tenant: tenant("t.eu.auth0.com"), ..oidc() }, "not an absolute URL"),
            ("an issuer by plain http", Given { tenant: tenant("http://id.example.com"), ..oidc() }, "is plain http"),
            (
                "a reference",
                Given { audience: tenant("$env.AUDIENCE"), ..given() },
                "--audience \"$env.AUDIENCE\": give the value",
            ),
            ("an empty audience", Given { audience: tenant(" "), ..given() }, "--audience \" \": the answer is empty"),
            (
                "a line break",
                Given { audience: tenant("a\nB=c"), ..given() },
                "--audience \"a\\nB=c\": the answer has a quote",
            ),
            (
                "an upstream without a scheme",
                Given { upstream: tenant("localhost"), ..given() },
                "--upstream \"localhost\"",
            ),
            (
                "MCP servers at a provider without",
                Given { mcp: true, provider: tenant("okta"), ..given() },
                "no such config for okta",
            ),
            ("an upstream with a query", Given { upstream: tenant("https://a.example/?b"), ..given() }, "has no query"),
        ];
        for (message, given, expected) in table {
            let reason = reason(given);
            assert!(reason.contains(expected), "{message}: {reason}");
        }
        let both = reason(Given { tenant: tenant("a b"), upstream: tenant("ftp://a"), ..given() });
        assert!(both.contains("--tenant") && both.contains("\n  --upstream"), "both are told: {both}");
    }
}
