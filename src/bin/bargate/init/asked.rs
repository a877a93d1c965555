//! What a starting point depends on, and so is asked for.

/// Where `wrangler dev` listens unless it is told otherwise, as wrangler.toml has it.
pub const DEFAULT_PORT: u16 = 8787;

/// Who holds the tokens of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Mode {
    /// The gateway; the browser has a cookie. Right for most.
    Session,
    /// The page itself. For a page on another site, or a client that is no browser.
    Tokens,
}

/// An answer that is a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// The tenant's domain or issuer.
    Tenant,
    /// The API's identifier.
    Audience,
    /// The API's address.
    Upstream,
}
