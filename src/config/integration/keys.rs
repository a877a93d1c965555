//! The keys of integrations, by their types.

use std::ops::RangeInclusive;

#[cfg(not(target_os = "unknown"))]
use crate::config::grammar::{Change, Section, Shape, Union};
use crate::config::key::{Choice, Key, declare::choice};
use crate::config::section::section;

/// A type of integration.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    HttpProxy,
    ServiceBinding,
    Service,
    Static,
    Redirect,
    Health,
    Login,
    Callback,
    Userinfo,
    Refresh,
    Revocation,
    Logout,
    BackchannelLogout,
    FrontchannelLogout,
    Sessions,
    Supabase(SupabaseStep),
}

impl Kind {
    /// Checks whether it is a step of a login at a provider.
    pub(crate) fn needs_provider(self) -> bool {
        match self {
            Self::Login
            | Self::Callback
            | Self::Userinfo
            | Self::Refresh
            | Self::Revocation
            | Self::Logout
            | Self::BackchannelLogout
            | Self::FrontchannelLogout
            | Self::Sessions => true,
            Self::HttpProxy
            | Self::ServiceBinding
            | Self::Service
            | Self::Static
            | Self::Redirect
            | Self::Health
            | Self::Supabase(_) => false,
        }
    }

    /// Returns its name, of several the one that the reference has.
    #[cfg(not(target_os = "unknown"))]
    pub(crate) fn name(self) -> &'static str {
        names_of(|kind| kind == self).into_iter().find(|name| *name != HTTP_PROXY_SHORT).unwrap_or_default()
    }
}

/// The short name of `http_proxy`.
const HTTP_PROXY_SHORT: &str = "http";

/// Every type by its name.
pub(crate) const KINDS: [(&str, Kind); 28] = [
    (HTTP_PROXY_SHORT, Kind::HttpProxy),
    ("http_proxy", Kind::HttpProxy),
    ("service_binding", Kind::ServiceBinding),
    ("service", Kind::Service),
    ("static", Kind::Static),
    ("redirect", Kind::Redirect),
    ("health", Kind::Health),
    ("sessions", Kind::Sessions),
    ("auth0_login", Kind::Login),
    ("auth0_callback_redirect", Kind::Login),
    ("auth0_callback", Kind::Callback),
    ("auth0_userinfo", Kind::Userinfo),
    ("auth0_refresh", Kind::Refresh),
    ("auth0_revocation", Kind::Revocation),
    ("auth0_logout", Kind::Logout),
    ("auth0_backchannel_logout", Kind::BackchannelLogout),
    ("auth0_frontchannel_logout", Kind::FrontchannelLogout),
    ("oidc_login", Kind::Login),
    ("oidc_callback", Kind::Callback),
    ("oidc_userinfo", Kind::Userinfo),
    ("oidc_refresh", Kind::Refresh),
    ("oidc_revocation", Kind::Revocation),
    ("oidc_logout", Kind::Logout),
    ("oidc_backchannel_logout", Kind::BackchannelLogout),
    ("oidc_frontchannel_logout", Kind::FrontchannelLogout),
    ("supabase_passwordless_auth", Kind::Supabase(SupabaseStep::Send)),
    ("supabase_passwordless_auth_alt", Kind::Supabase(SupabaseStep::SendEmail)),
    ("supabase_passwordless_verify", Kind::Supabase(SupabaseStep::Verify)),
];

/// A step of a login by one-time password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SupabaseStep {
    /// Sends a password to an email address or a phone.
    Send,
    /// Sends a password to an email address.
    SendEmail,
    /// Returns tokens for a password.
    Verify,
}

/// How a callback hands over the tokens, by name.
pub(crate) const RESPONSE_KINDS: [(&str, ResponseKind); 3] =
    [("json", ResponseKind::Json), ("web_message", ResponseKind::WebMessage), ("session", ResponseKind::Session)];

/// How a callback hands over the tokens.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum ResponseKind {
    Json,
    WebMessage,
    Session,
}

/// Statuses whose answers have no body (RFC 9110 section 6.4.1).
pub(crate) const BODILESS: [u32; 3] = [204, 205, 304];

/// Statuses of redirects (RFC 9110 section 15.4).
pub(crate) const REDIRECTS: [u32; 5] = [301, 302, 303, 307, 308];

/// The redirect unless the config says otherwise.
pub(crate) const REDIRECT_DEFAULT: u32 = 302;

/// Statuses of answers that end a request.
pub(crate) const STATUSES: RangeInclusive<u32> = 200..=599;

/// The status unless the config says otherwise.
pub(crate) const STATUS_DEFAULT: u32 = 200;

