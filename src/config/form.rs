//! The forms that strings of a config have.

/// What a string may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(target_os = "unknown", expect(dead_code, reason = "the Worker is told of few forms"))]
pub enum Form {
    /// Any text.
    Any,
    /// Any text, which may speak of references.
    Words,
    /// Any text but the empty one.
    NotEmpty,
    /// A reference to a binding, and nothing else.
    Reference,
    /// An https URL; plain http for loopback hosts.
    HttpsUrl,
    /// The same, or an address of an application's own scheme.
    RedirectUri,
    /// An absolute URI without a fragment.
    Resource,
    /// An https URL without a query.
    ProjectUrl,
    /// The URL of a server: https or http, without a query.
    ServerUrl,
    /// An origin.
    Origin,
    /// An origin, or a star for all.
    OriginOrStar,
    /// The host of an Auth0 tenant.
    Domain,
    /// A host of the gateway's, or one with a star as its first label.
    Host,
    /// The pattern of a path.
    Pattern,
    /// The beginning of a path.
    Prefix,
    /// The address of a redirect.
    Location,
    /// Where a login or a logout leads.
    Destination,
    /// The name of a header that a config may set, as a key.
    HeaderKey,
    /// The same, as a value.
    HeaderName,
    /// The value of a header.
    HeaderValue,
    /// The name of a method or a header, or a star for all.
    Token,
    /// A scope or a permission.
    Scope,
    /// The name of a parameter of a login, as a key.
    Parameter,
    /// A media type.
    MediaType,
    /// An address or a network.
    Network,
    /// The name of the session's cookie.
    Cookie,
    /// The name of a function of another Worker.
    Function,
    /// Where a mapped value comes from.
    Source,
    /// What requests are counted by.
    RateKey,
    /// A secret that tokens are signed with.
    SigningSecret,
    /// The id of a tenant.
    TenantId,
    /// What API keys begin with.
    KeyPrefix,
    /// A SHA-256 in base64url.
    Digest,
    /// A date of RFC 3339.
    Date,
}

#[cfg(not(target_os = "unknown"))]
impl Form {
    /// Every form.
    pub const ALL: [Self; 34] = [
        Self::Any,
        Self::Words,
        Self::NotEmpty,
        Self::Reference,
        Self::HttpsUrl,
        Self::RedirectUri,
        Self::Resource,
        Self::ProjectUrl,
        Self::ServerUrl,
        Self::Origin,
        Self::OriginOrStar,
        Self::Domain,
        Self::Host,
        Self::Pattern,
        Self::Prefix,
        Self::Location,
        Self::Destination,
        Self::HeaderKey,
        Self::HeaderName,
        Self::HeaderValue,
        Self::Token,
        Self::Scope,
        Self::Parameter,
        Self::MediaType,
        Self::Network,
        Self::Cookie,
        Self::Function,
        Self::Source,
        Self::RateKey,
        Self::SigningSecret,
        Self::TenantId,
        Self::KeyPrefix,
        Self::Digest,
        Self::Date,
    ];

    /// Returns its name among the `$defs`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "text",
            Self::Words => "words",
            Self::NotEmpty => "text_not_empty",
            Self::Reference => "reference",
            Self::HttpsUrl => "https_url",
            Self::RedirectUri => "redirect_uri",
            Self::Resource => "resource_uri",
            Self::ProjectUrl => "project_url",
            Self::ServerUrl => "server_url",
            Self::Origin => "origin",
            Self::OriginOrStar => "origin_or_star",
            Self::Domain => "domain",
            Self::Host => "host",
            Self::Pattern => "path_pattern",
            Self::Prefix => "path_prefix",
            Self::Location => "redirect_location",
            Self::Destination => "destination",
            Self::HeaderKey => "header_key",
            Self::HeaderName => "header_name",
            Self::HeaderValue => "header_value",
            Self::Token => "token",
            Self::Scope => "scope",
            Self::Parameter => "login_parameter",
            Self::MediaType => "media_type",
            Self::Network => "network",
            Self::Cookie => "session_cookie",
            Self::Function => "function_name",
            Self::Source => "mapping_source",
            Self::RateKey => "rate_key",
            Self::SigningSecret => "signing_secret",
            Self::TenantId => "tenant_id",
            Self::KeyPrefix => "key_prefix",
            Self::Digest => "digest",
            Self::Date => "date",
        }
    }

    /// Returns how the reference calls it.
    pub fn shown(self) -> &'static str {
        match self {
            Self::Any
            | Self::Words
            | Self::NotEmpty
            | Self::Cookie
            | Self::Function
            | Self::RateKey
            | Self::SigningSecret => "string",
            Self::TenantId => "UUID",
            Self::KeyPrefix => "string",
            Self::Digest => "SHA-256",
            Self::Date => "date",
            Self::Reference => "reference",
            Self::Resource => "URI",
            Self::HttpsUrl | Self::RedirectUri | Self::ProjectUrl | Self::ServerUrl => "URL",
            Self::Origin => "origin",
            Self::OriginOrStar => "origin or `*`",
            Self::Domain | Self::Host => "host",
            Self::Pattern => "path pattern",
            Self::Prefix => "path",
            Self::Location | Self::Destination => "path or URL",
            Self::HeaderKey | Self::HeaderName => "header name",
            Self::HeaderValue => "string",
            Self::Token => "name or `*`",
            Self::Scope | Self::Parameter => "name",
            Self::MediaType => "media type",
            Self::Network => "network",
            Self::Source => "source",
        }
    }

    /// Returns a reference to its entry among the `$defs`.
    pub fn pointer(self) -> String {
        format!("#/$defs/{}", self.name())
    }
}
