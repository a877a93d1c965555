//! The codes of diagnostics: every kind of mistake in a config, and every warning, with a sentence of it.
//!
//! The Worker knows the names of the mistakes that a config by itself can have; all else is for the command line and the documents.

use std::fmt;

/// How much a diagnostic weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The config is not used.
    Error,
    /// The config works, and does what few people mean.
    Warning,
}

impl Severity {
    /// Names it as it is printed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Declares the codes by their names, each with what it says.
macro_rules! codes {
    (
        mistakes { $($mistake:ident = $mistake_name:literal: $mistake_meaning:literal,)+ }
        mistakes_of_the_deployment { $($refusal:ident = $refusal_name:literal: $refusal_meaning:literal,)+ }
        warnings { $($warning:ident = $warning_name:literal: $warning_meaning:literal,)+ }
    ) => {
        /// The stable name of a kind of diagnostic.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $mistake_meaning] $mistake,)+
            $(#[cfg(not(target_arch = "wasm32"))] #[doc = $refusal_meaning] $refusal,)+
            $(#[cfg(not(target_arch = "wasm32"))] #[doc = $warning_meaning] $warning,)+
        }

        impl Code {
            /// Returns the name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$mistake => $mistake_name,)+
                    $(#[cfg(not(target_arch = "wasm32"))] Self::$refusal => $refusal_name,)+
                    $(#[cfg(not(target_arch = "wasm32"))] Self::$warning => $warning_name,)+
                }
            }

            /// Returns how much a diagnostic of this code weighs.
            pub const fn severity(self) -> Severity {
                match self {
                    $(Self::$mistake)|+ => Severity::Error,
                    #[cfg(not(target_arch = "wasm32"))]
                    $(Self::$refusal)|+ => Severity::Error,
                    #[cfg(not(target_arch = "wasm32"))]
                    $(Self::$warning)|+ => Severity::Warning,
                }
            }
        }

        #[cfg(not(target_arch = "wasm32"))]
        impl Code {
            /// The mistakes that a config can have, in the order of the alphabet.
            pub const MISTAKES: &[Self] = &[$(Self::$mistake,)+];

            /// The mistakes that only a deployment can have.
            pub const MISTAKES_OF_DEPLOYMENT: &[Self] = &[$(Self::$refusal,)+];

            /// The warnings, in the order of the alphabet.
            pub const WARNINGS: &[Self] = &[$(Self::$warning,)+];

            /// Returns what the code says, as a clause.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$mistake => $mistake_meaning,)+
                    $(Self::$refusal => $refusal_meaning,)+
                    $(Self::$warning => $warning_meaning,)+
                }
            }
        }
    };
}