/// The type of an integration.
pub(crate) const TYPE: Key<Choice<Kind>> = choice("type", &KINDS).required();

/// The keys of an integration of type `http_proxy`.
pub(crate) mod http_proxy {
    use super::*;

    section! {
        of_kind(
            "integration_http_proxy",
            Kind::HttpProxy,
            "Forwards the request, streaming, to an upstream. What it says of `audience`, `resource` and `scope` takes the \
             place of what the server says.",
        )
            .condition(crate::config::token_target::scope_condition())
            .example(
                r#"{
                        "servers": [{ "alias": "api", "url": "$env.API_URL" }],
                        "paths": [{ "method": "ANY", "path": "/api/{.+}", "integration": { "type": "http_proxy", "server": "api" } }]
                    }"#,
            );

        SERVER: Text = text("server", Any).required(), Elsewhere,
            "The alias of the upstream, of those in `servers`.",
            example("api");
        STRIP_PREFIX: Text = text("strip_prefix", Prefix),
            Different("strips another prefix, so the upstream gets other paths"),
            "The prefix that is removed from the path: its first segments, all literal. An empty text removes nothing.",
            default_words("all before a wildcard, if that is all literal, else nothing"), example("/api");
        CLOSE_AT_EXPIRY: Boolean = boolean("close_at_expiry"), Off("leaves sockets open when a token expires"),
            "Closes a WebSocket with code 4401, and breaks off the body of an answer, when its token expires or its \
             session ends. The path needs `auth`.",
            example(true);
        ..crate::config::token_target::entries();
    }
}

/// The keys of an integration of type `service`.
pub(crate) mod service {
    use super::*;

    section! {
        of_kind(
            "integration_service",
            Kind::Service,
            "A JavaScript module that is deployed with the gateway answers.",
        );

        BINDING: Text = text("binding", Any).required(), Elsewhere,
            "The alias of the module, of those in `services`.",
            example("greeting");
    }
}

/// The keys of an integration of type `service_binding`.
pub(crate) mod service_binding {
    use super::*;

    section! {
        of_kind(
            "integration_service_binding",
            Kind::ServiceBinding,
            "Another Worker answers: its `fetch`, or the given function.",
        )
            .example(
                r#"{
                        "services": [{ "alias": "greeting", "entrypoint": "services/greeting" }],
                        "serviceBindings": [{ "alias": "orders", "binding": "ORDERS" }],
                        "paths": [
                            { "method": "GET", "path": "/greeting", "integration": { "type": "service", "binding": "greeting" } },
                            {
                                "method": "GET",
                                "path": "/orders",
                                "integration": { "type": "service_binding", "binding": "orders", "function": "list" }
                            }
                        ]
                    }"#,
            );

        BINDING: Text = text("binding", Any).required(), Elsewhere,
            "The alias of the Worker, of those in `serviceBindings`.",
            example("orders");
        FUNCTION: Text = text("function", Function), Different("calls another function"),
            "The method of its entry point that is called.",
            default_words("`fetch`"), example("list");
    }
}

/// The keys of an integration of type `auth0_login`.
pub(crate) mod login {
    use super::*;

    section! {
        of_kind(
            "integration_login",
            Kind::Login,
            "Redirects the browser to the provider's login. The authorizer needs `client_secret` or `sealing_key`.",
        )
            .example(
                r#"{
                        "authorizer": {
                            "type": "auth0",
                            "domain": "$env.AUTH0_DOMAIN",
                            "client_id": "$env.AUTH0_CLIENT_ID",
                            "client_secret": "$secret.AUTH0_CLIENT_SECRET",
                            "redirect_uri": "https://gateway.example.com/callback",
                            "scope": "openid profile email offline_access"
                        },
                        "paths": [
                            { "method": "GET", "path": "/login", "integration": { "type": "auth0_login", "return_to": ["https://app.example.com"] } },
                            {
                                "method": "GET",
                                "path": "/callback",
                                "integration": { "type": "auth0_callback", "response": "web_message", "target_origin": "https://app.example.com" }
                            },
                            { "method": "POST", "path": "/refresh", "integration": { "type": "auth0_refresh" } }
                        ]
                    }"#,
            );

        REDIRECT_URI: Text = text("redirect_uri", RedirectUri), Different("sends authorization codes to another address"),
            "The callback's public address, if it differs from the authorizer's. A login and its callback need the same \
             one.",
            default_words("the authorizer's"), example("https://gateway.example.com/callback");
        RETURN_TO: Texts = texts("return_to", Origin), Wider("lets logins return to"),
            "Origins that a login may return to, besides the gateway's own and the session's.",
            example(list!["https://app.example.com"]);
    }
}

