//! Makes a config to review from a description in another format.
//!
//! It reports what it cannot take over, with its place. The config is never more open than the description. It does **not** read
//! or write files. It is compiled for the host only.

mod document;
mod openapi;

pub use openapi::{Imported, Wishes};

/// Makes a config from the text of an OpenAPI description in JSON or YAML, which is called `name`.
///
/// # Errors
/// Why the text is neither JSON nor YAML, or which limit it exceeds.
pub fn import_openapi(text: &str, wishes: &Wishes, name: &str) -> Result<Imported, String> {
    Ok(openapi::import(&document::parse(text)?, wishes, name))
}