codes! {
    mistakes {
        AlgorithmMismatch = "algorithm_mismatch": "an algorithm does not go with the keys of its authorizer: a key set with HS256, or a shared secret with another",
        AuthorizerMissing = "authorizer_missing": "a path needs a token or a provider, and no authorizer says whose",
        ClaimWithoutAuth = "claim_without_auth": "a path takes a claim, a user or an end from a token, and verifies none",
        CorsAnyOriginWithCredentials = "cors_any_origin_with_credentials": "every site could read answers that belong to one user",
        DuplicateAlias = "duplicate_alias": "two servers or two services have one name",
        DuplicateKey = "duplicate_key": "an object has a key twice",
        EmptyList = "empty_list": "a list that must name something is empty",
        EmptyValue = "empty_value": "a text that must say something is empty",
        InvalidDomain = "invalid_domain": "a provider's domain is not a host name",
        InvalidHeader = "invalid_header": "a header's value has a character that no header may have",
        InvalidJson = "invalid_json": "the file is not JSON",
        InvalidJwks = "invalid_jwks": "a key set is malformed, or has no key to verify with",
        InvalidName = "invalid_name": "a name cannot be that of a header, method, media type, scope, cookie, module or parameter",
        InvalidNetwork = "invalid_network": "an entry of `ip` is neither an address nor a network",
        InvalidOrigin = "invalid_origin": "an origin has more or less than scheme, host and port",
        InvalidPath = "invalid_path": "a path, or a prefix of one, does not match any request or can be read in two ways",
        InvalidProblemPage = "invalid_problem_page": "people could not see `problem_page` in each case",
        InvalidUrl = "invalid_url": "an address is not absolute, is not http or https, or leads to where it may not",
        MalformedReference = "malformed_reference": "a text that begins like a reference to a variable or a secret names none",
        MissingBinding = "missing_binding": "a variable, a secret or a binding is missing, is empty or is not a text",
        MissingKey = "missing_key": "an object lacks a key that it needs",
        MissingLogin = "missing_login": "a session needs a path at which logins begin, and there is none, or `login_path` names another",
        NoAnswer = "no_answer": "a path has neither an integration nor a response",
        PrivateCache = "private_cache": "an answer that depends on who asks would be kept for everyone",
        RouteConflict = "route_conflict": "two paths match the same requests, and nothing decides between them",
        SessionMissing = "session_missing": "a path begins or ends sessions, and the config has no `session`",
        TwoAnswers = "two_answers": "a path has an integration and a response",
        TwoAuthorizers = "two_authorizers": "the config has `authorizer` and `authorizers`",
        TwoKeySources = "two_key_sources": "an authorizer has more than one source of keys",
        UnknownAlias = "unknown_alias": "a text of a mapping begins with `$` and does not name a source",
        UnknownAuthorizer = "unknown_authorizer": "no authorizer has this name",
        UnknownKey = "unknown_key": "an object has a key that nothing reads",
        UnknownServer = "unknown_server": "no server has this name",
        UnknownService = "unknown_service": "no service has this name",
        UnknownValue = "unknown_value": "a text is not among the values that this key takes",
        UnknownVariable = "unknown_variable": "no variable has this name",
        UnusedKey = "unused_key": "a key has no effect beside the others",
        WeakSecret = "weak_secret": "a secret can be found by trying",
        WrongType = "wrong_type": "a value is of another type, or a number is out of range",
    }
    mistakes_of_the_deployment {
        BindingMismatch = "binding_mismatch": "`wrangler.toml` declares a rate limit with another period, or a Durable Object with another class",
        MissingModule = "missing_module": "the file of a module is not there",
        WranglerRefuses = "wrangler_refuses": "wrangler would not run or deploy with its configuration",
    }
    warnings {
        AudienceMissing = "audience_missing": "paths need tokens of an Auth0 authorizer without an `audience`, for which Auth0 issues none that can be checked",
        AuthOnLogin = "auth_on_login": "a path of a login or of a refresh needs the token that it is there to get",
        CallbackMissing = "callback_missing": "no path makes a session of a login where the provider leads to",
        CorsAnyOrigin = "cors_any_origin": "every site may read answers",
        CorsStar = "cors_star": "a star in an origin lets in whoever gets a name there, or lets its pages read as the user",
        CrossingRoutes = "crossing_routes": "two paths match the same requests, neither within the other, and the one that takes them asks for less",
        HeaderAsNote = "header_as_note": "a key of the user's own has the name of a header, and is not sent",
        IgnoredLine = "ignored_line": "a line of a file of variables is no variable",
        IgnoredVariable = "ignored_variable": "`wrangler dev` does not read a name in a file of variables, since `wrangler.toml` says otherwise",
        MethodFallthrough = "method_fallthrough": "a method of a path goes to a wildcard that asks for less",
        OfflineAccessMissing = "offline_access_missing": "logins ask for no refresh token, and a path or a session needs one",
        OptionalBindingMissing = "optional_binding_missing": "`wrangler.toml` lacks a binding that the gateway can do without, at a price",
        PlainHttpUpstream = "plain_http_upstream": "an upstream is called without encryption",
        RefreshByGet = "refresh_by_get": "a refresh answers GET, which browsers, caches and link previews repeat",
        ResourceMismatch = "resource_mismatch": "clients are told to ask for tokens for a `resource` that is no authorizer's `audience`",
        SecretExposed = "secret_exposed": "a secret reaches an answer, or an upstream",
        SecretImportable = "secret_importable": "modules of `services/` and what they import can read every secret without being handed it",
        SecretInVars = "secret_in_vars": "a secret stands under `[vars]` of `wrangler.toml`",
        ShortClientSecret = "short_client_secret": "login states are sealed with a secret that can be found by trying",
        SymmetricAlgorithm = "symmetric_algorithm": "tokens are signed with a secret that whoever checks them could sign with as well",
        TemplateInText = "template_in_text": "a text holds what looks like a reference or a template, and is sent as it stands",
        TokenRouteAnyOrigin = "token_route_any_origin": "a path hands out tokens, and every site may read its answers",
        TokensBesideSession = "tokens_beside_session": "a session keeps tokens from pages, and a path hands them out all the same",
        UnauthenticatedRoute = "unauthenticated_route": "a path is open below one that needs a token",
        UndeclaredVariable = "undeclared_variable": "no file has a variable that may be set elsewhere",
        UnlikelyIssuer = "unlikely_issuer": "no token has such an issuer",
        UnreachableRoute = "unreachable_route": "no request comes to a path",
        UnusableMethod = "unusable_method": "a step of a login has a method by which nobody comes to it",
        UnusedAuthorizer = "unused_authorizer": "no path asks for tokens of an authorizer",
        UnusedBinding = "unused_binding": "nothing in the config uses what `wrangler.toml` or a file of variables declares",
        UnusedMapping = "unused_mapping": "a path maps headers or a query and calls nothing that would get them",
        UnusedServer = "unused_server": "no path goes to a server or service",
        UnusedVariable = "unused_variable": "no mapping takes a variable",
        ValueMissing = "value_missing": "a variable or a secret has no value in the files beside the config",
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Code {
    /// Finds the warning of a name.
    pub fn warning(name: &str) -> Option<Self> {
        Self::WARNINGS.iter().copied().find(|code| code.as_str() == name)
    }

    /// Checks whether a config by itself never gets the warning: it is about what its deployment declares.
    pub const fn is_of_deployment(self) -> bool {
        matches!(
            self,
            Self::IgnoredLine
                | Self::IgnoredVariable
                | Self::OptionalBindingMissing
                | Self::SecretImportable
                | Self::SecretInVars
                | Self::UndeclaredVariable
                | Self::UnusedBinding
                | Self::ValueMissing
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
