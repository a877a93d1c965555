//! A config: what is told of it, in every form in which it is printed.

use bargate::config::{Binding, Bindings, Reference, Severity, load};
use bargate::review::{Outline, ReviewedFile, compare, explain_match, github, json, needs, review, text};

/// Answers each reference by the last letter of its name, so that one input sees every kind of answer.
struct AnyBindings;

impl Bindings for AnyBindings {
    fn look_up(&self, reference: &Reference) -> Binding {
        match reference.name.as_bytes().last().map_or(0, |byte| byte % 4) {
            0 => Binding::Missing,
            1 => Binding::Unknown,
            2 => Binding::Value("https://api.example.com".to_owned()),
            _ => Binding::Value(reference.name.clone()),
        }
    }
}

/// No mistake is without a place in the file, and what is loaded has none.
pub fn check(bytes: &[u8]) {
    let Some(source) = super::text::text(bytes) else { return };
    let told = review(source);
    let unmarked = source.strip_prefix('\u{feff}').unwrap_or(source);
    for diagnostic in &told {
        assert!(unmarked.is_char_boundary(diagnostic.offset), "{diagnostic}");
        assert!(diagnostic.line >= 1 && diagnostic.column >= 1, "{diagnostic}");
    }
    // To print all of them would take most of the time.
    let first = told.get(..2).unwrap_or(&told);
    let file = || ReviewedFile { name: "gateway.config.json", text: source, diagnostics: first };
    text(&file(), false);
    json(&[file()]);
    github(&[file()]);
    needs(source);
    let outline = Outline::of(source);
    let itself = compare(source, source);
    assert!(itself.changes.is_empty() && itself.exposures.is_empty(), "a config opens nothing that it had not open");
    let _ = explain_match(&outline, "GET /a/b?c=d");
    let sound = told.iter().all(|diagnostic| diagnostic.code.severity() != Severity::Error);
    if let Ok(config) = load(source, &AnyBindings) {
        assert!(sound || source.contains('$'), "what is loaded has no mistakes");
        let _ = config.routes.find("GET", "", "/a/b");
    }
}
