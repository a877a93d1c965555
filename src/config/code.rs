//! The codes of diagnostics: every kind of mistake in a config, and every warning, each with a sentence.
//!
//! The Worker has only the names of the mistakes that a config by itself can have; the rest is for the command line and the
//! documents.

use std::fmt;

/// How severe a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The config is not used.
    Error,
    /// The config works, and does something that is rarely intended.
    Warning,
}

impl Severity {
    /// Returns its name as it is printed.
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
            $(#[cfg(not(target_os = "unknown"))] #[doc = $refusal_meaning] $refusal,)+
            $(#[cfg(not(target_os = "unknown"))] #[doc = $warning_meaning] $warning,)+
        }

        impl Code {
            /// Returns the name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$mistake => $mistake_name,)+
                    $(#[cfg(not(target_os = "unknown"))] Self::$refusal => $refusal_name,)+
                    $(#[cfg(not(target_os = "unknown"))] Self::$warning => $warning_name,)+
                }
            }

                        /// Returns how severe a diagnostic of this code is.
            pub const fn severity(self) -> Severity {
                match self {
                    $(Self::$mistake)|+ => Severity::Error,
                    #[cfg(not(target_os = "unknown"))]
                    $(Self::$refusal)|+ => Severity::Error,
                    #[cfg(not(target_os = "unknown"))]
                    $(Self::$warning)|+ => Severity::Warning,
                }
            }
        }

        #[cfg(not(target_os = "unknown"))]
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
        AlgorithmMismatch = "algorithm_mismatch": "an algorithm does not fit the keys of its authorizer: HS256 with a JWKS, or another with a shared secret",
        AmbiguousAuthorizers = "ambiguous_authorizers": "nothing tells the tokens or keys of two authorizers apart",
        AuthorizerMissing = "authorizer_missing": "a path needs a token or a provider, and the config has no authorizer for it",
        ClaimWithoutAuth = "claim_without_auth": "a path needs a token, or a claim, the user or the expiry of one, and verifies none",
        CorsAnyOriginWithCredentials = "cors_any_origin_with_credentials": "every site could read answers that belong to one user",
        DuplicateAlias = "duplicate_alias": "two servers or two services have the same name, or two addresses of a server are the same",
        DuplicateKey = "duplicate_key": "an object has a key twice",
        EmptyList = "empty_list": "a list that must name something is empty",
        EmptyValue = "empty_value": "a text that must say something is empty",
        InvalidDomain = "invalid_domain": "a provider's domain is not a host name",
        InvalidHeader = "invalid_header": "a header's value has a character that is not allowed in headers",
        InvalidHost = "invalid_host": "a host is not a name as in addresses, which may have a star as its first label",
        InvalidJson = "invalid_json": "the file is not JSON",
        InvalidJwks = "invalid_jwks": "a JWKS or a private key is malformed, or has no key that can be used",
        InvalidName = "invalid_name": "a name cannot be that of a header, method, media type, scope, cookie, module or parameter",
        InvalidNetwork = "invalid_network": "an entry of `ip` is neither an address nor a network",
        InvalidOrigin = "invalid_origin": "an origin has more or less than scheme, host and port",
        InvalidPath = "invalid_path": "a path, or a prefix of one, does not match any request or can be read in two ways",
        InvalidProblemPage = "invalid_problem_page": "people might not see `problem_page`: it is not an open path with `GET` and its own answer",
        InvalidSessionsPath = "invalid_sessions_path": "a path with `sessions` is not guarded, or its method or its parameters do not fit",
        InvalidUrl = "invalid_url": "an address is not absolute, is not http or https, or leads to a place that is not allowed",
        MalformedReference = "malformed_reference": "a text that begins like a reference to a variable or a secret names none",
        MissingBinding = "missing_binding": "a variable, a secret or a binding is missing, is empty or is not a text",
        MissingKey = "missing_key": "an object lacks a key that it needs",
        MissingLogin = "missing_login": "a session needs a path at which logins begin: there is none, or `login_path` does not name one",
        NoAnswer = "no_answer": "a path has neither an integration nor a response",
        PrivateCache = "private_cache": "an answer that depends on the user would be stored for everyone",
        RouteConflict = "route_conflict": "two paths match the same requests, and nothing decides between them",
        SessionMissing = "session_missing": "a path begins or ends sessions, or an upstream gets tokens of them, and the config has no `session`",
        TwoAnswers = "two_answers": "a path has an integration and a response",
        TwoAuthorizers = "two_authorizers": "the config has `authorizer` and `authorizers`",
        TwoKeySources = "two_key_sources": "an authorizer has more than one source of keys",
        UnknownAlias = "unknown_alias": "a text of a mapping begins with `$` and does not name a source",
        UnknownAuthorizer = "unknown_authorizer": "no authorizer has this name",
        UnknownKey = "unknown_key": "an object has a key that nothing reads",
        UnknownServer = "unknown_server": "no server has this name",
        UnknownService = "unknown_service": "no service has this name",
        UnknownValue = "unknown_value": "a text is not among the values of this key",
        UnknownVariable = "unknown_variable": "no variable, and no parameter of the path, has this name",
        UnusedKey = "unused_key": "a key has no effect beside the others",
        WeakSecret = "weak_secret": "a secret can be guessed",
        WrongType = "wrong_type": "a value is of another type, or a number is out of range",
    }
    mistakes_of_the_deployment {
        BindingMismatch = "binding_mismatch": "`wrangler.toml` declares a rate limit with another period, or a Durable Object with another class, than the config needs",
        MissingModule = "missing_module": "the file of a module does not exist",
        WranglerRefuses = "wrangler_refuses": "wrangler would not run or deploy with its configuration",
    }
    warnings {
        AudienceMissing = "audience_missing": "paths need tokens of an Auth0 authorizer without an `audience`: Auth0 then issues no access token that can be checked",
        AuthOnLogin = "auth_on_login": "a path of a login or a refresh needs a token, which its callers do not have yet",
        CallbackElsewhere = "callback_elsewhere": "a login or a callback has another host than the address to which the provider redirects browsers, or a path of another host takes its requests",
        CallbackMissing = "callback_missing": "no callback path at the `redirect_uri` begins a session",
        CorsAnyOrigin = "cors_any_origin": "every site may read answers",
        CorsStar = "cors_star": "a star in an origin admits everyone who can get a name there, or lets such pages read with the user's cookies",
        CredentialExposed = "credential_exposed": "an API key reaches an upstream by a mapping, or requests are counted by a credential",
        CrossingRoutes = "crossing_routes": "two paths match the same requests, neither contains the other, and the one that takes them requires less",
        HeaderAsNote = "header_as_note": "a key of your own (`x-…`) has the name of a header, and is not sent",
        IgnoredLine = "ignored_line": "a line of a file of variables is not a variable",
        IgnoredVariable = "ignored_variable": "`wrangler dev` ignores a name in a file of variables, because of `wrangler.toml`",
        McpTokenPassthrough = "mcp_token_passthrough": "an MCP server gets the access tokens of its clients",
        MethodFallthrough = "method_fallthrough": "a method of a path goes to a wildcard that requires less",
        OfflineAccessMissing = "offline_access_missing": "logins request no refresh token, and a path or a session needs one",
        OptionalBindingMissing = "optional_binding_missing": "`wrangler.toml` lacks a binding that is optional, but whose absence has a cost",
        PlainHttpUpstream = "plain_http_upstream": "an upstream is called without encryption",
        RefreshByGet = "refresh_by_get": "a refresh answers GET, which browsers, caches and link previews repeat",
        ResourceMismatch = "resource_mismatch": "logins, or clients by the metadata, request tokens for a `resource`, and no authorizer has it as its `audience`",
        ResourceWithoutIssuer = "resource_without_issuer": "the metadata of a resource names no issuer, because only API keys open it",
        SecretExposed = "secret_exposed": "a secret reaches an answer, or an upstream",
        SecretImportable = "secret_importable": "modules of `services/` and packages that they import can read every secret, even if nobody passes it to them",
        SecretInVars = "secret_in_vars": "a secret is under `[vars]` of `wrangler.toml`",
        SharedOrigin = "shared_origin": "pages of an upstream have the origin of `authorization_server`, which asks people there",
        ShortClientSecret = "short_client_secret": "login states are sealed with a secret that can be guessed",
        SymmetricAlgorithm = "symmetric_algorithm": "tokens are signed with a shared secret: everyone who checks them can also sign them",
        TemplateInText = "template_in_text": "a text contains something like a reference or a template, and is sent unchanged",
        TokenRouteAnyOrigin = "token_route_any_origin": "a path hands out tokens, and every site may read its answers",
        TokensBesideSession = "tokens_beside_session": "a session keeps tokens from pages, but a path hands them out",
        UnauthenticatedRoute = "unauthenticated_route": "a path is open below one that needs a token",
        UndeclaredVariable = "undeclared_variable": "no file has a variable that may be set elsewhere",
        UnexchangeableKey = "unexchangeable_key": "a path takes API keys, and its server gets tokens in exchange for those of callers",
        UnlikelyIssuer = "unlikely_issuer": "no token has such an issuer",
        UnreachableRoute = "unreachable_route": "no request reaches a path",
        UnshownAuthentication = "unshown_authentication": "a path requires an authentication that no token of its authorizer, or no login of the session, can show",
        UnshownProof = "unshown_proof": "a path requires proofs of possession, and no credential that opens it comes with one",
        UnusableMethod = "unusable_method": "a step of a login has a method by which no request reaches it",
        UnusedAuthorizationServer = "unused_authorization_server": "no metadata of a resource names `authorization_server`",
        UnusedAuthorizer = "unused_authorizer": "no path requires tokens of an authorizer",
        UnusedBinding = "unused_binding": "nothing in the config uses what `wrangler.toml` or a file of variables declares",
        UnusedMapping = "unused_mapping": "a path maps headers or a query and calls nothing that would get them",
        UnusedServer = "unused_server": "no path goes to a server or service",
        UnusedTarget = "unused_target": "a path says what the tokens of sessions are for, and no session opens it",
        UnusedVariable = "unused_variable": "no mapping uses a variable",
        ValueMissing = "value_missing": "a variable or a secret has no value in the files beside the config",
    }
}

#[cfg(not(target_os = "unknown"))]
impl Code {
    /// Returns the warning of a name.
    pub fn warning(name: &str) -> Option<Self> {
        Self::WARNINGS.iter().copied().find(|code| code.as_str() == name)
    }

    /// Checks whether a config by itself never gets the warning, because it is about what the deployment declares.
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
