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

    /// Returns in words what is exposed, by routes and then by sections.
    #[cfg(test)]
    pub fn told(&self) -> Vec<String> {
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
    /// The keys of its entry in `paths` that differ, where it is on both sides.
    pub keys: Vec<String>,
    /// What it exposes.
    pub exposures: Vec<Exposure>,
}

/// A way in which a change lets more requests in, or sends what is to be kept to somebody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exposure {
    /// A path that is open appears.
    NewPublicPath,
    /// The path asked for a token, and asks for none.
    AuthenticationLost,
    /// The path lets requests without any credential through.
    AuthenticationOptional,
    /// Another authorizer decides.
    AuthorizerChanged {
        /// Its name before.
        before: String,
        /// Its name afterwards.
        after: String,
    },
    /// A scope, permission or claim that was needed is not.
    RequirementLost(String),
    /// Requests that another route took and refused without a token come here and are let through.
    Bypass {
        /// The route that took them.
        route: String,
    },
    /// A rule, such as a rate limit, is gone.
    RuleLost(String),
    /// The path is gone, and its requests go to another that asks less of them.
    TakenOver {
        /// The route that takes them.
        route: String,
        /// What it does not ask for.
        loss: Box<Exposure>,
    },
    /// Something else answers, and gets the requests with their tokens.
    Answered {
        /// What did before.
        before: String,
        /// What does afterwards.
        after: String,
    },
    /// Another value of a key opens something.
    Setting {
        /// Where the key stands, seen from the path where it is a path's.
        place: String,
        /// What it opens.
        what: String,
    },
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewPublicPath => f.write_str("a public path appears"),
            Self::AuthenticationLost => f.write_str("loses authentication"),
            Self::AuthenticationOptional => f.write_str("lets requests without a token through"),
            Self::AuthorizerChanged { before, after } => {
                write!(f, "believes tokens of {after:?} in place of {before:?}")
            }
            Self::RequirementLost(what) => write!(f, "loses {what}"),
            Self::Bypass { route } => write!(f, "lets requests through that {route} asked more of"),
            Self::RuleLost(rule) => write!(f, "loses {rule}"),
            Self::TakenOver { route, loss } => write!(f, "{loss}, since {route} takes its requests"),
            Self::Answered { before, after } => write!(f, "is answered by {after} in place of {before}"),
            Self::Setting { place, what } => write!(f, "{place}: {what}"),
        }
    }
}
