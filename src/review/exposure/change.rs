//! The difference between two configs, and what it exposes.

use std::fmt;

use crate::review::outline::OutlinedRoute;

/// The difference between two configs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The routes that differ, in the order of path and method.
    pub changes: Vec<Change>,
    /// The names of the sections that differ, apart from `paths`.
    pub sections: Vec<String>,
    /// What the change of these sections exposes.
    pub exposures: Vec<Exposure>,
}

impl Comparison {
    /// Checks whether anything is exposed.
    pub fn exposes(&self) -> bool {
        !self.exposures.is_empty() || self.changes.iter().any(|change| !change.exposures.is_empty())
    }

    /// Returns in a line each what is exposed, by route and then by section.
    #[cfg(test)]
    pub fn lines(&self) -> Vec<String> {
        let of_routes = self.changes.iter().flat_map(|change| &change.exposures);
        of_routes.chain(&self.exposures).map(ToString::to_string).collect()
    }
}

/// A difference between the routes of two configs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Method and path, such as `GET /orders/{id}`.
    pub route: String,
    /// The route before; `None` if it is added.
    pub before: Option<OutlinedRoute>,
    /// The route afterwards; `None` if it is removed.
    pub after: Option<OutlinedRoute>,
    /// The keys of its entry in `paths` that differ, if both configs have it.
    pub keys: Vec<String>,
    /// What it exposes.
    pub exposures: Vec<Exposure>,
}

/// A way in which a change lets more requests in, or sends secrets to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exposure {
    /// A public path is added.
    NewPublicPath,
    /// The path required a token, and no longer does.
    AuthenticationLost,
    /// The path admits requests without credentials.
    AuthenticationOptional,
    /// Another authorizer verifies the tokens.
    AuthorizerChanged {
        /// Its name before.
        before: String,
        /// Its name afterwards.
        after: String,
    },
    /// The path no longer requires a scope, permission or claim.
    RequirementLost(String),
    /// The path takes requests of another route, which required more.
    Bypass {
        /// The other route.
        route: String,
    },
    /// The path loses a rule, such as a rate limit.
    RuleLost(String),
    /// The path is removed, and its requests go to another that requires less.
    TakenOver {
        /// The route that takes them.
        route: String,
        /// What it does not require.
        loss: Box<Exposure>,
    },
    /// Another upstream or function answers, and gets the requests with their tokens.
    Answered {
        /// What answered before.
        before: String,
        /// What answers afterwards.
        after: String,
    },
    /// Another value of a key exposes something.
    Setting {
        /// The config path of the key; relative to the path, if it is a path's.
        place: String,
        /// What it exposes.
        what: String,
    },
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewPublicPath => f.write_str("a public path appears"),
            Self::AuthenticationLost => f.write_str("no longer requires authentication"),
            Self::AuthenticationOptional => f.write_str("lets requests without a token through"),
            Self::AuthorizerChanged { before, after } => {
                write!(f, "accepts tokens of {after:?} instead of {before:?}")
            }
            Self::RequirementLost(what) => write!(f, "no longer requires {what}"),
            Self::Bypass { route } => write!(f, "takes requests of {route}, which required more"),
            Self::RuleLost(rule) => write!(f, "loses {rule}"),
            Self::TakenOver { route, loss } => write!(f, "{loss}, because {route} takes its requests"),
            Self::Answered { before, after } => write!(f, "is answered by {after} instead of {before}"),
            Self::Setting { place, what } => write!(f, "{place}: {what}"),
        }
    }
}
