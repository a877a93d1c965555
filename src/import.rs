//! A config to review, made from a description in another format.
//!
//! What cannot be taken over is told with its place, and the config is never more open than the description. It does **not** read
//! or write files. It is compiled for the host only.

mod document;
mod openapi;

pub use openapi::{Imported, Wishes};

/// Makes a config of the text of an OpenAPI description, JSON or YAML, that is called `name`.
///
/// # Errors
/// Why the text is neither JSON nor YAML, or what is too much about it.
pub fn import_openapi(text: &str, wishes: &Wishes, name: &str) -> Result<Imported, String> {
    Ok(openapi::import(&document::parse(text)?, wishes, name))
}
