//! What the command line says instead of the description.

use crate::authoring::Provider;

/// Values that replace those of the description, or that it does not have.
#[derive(Default)]
pub struct Wishes {
    /// The upstream of every path.
    pub(super) server: Option<String>,
    /// The type of the authorizers.
    pub(super) provider: Option<Provider>,
    /// Whose tokens are accepted.
    pub(super) tenant: Option<(Provider, String)>,
}
