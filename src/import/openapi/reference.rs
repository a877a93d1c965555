//! Follows `$ref` within the description, and nowhere else.

use crate::authoring::Json;

/// The longest chain of references; a longer one is a circle.
const STEPS_MAX: usize = 32;

/// Why a reference cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The reason, as a predicate of what refers.
    pub reason: String,
    /// Whether the target is outside the description.
    pub is_elsewhere: bool,
}

/// Returns a node, or what it refers to.
///
/// # Errors
/// A reference to something outside the description, to nothing, or in a circle.
pub fn follow<'d>(description: &'d Json, node: &'d Json) -> Result<&'d Json, Lost> {
    let lost = |reason: String, is_elsewhere| Lost { reason, is_elsewhere };
    let mut node = node;
    for _ in 0..STEPS_MAX {
        let Some(reference) = node.text("$ref") else { return Ok(node) };
        let Some(pointer) = reference.strip_prefix('#') else {
            return Err(lost(format!("refers to \"{reference}\", which is not in this description"), true));
        };
        node = find(description, pointer)
            .ok_or_else(|| lost(format!("refers to \"{reference}\", which does not exist"), false))?;
    }
    Err(lost("refers to itself".to_owned(), false))
}

/// Returns the target of a JSON pointer (RFC 6901 section 6, as a fragment) points at.
fn find<'d>(description: &'d Json, pointer: &str) -> Option<&'d Json> {
    let Some(rest) = pointer.strip_prefix('/') else { return pointer.is_empty().then_some(description) };
    rest.split('/').try_fold(description, |node, token| {
        let key = percent_decoded(token)?.replace("~1", "/").replace("~0", "~");
        node.get(&key).or_else(|| node.items().get(key.parse::<usize>().ok()?))
    })
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            decoded.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_references_are_followed_and_no_others() {
        let source = r##"{
            "paths": {"/a/{b}": {"$ref": "#/components/pathItems/x"}, "/é": {"v": 2}},
            "components": {"pathItems": {"x": {"v": 1}, "loop": {"$ref": "#/components/pathItems/loop"}}},
            "list": [{"v": 3}]
        }"##;
        let description: Json = serde_json::from_str(source).unwrap();
        let value = |reference: &str| {
            let node = Json::object([("$ref", reference.into())]);
            follow(&description, &node).map(|found| found.get("v").cloned())
        };
        let number = |text: &str| Ok(Some(Json::Number(text.to_owned())));
        assert_eq!(value("#/components/pathItems/x"), number("1"));
        assert_eq!(value("#/paths/~1a~1{b}"), number("1"), "from one to the next");
        assert_eq!(value("#/paths/~1a~1%7Bb%7D"), number("1"), "encoded as an address has it");
        assert_eq!(value("#/paths/~1%C3%A9"), number("2"));
        assert_eq!(value("#/list/0"), number("3"));
        for (reference, reason) in [
            ("other.yaml#/x", "not in this description"),
            ("https://example.com/a", "not in this description"),
            ("#/nothing", "does not exist"),
            ("#/list/1", "does not exist"),
            ("#/%zz", "does not exist"),
            ("#components", "does not exist"),
            ("#/components/pathItems/loop", "refers to itself"),
        ] {
            let lost = value(reference).unwrap_err();
            assert!(lost.reason.contains(reason), "{reference}: {lost:?}");
            assert_eq!(lost.is_elsewhere, reason.ends_with("description"), "{reference}");
        }
    }
}
