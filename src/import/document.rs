//! Parses the text of a description: JSON, or the part of YAML that JSON can express.
//!
//! YAML aliases are followed, but a file in which they expand to too much is refused. What the tree
//! means is not known here.

use serde_saphyr::options::DuplicateKeyPolicy;

use crate::authoring::Json;

/// Deeper nesting is refused, so that a hostile file cannot exhaust the stack. Schemas nest, so the limit is higher than a
/// config's.
const NESTING_MAX: usize = 128;

/// Stack of the parser, in bytes: each level takes about 20 KB, and the platform's own may be only 1 MiB.
#[cfg(not(target_os = "wasi"))]
const STACK_BYTES: usize = 16 * 1024 * 1024;

/// The most nodes to which all aliases of a file may expand: ten times as many as in the largest public descriptions.
const ALIASED_NODES_MAX: usize = 200_000;

/// The most nodes of a file; files are read up to 25 MiB, and large descriptions take about ten bytes a node.
const NODES_MAX: usize = 4_000_000;

/// Longest excerpt of a parser's message, in characters.
const MESSAGE_MAX_CHARS: usize = 300;

/// Parses a description.
///
/// # Errors
/// Why the text is neither JSON nor YAML, or which limit it exceeds.
pub fn parse(source: &str) -> Result<Json, String> {
    // There are no threads. Compiled for this target a level takes so little that the stack will do: `tests/shell` has the deepest.
    #[cfg(target_os = "wasi")]
    return parse_here(source);
    #[cfg(not(target_os = "wasi"))]
    {
        let parsed = std::thread::scope(|scope| {
            let parser = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, || parse_here(source));
            parser.ok()?.join().ok()
        });
        parsed.unwrap_or_else(|| Err("cannot be parsed here: there is not enough memory".to_owned()))
    }
}

fn parse_here(source: &str) -> Result<Json, String> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    // A text that begins with a brace may still be YAML. If it is neither, it was meant to be JSON.
    if source.trim_start().starts_with('{') {
        return serde_json::from_str(source)
            .or_else(|error| parse_yaml(source).map_err(|_| format!("is not JSON: {error}")));
    }
    parse_yaml(source)
}

fn parse_yaml(source: &str) -> Result<Json, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: NESTING_MAX,
            max_documents: 1,
            max_nodes: NODES_MAX,
            max_events: 2 * NODES_MAX,
            max_recorded_anchor_events: ALIASED_NODES_MAX,
            // Descriptions repeat one example hundreds of times; only the expanded size counts.
            enforce_alias_anchor_ratio: false,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: ALIASED_NODES_MAX,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(source, options).map_err(|error| {
        let message = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
        let message: String = message.chars().filter(|c| !c.is_control()).take(MESSAGE_MAX_CHARS).collect();
        let Some(limit) = message.strip_prefix("budget breached: ") else { return format!("is not YAML: {message}") };
        let place = limit.find(" at line ").and_then(|at| limit.get(at..)).unwrap_or_default();
        match limit.split([' ', '{']).next().unwrap_or_default() {
            "Documents" => format!("has more than one document; a description is only one, and the next begins{place}"),
            "Depth" => format!("is nested more than {NESTING_MAX} levels deep{place}"),
            "Nodes" | "Events" => format!("is too large: it has more than {NODES_MAX} values"),
            _ => format!("is too large, or its aliases expand to too much: {limit}"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_yaml_give_the_same_tree() {
        let json = r#"{"openapi": "3.0.3", "paths": {"/a": {"get": {"responses": {"200": {}}, "x": [null, true, -1, 1.5, "yes"]}}}}"#;
        let yaml = "openapi: 3.0.3\npaths:\n  /a:\n    get:\n      responses:\n        200: {}\n      x:\n      - ~\n      - true\n      - -1\n      - 1.5\n      - yes\n";
        assert_eq!(parse(json), parse(yaml));
        assert_eq!(parse("{a: b}"), Ok(Json::object([("a", "b".into())])), "braces alone make no JSON");
        assert_eq!(parse("\u{feff}a: 3.0"), Ok(Json::object([("a", Json::Number("3.0".to_owned()))])));
    }

    #[test]
    fn anchors_and_merge_keys_are_followed() {
        let tree = parse("base: &base {x: 1}\nuse: *base\nmerged:\n  <<: *base\n  y: 2\n").unwrap();
        assert_eq!(tree.get("use"), tree.get("base"));
        assert_eq!(tree.get("merged").unwrap().members().len(), 2);
        let many = format!("base: &base {{x: 1}}\nuses:\n{}", "- *base\n".repeat(2_000));
        assert_eq!(parse(&many).unwrap().get("uses").unwrap().items().len(), 2_000);
    }

    #[test]
    #[rustfmt::skip] // One row a line.
    fn hostile_texts_are_refused() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = level - 1;
            bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 10].join(", ")));
        }
        let table = [
            ("a bomb of aliases", bomb, "is too large"),
            ("an alias of itself", "a: &a [*a]\n".to_owned(), "is not YAML"),
            ("aliases that nest", (1..5_000).fold("a0: &a0 [x]\n".to_owned(), |text, level| { format!("{text}a{level}: &a{level} [*a{}]\n", level - 1) }), "is nested"),
            ("nesting that ends", format!("a: {}{}", "[".repeat(200), "]".repeat(200)), "is nested more than 128 levels deep at line 1"),
            ("deep flow nesting", format!("a: {}", "[".repeat(100_000)), "is not YAML"),
            ("deep block nesting", (0..2_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(), "is nested"),
            ("deep JSON", format!("{{\"a\": {}", "[".repeat(100_000)), "is not JSON"),
            ("a key twice in YAML", "a: 1\nb: 2\na: 3\n".to_owned(), "is not YAML"),
            ("a key twice in JSON", "{\"a\": 1,\n\"a\": 2}".to_owned(), "is not JSON"),
            ("two documents", "a: 1\n---\nb: 2\n".to_owned(), "has more than one document; a description is only one, and the next begins at line 2"),
            ("a tab", "a:\n\tb: 1".to_owned(), "is not YAML"),
            ("cut off", "{\"a\": ".to_owned(), "is not JSON: EOF"),
        ];
        for (message, source, expected) in table {
            let error = parse(&source).map(|_| ()).unwrap_err();
            assert!(error.starts_with(expected), "{message}: {error}");
            assert!(error.len() < 1_000 && !error.contains(char::is_control), "{message}: {error:?}");
        }
    }
}
