//! An OpenAPI description: the config that is made of it lets nobody in whom it keeps out.

use bargate::config::{Binding, Bindings, Integration, Reference, load};
use bargate::import::{Imported, Wishes, import_openapi};
use bargate::review::review;
use serde_json::Value;

use super::text::text;

/// Has one value for all that a config refers to.
struct OneValue;

impl Bindings for OneValue {
    fn look_up(&self, _: &Reference) -> Binding {
        Binding::Value("https://a.example".to_owned())
    }
}

/// A config that is made passes the review, and no path of it is open if the description asks for a token everywhere.
pub fn check(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    let wishes =
        Wishes::new(Some("https://upstream.example"), None, Some("tenant.eu.auth0.com")).expect("they are sound");
    let Ok(Imported::Config { config, .. }) = import_openapi(text, &wishes, "openapi.json") else { return };
    assert!(bargate::review::is_valid(&review(&config)), "{config}");
    let Ok(loaded) = load(&config, &OneValue) else { return };
    let asks_everywhere = serde_json::from_str(text).is_ok_and(|description| asks_everywhere(&description));
    for path in &loaded.paths {
        let is_open = path.access.is_none() && matches!(path.integration, Integration::HttpProxy { .. });
        assert!(!is_open || !asks_everywhere, "{config}");
    }
}

/// Checks whether every operation of a description asks for something: the top does, and nothing below says otherwise.
fn asks_everywhere(description: &Value) -> bool {
    let Some(Value::Array(alternatives)) = description.get("security") else { return false };
    let asks = |alternative: &Value| alternative.as_object().is_some_and(|schemes| !schemes.is_empty());
    let mut below = description.as_object().into_iter().flatten().filter(|(name, _)| *name != "security");
    !alternatives.is_empty() && alternatives.iter().all(asks) && !below.any(|(_, value)| says(value, "security"))
}

/// Checks whether an object within a value has a member of this name.
fn says(value: &Value, name: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| says(item, name)),
        Value::Object(members) => members.iter().any(|(own, value)| own == name || says(value, name)),
        _ => false,
    }
}
