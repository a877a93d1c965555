//! Where a value stands in the config.

use std::fmt;

use super::key::Key;

/// A place in the document, such as `paths[2].integration`.
#[derive(Clone, Copy)]
pub enum Place<'p> {
    /// The document itself.
    Root,
    /// A member of an object.
    Key(&'p Place<'p>, &'p str),
    /// An item of an array.
    Index(&'p Place<'p>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Root => Ok(()),
            Place::Key(Place::Root, key) => f.write_str(key),
            Place::Key(parent, key) => write!(f, "{parent}.{key}"),
            Place::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

impl<S> Key<S> {
    /// Returns the place of its value in an object at `parent`.
    pub const fn at<'p>(&self, parent: &'p Place<'p>) -> Place<'p> {
        Place::Key(parent, self.name)
    }
}