/// The keys of an integration of type `auth0_callback`.
pub(crate) mod callback {
    use super::*;

    section! {
        of_kind(
            "integration_callback",
            Kind::Callback,
            "Receives the browser after the provider's login, and hands over the tokens.",
        )
            .condition(object! {
                "if": having(&RESPONSE, object! { "enum": ways(true) }),
                "then": having(&TARGET_ORIGIN, object! { "type": "string" }),
            })
            .condition(object! {
                "if": with(&RESPONSE, object! { "enum": ways(false) }),
                "then": with(&TARGET_ORIGIN, absent("This has an effect only with \"response\": \"web_message\".")),
            });

        RESPONSE: Choice<ResponseKind> = choice("response", &RESPONSE_KINDS),
            Handover("hands out what a login brings in another way", RESPONSE.name_of(ResponseKind::Session)),
            "How: `session` sets the session's cookie and redirects, `json` answers with the tokens, and `web_message` \
             with a page that posts them to the window that opened it.",
            default_words("`session` if the config has one, else `json`"), example("web_message");
        TARGET_ORIGIN: Text = text("target_origin", Origin), Destination("hands tokens to another origin"),
            "The one origin that may receive a web message. Only with `\"response\": \"web_message\"`, and required there.",
            example("https://app.example.com");
        REDIRECT_URI: Text = text("redirect_uri", RedirectUri), Different("sends authorization codes to another address"),
            "The callback's public address, if it differs from the authorizer's. A login and its callback need the same \
             one.",
            default_words("the authorizer's"), example("https://gateway.example.com/callback");
        POST_PROCESS: Value = value("post_process"), Rule,
            "A function of another Worker that is called when the gateway has the tokens. See \
             [post_process](#pre_process-and-post_process).",
            shape(Shape::Section("rpc")), example(object! { "binding": "audit", "function": "loggedIn" });
    }
}

/// Where the profile of a session's user is from, by name.
pub(crate) const PROFILE_SOURCES: [(&str, ProfileSource); 3] =
    [("userinfo", ProfileSource::Userinfo), ("id_token", ProfileSource::IdToken), ("both", ProfileSource::Both)];

/// Where the profile of a session's user is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileSource {
    /// From the userinfo endpoint.
    Userinfo,
    /// From the claims of the ID token.
    IdToken,
    /// From both; the userinfo endpoint takes precedence.
    Both,
}

/// The keys of an integration of type `auth0_userinfo`.
pub(crate) mod userinfo {
    use super::*;

    section! {
        of_kind(
            "integration_userinfo",
            Kind::Userinfo,
            "Answers with the profile of the token's or session's owner.",
        );

        SOURCE: Choice<ProfileSource> = choice("source", &PROFILE_SOURCES),
            Different("shows what another source says of the user"),
            "Where the profile of a session's user is from: the provider's `userinfo` endpoint, the claims of the \
             session's `id_token`, or `both`, of which userinfo takes precedence. `id_token` is for a provider that does not \
             accept the access token of an API at its userinfo endpoint. The others need `session`; a request with a bearer \
             token always gets what userinfo says.",
            default("userinfo"), example("id_token");
    }
}

/// The keys of an integration of type `auth0_refresh`.
pub(crate) mod refresh {
    use super::*;

    section! {
        of_kind(
            "integration_refresh",
            Kind::Refresh,
            "Exchanges a refresh token for an access token: for that of the login, or for one of the APIs in `apis` that the \
             request names. For a session, says for how many seconds its access token is valid, and renews it if that is due.",
        )
            .example(
                r#"{
                        "authorizers": {
                            "shop": {
                                "type": "auth0",
                                "domain": "$env.AUTH0_DOMAIN",
                                "client_id": "$env.AUTH0_CLIENT_ID",
                                "client_secret": "$secret.AUTH0_CLIENT_SECRET",
                                "audience": "https://shop.example.com",
                                "redirect_uri": "https://gateway.example.com/callback",
                                "scope": "openid profile email offline_access"
                            },
                            "orders": {
                                "type": "auth0",
                                "domain": "$env.AUTH0_DOMAIN",
                                "client_id": "$env.AUTH0_CLIENT_ID",
                                "audience": "https://orders.example.com"
                            }
                        },
                        "servers": [{ "alias": "orders", "url": "$env.ORDERS_URL" }],
                        "paths": [
                            { "method": "GET", "path": "/login", "integration": { "type": "auth0_login" } },
                            { "method": "GET", "path": "/callback", "integration": { "type": "auth0_callback" } },
                            {
                                "method": "POST",
                                "path": "/refresh",
                                "integration": {
                                    "type": "auth0_refresh",
                                    "apis": [{ "audience": "https://orders.example.com", "scope": "read:orders" }]
                                }
                            },
                            { "method": "ANY", "path": "/orders/{.+}", "auth": "orders", "integration": { "type": "http_proxy", "server": "orders" } }
                        ]
                    }"#,
            );

