//! A config and a route of it, as what they mean.

use std::sync::LazyLock;

use serde_json::Value;

use super::meaning::{Meaning, Object};
use crate::review::outline::{Outline, OutlinedRoute, Requirement};
use crate::route::RouteSpec;

/// A config with what it means.
pub struct Config {
    /// Its routes.
    pub outline: Outline,
    /// The rest.
    pub meaning: Meaning,
}

impl Config {
    /// Reads a config.
    pub fn of(source: &str) -> Self {
        Self { outline: Outline::of(source), meaning: Meaning::of(source) }
    }

    /// Returns a route with its entry in `paths`.
    pub fn side<'c>(&'c self, route: &'c OutlinedRoute) -> Side<'c> {
        static NOTHING: LazyLock<Object> = LazyLock::new(Object::new);
        let path = route.index.and_then(|index| self.meaning.paths.get(index));
        Side { meaning: &self.meaning, route, path: path.unwrap_or(&NOTHING) }
    }
}

/// A route of one of the configs.
#[derive(Clone, Copy)]
pub struct Side<'c> {
    /// What its config means.
    pub meaning: &'c Meaning,
    /// The route.
    pub route: &'c OutlinedRoute,
    /// Its entry.
    pub path: &'c Object,
}

impl Side<'_> {
    /// Returns what it asks of requests.
    pub fn requirement(&self) -> Option<&Requirement> {
        self.route.requirement.as_ref()
    }

    /// Returns its integration; of an answer that stands at the path, an object without keys.
    pub fn integration(&self) -> Object {
        self.path.get("integration").and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// Returns the type of its integration in its one spelling.
    pub fn kind(&self) -> String {
        let kind = self.path.get("integration").and_then(|integration| integration.get("type")?.as_str());
        kind.unwrap_or(&self.route.integration).to_owned()
    }
}

/// Names a route.
pub fn shown(spec: &RouteSpec) -> String {
    format!("{} {}", spec.method, spec.pattern)
}
