//! The request methods a route can name, the rule a route has for them, and the set for an `Allow` header.
//!
//! It does **not** validate the method of a request: any string may arrive there, and one that is not listed here matches
//! only the routes for `ANY`.

use std::fmt;

/// A request method that a route can name (RFC 9110 section 9.3, RFC 5789 for `PATCH`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `GET`; answers `HEAD` too, if no route does so itself.
    Get,
    /// `HEAD`.
    Head,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
    /// `OPTIONS`.
    Options,
}

impl Method {
    /// Every method that a route can name, in the order in which `Allow` lists them.
    pub const ALL: [Self; 7] = [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options];

    /// Parses a method as it is in a request: upper case, because methods are case-sensitive (RFC 9110 section 9.1).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == text)
    }

    /// Returns the method as it is in a request.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The methods that one route answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MethodRule {
    /// One method, and `HEAD` if that method is `GET`.
    Exact(Method),
    /// Every method, also those that [`Method`] does not name.
    Any,
}

impl MethodRule {
    /// Parses a method of a route: one of [`Method`], or `ANY`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "ANY" { Some(Self::Any) } else { Method::parse(text).map(Self::Exact) }
    }

    /// Checks whether it answers a method; `None` is one that no route can name.
    pub(super) fn answers(self, method: Option<Method>) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(own) => method == Some(own) || method == Some(Method::Head) && own == Method::Get,
        }
    }

    /// Returns the rule as it is in a config.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact(method) => method.as_str(),
            Self::Any => "ANY",
        }
    }
}

impl fmt::Display for MethodRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The methods that a path has, for the `Allow` header of a 405 (RFC 9110 section 10.2.1).
///
/// Its `Display` is the value of that header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allow {
    bits: u8,
}

impl Allow {
    /// Returns what an `ANY` path takes.
    pub fn every() -> Self {
        let mut allow = Self::default();
        allow.insert(MethodRule::Any);
        allow
    }

    /// Adds what a rule answers: `GET` brings `HEAD`, and `ANY` brings every method of [`Method::ALL`].
    pub fn insert(&mut self, rule: MethodRule) {
        match rule {
            MethodRule::Exact(Method::Get) => self.bits |= Method::Get.bit() | Method::Head.bit(),
            MethodRule::Exact(method) => self.bits |= method.bit(),
            MethodRule::Any => Method::ALL.into_iter().for_each(|method| self.bits |= method.bit()),
        }
    }

    /// Checks whether the path has this method.
    #[must_use]
    pub const fn contains(self, method: Method) -> bool {
        self.bits & method.bit() != 0
    }

    /// Checks whether the path has no method at all, which is to say that there is no such path.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// Yields the methods in the order of [`Method::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Method> {
        Method::ALL.into_iter().filter(move |method| self.contains(*method))
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, method) in self.iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            f.write_str(method.as_str())?;
        }
        Ok(())
    }
}
