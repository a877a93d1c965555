//! What whoever imports a description says over it.

use crate::authoring::Provider;

/// What is to be otherwise than the description says, or where it says nothing.
#[derive(Default)]
pub struct Wishes {
    /// The upstream of every path.
    pub(super) server: Option<String>,
    /// Of which type authorizers are.
    pub(super) provider: Option<Provider>,
    /// Whose tokens are believed.
    pub(super) tenant: Option<(Provider, String)>,
}