        APIS: Value = value("apis"), Wider("lets clients have tokens for"),
            "The APIs that a client may request access tokens for, besides that of the login. A request names one by its \
             `audience` or `resource`; of several with that, by its `scope`. The Worker needs `REFRESH_EXCHANGES` for it. See \
             [Tokens for several APIs](refresh.md#tokens-for-several-apis).",
            shape(Shape::list(Shape::Section("api"))),
            default_words("none"),
            example(list![object! { "audience": "https://orders.example.com", "scope": "read:orders" }]);
    }

    /// An entry of `apis`.
    pub(crate) mod api {
        #[cfg(not(target_os = "unknown"))]
        use super::*;

        /// Returns its description.
        #[cfg(not(target_os = "unknown"))]
        pub(crate) fn section() -> Section {
            let about = "An API that a client of the refresh path may request tokens for.";
            let mut section =
                Section::new("api", "api", about).condition(crate::config::token_target::named_condition());
            section.extend(crate::config::token_target::entries_of_api());
            section
        }
    }
}

/// The keys of an integration of type `supabase`.
pub(crate) mod supabase {
    use super::*;

    /// The beginning of the names of its types.
    pub(crate) const PREFIX: &str = "supabase_";

    /// Keys, and the bindings that they come from if an integration does not have them itself.
    pub(crate) const BINDINGS: [(&str, &str); 2] =
        [(URL.name, "$env.SUPABASE_URL"), (KEY.name, "$secret.SUPABASE_SERVICE_ROLE_KEY")];

    section! {
        of_kind(
            "integration_supabase",
            Kind::Supabase(SupabaseStep::Send),
            "A step of a login by one-time password at Supabase. `supabase_passwordless_auth` (body `{\"email\"}` or \
             `{\"phone\"}`) and `supabase_passwordless_auth_alt` (`{\"email\"}`) send a password; \
             `supabase_passwordless_verify` (`{\"email\"}` or `{\"phone\"}`, and `\"token\"`) answers with Supabase's \
             session.",
        )
            .example(
                r#"{
                        "paths": [
                            { "method": "POST", "path": "/otp", "integration": { "type": "supabase_passwordless_auth" } },
                            { "method": "POST", "path": "/verify", "integration": { "type": "supabase_passwordless_verify" } }
                        ]
                    }"#,
            );

        URL: Text = text("url", ProjectUrl), Different("sends passwords to another address"),
            "The address of the project, an https URL without a query.",
            default(BINDINGS[0].1), example("https://project.supabase.co");
        KEY: Text = text("key", NotEmpty), Hidden("shows another key"),
            "The project's key for servers, usually by reference.",
            default(BINDINGS[1].1), example("$secret.SUPABASE_KEY");
    }
}

/// The keys of an integration of type `static`.
pub(crate) mod fixed {
    use super::*;

    section! {
        of_kind(
            "integration_static",
            Kind::Static,
            "A fixed answer.",
        )
            .condition(object! {
                "if": having(&STATUS, object! { "enum": BODILESS.as_slice() }),
                "then": with(&BODY, absent("An answer of this status has no body.")),
            })
            .example(
                r#"{
                        "paths": [
                            {
                                "method": "GET",
                                "path": "/robots.txt",
                                "integration": { "type": "static", "body": "User-agent: *\nDisallow: /", "headers": { "cache-control": "max-age=3600" } }
                            }
                        ]
                    }"#,
            );

        STATUS: Integer = integer("status", STATUSES, STATUS_DEFAULT),
            Harmless("the response is in the config, whatever its status"),
            "Its status.",
            example(404_u32);
        HEADERS: Value = value("headers"), Headers,
            "Names of headers, and their texts.",
            shape(Shape::headers(Shape::Text(Form::HeaderValue))), example(object! { "content-type": "text/html" });
        BODY: Value = value("body"), Answer,
            "Its body: a text is sent as `text/plain; charset=utf-8`, any other JSON as `application/json`. Statuses \
             204, 205 and 304 have none.",
            example("Not here.");
    }
}

/// The keys of an integration of type `redirect`.
pub(crate) mod redirect {
    use super::*;

