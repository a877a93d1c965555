//! A built-in config in the form that the gateway starts from.
//!
//! The build has checked the config. What is left to do at each start is kept small: routes that differ only in method,
//! host and path are one entry of `paths`, and which request takes which of them is said by lines that are already sorted. So a
//! start reads what the config says, and not how often it says so.
//!
//! It is read by the rules of every config, and its references are resolved as in any. A form that another build wrote is not read.

use crate::route::PreparedRoutes;

/// What the form begins with. Its number is that of the form: a build that writes another one counts up.
pub(crate) const BEGINNING: &str = concat!("bargate ", env!("CARGO_PKG_VERSION"), " prepared 1 ");

/// A config in this form.
pub struct Prepared<'p> {
    /// The config, with the first of all entries that differ only in method, host and path.
    pub config: &'p str,
    /// The routes of all entries, each with the index of its first.
    pub routes: PreparedRoutes<&'p str>,
}

impl<'p> Prepared<'p> {
    /// Parses the form; `None` if the text has another, or was cut.
    pub fn parse(text: &'p str) -> Option<Self> {
        let (lengths, parts) = text.strip_prefix(BEGINNING)?.split_once('\n')?;
        let (config, routes) = lengths.split_once(' ')?;
        let (config, parts) = parts.split_at_checked(config.parse().ok()?)?;
        let (written, folded) = parts.split_at_checked(routes.parse().ok()?)?;
        Some(Self { config, routes: PreparedRoutes { written, folded } })
    }
}