    section! {
        of_kind(
            "integration_redirect",
            Kind::Redirect,
            "A redirect. `{name}` and `{.+}` in its address are the path's own parameters, as the client sent them. \
             They come after the host, so no client chooses the host. In a query, each stays one value.",
        )
            .example(
                r#"{
                        "paths": [
                            { "method": "GET", "path": "/old/{id}", "integration": { "type": "redirect", "status": 301, "location": "/new/{id}" } }
                        ]
                    }"#,
            );

        LOCATION: Text = text("location", Location).required(), Location("leads to another site"),
            "Where it leads: a path or a URL, such as `/new/{id}?from=old` or `https://new.example.com/{.+}`.",
            example("/new/{id}");
        STATUS: OneOf = one_of("status", &REDIRECTS, REDIRECT_DEFAULT), KeepsBody,
            "Its status.",
            example(301_u32);
    }
}

/// The keys of an integration of type `health`.
pub(crate) mod health {
    use super::*;

    section! {
        of_kind(
            "integration_health",
            Kind::Health,
            "Answers 200 with the state of config and keys, or 503 if an authorizer has no keys to verify tokens with. See \
             [Is it up?](operating.md#is-it-up)",
        );

        CHECK_OBJECTS: Boolean = boolean("check_objects"), On("tells everyone whether Durable Objects answer"),
            "Asks an object of each class that is bound, too: at most once in 10 seconds for each isolate, however often the path is \
             called. The answer is 503 if one does not answer within 3 seconds.",
            example(true);
    }
}

/// Returns the description of integrations.
#[cfg(not(target_os = "unknown"))]
pub(crate) fn union() -> Union {
    let about = "What answers a path. Its `type` says which other keys it has; names that begin with `auth0_` and \
    `oidc_` mean the same, and both work for either provider.\n\n\
                 Leave `auth` off login, callback, refresh and the logout paths: with it, a refresh would be refused as soon as the \
                 access token has expired, and a logout as soon as the session has ended.";
    let revocation = "Revokes the refresh token of a client, and what has taken its place (RFC 7009). The Worker needs `REFRESH_EXCHANGES` \
    for it. See [Revocation](refresh.md#revocation).";
    let logout = "Ends the session here and at the provider. The config needs `session`.";
    let backchannel =
        "Lets the provider end sessions (OpenID Connect Back-Channel Logout). The config needs `session`.";
    let frontchannel = "Lets a page of the provider end the browser's session (OpenID Connect Front-Channel Logout). The \
    config needs `session`.";
    let sessions = "Lists the sessions of the caller with GET, and ends them with DELETE; with `{sub}` in the path, those of any user, \
    and then `auth` needs scopes, permissions or claims. With `{id}`, DELETE ends one. The config needs `session`.";
    Union {
        name: "integration",
        title: "integration",
        about: about.to_owned(),
        sections: vec![
            http_proxy::section(),
            service::section(),
            service_binding::section(),
            fixed::section(),
            redirect::section(),
            health::section(),
            login::section(),
            callback::section(),
            userinfo::section(),
            refresh::section(),
            of_kind("integration_revocation", Kind::Revocation, revocation),
            of_kind("integration_logout", Kind::Logout, logout),
            of_kind("integration_backchannel_logout", Kind::BackchannelLogout, backchannel),
            of_kind("integration_frontchannel_logout", Kind::FrontchannelLogout, frontchannel),
            of_kind("integration_sessions", Kind::Sessions, sessions),
            supabase::section(),
        ],
    }
}

/// Returns the names of the types that `belongs` selects.
#[cfg(not(target_os = "unknown"))]
pub(crate) fn names_of(belongs: impl Fn(Kind) -> bool) -> Vec<&'static str> {
    KINDS.into_iter().filter(|(_, kind)| belongs(*kind)).map(|(name, _)| name).collect()
}

/// Begins the section of one type.
#[cfg(not(target_os = "unknown"))]
fn of_kind(name: &'static str, of: Kind, about: &str) -> Section {
    let names = names_of(|kind| std::mem::discriminant(&kind) == std::mem::discriminant(&of));
    let kind = TYPE.entry(Change::Elsewhere, about).shape(Shape::Exactly(names)).example(of.name());
    Section::new(name, format!("integration: {}", of.name()), about).key(kind)
}

/// Returns the names of the ways of a callback to hand over tokens: by a web message, or by anything else.
#[cfg(not(target_os = "unknown"))]
fn ways(by_message: bool) -> Vec<&'static str> {
    let ways = RESPONSE_KINDS.into_iter().filter(|(_, kind)| (*kind == ResponseKind::WebMessage) == by_message);
    ways.map(|(name, _)| name).collect()
}
