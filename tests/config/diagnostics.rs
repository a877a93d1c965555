//! What is told of a config that is wrong: `invalid/NAME.json` with its golden text in `invalid/NAME.txt`, and its twin
//! `valid/NAME.json` in which the mistakes are put right; `warned` and `unwarned` are the same for warnings.
//!
//! With `UPDATE_GOLDEN=1` in the environment the texts are written anew; read what changed before it is committed.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use bargate::config::{Code, Diagnostic, Severity, check, load};
use bargate::review::{ReviewedFile, review, text};

use crate::bindings::{FixtureBindings, MARK};

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/configs").join(name)
}

/// Returns the names of the fixtures in a folder, and the text of each.
pub fn fixtures(kind: &str) -> Vec<(String, String)> {
    let files = fs::read_dir(folder(kind)).unwrap().map(|entry| entry.unwrap().path());
    let mut fixtures: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    fixtures.sort();
    assert!(fixtures.len() >= 30, "{} fixtures", fixtures.len());
    fixtures
}

fn mistakes(source: &str) -> Vec<Diagnostic> {
    load(source, &FixtureBindings).err().unwrap_or_default()
}

fn printed(mistakes: &[Diagnostic]) -> String {
    mistakes.iter().map(|mistake| format!("{mistake}\n")).collect()
}

/// Returns what `bargate check` prints of a fixture.
fn rendered(name: &str, source: &str, diagnostics: &[Diagnostic]) -> String {
    text(&ReviewedFile { name: &format!("{name}.json"), text: source, diagnostics }, false)
}

/// Compares what is told of each fixture in a folder with the text beside it.
fn compare_with_golden_texts(kind: &str, tell: impl Fn(&str) -> Vec<Diagnostic>) {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1");
    let mut different = Vec::new();
    for (name, source) in fixtures(kind) {
        let actual = rendered(&name, &source, &tell(&source));
        assert!(!actual.is_empty(), "{name}: nothing is told");
        let path = folder(kind).join(format!("{name}.txt"));
        if update {
            fs::write(&path, &actual).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if actual != expected {
            different.push(format!("== {name}, expected:\n{expected}== found:\n{actual}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn each_invalid_config_is_told_off_in_the_words_of_its_golden_text() {
    compare_with_golden_texts("invalid", mistakes);
}

#[test]
fn each_doubtful_config_is_warned_of_in_the_words_of_its_golden_text() {
    compare_with_golden_texts("warned", review);
}

#[test]
fn each_doubtful_config_has_a_twin_of_which_nothing_is_told() {
    let names = |kind| fixtures(kind).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names("warned"), names("unwarned"));
    for (name, source) in fixtures("unwarned") {
        assert_eq!(printed(&review(&source)), "", "{name}");
    }
}

#[test]
fn every_warning_is_shown_by_a_fixture_and_kept_quiet_by_its_code() {
    let seen: BTreeSet<_> =
        fixtures("warned").iter().flat_map(|(_, source)| review(source)).map(|one| one.code).collect();
    let of_configs = Code::WARNINGS.iter().copied().filter(|code| !code.is_of_deployment());
    let codes: BTreeSet<_> = of_configs.chain([Code::UnknownValue]).collect();
    assert_eq!(seen, codes);
    for (name, source) in fixtures("warned") {
        for warning in review(&source).iter().filter(|diagnostic| diagnostic.code.severity() == Severity::Warning) {
            let allowed = match source.contains("\"allow\"") {
                true => source.replacen("\"allow\": [", &format!("\"allow\": [\"{}\", ", warning.code), 1),
                false => source.replacen('{', &format!("{{\"allow\": [\"{}\"],", warning.code), 1),
            };
            // One file has the code at a path, at which it does not help the section.
            if name == "cors_any_origin_allowed_elsewhere" {
                continue;
            }
            assert!(review(&allowed).iter().all(|diagnostic| diagnostic.code != warning.code), "{name}: {warning}");
        }
    }
}

#[test]
fn each_invalid_config_has_a_valid_twin_that_passes() {
    let names = |kind| fixtures(kind).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    assert_eq!(names("invalid"), names("valid"));
    for (name, source) in fixtures("valid") {
        assert_eq!(printed(&mistakes(&source)), "", "{name}, loaded");
        assert_eq!(printed(&check(&source)), "", "{name}, checked away from its bindings");
    }
}

#[test]
fn configs_of_the_older_gateway_pass_as_they_are() {
    let files = fs::read_dir(folder("older")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|extension| extension == "json")).collect();
    assert!(files.len() >= 9, "{} fixtures", files.len());
    for path in files {
        assert_eq!(printed(&check(&fs::read_to_string(&path).unwrap())), "", "{}", path.display());
    }
}

#[test]
fn every_mistake_is_shown_by_a_fixture() {
    let seen: BTreeSet<_> =
        fixtures("invalid").iter().flat_map(|(_, source)| mistakes(source)).map(|mistake| mistake.code).collect();
    assert_eq!(seen, Code::MISTAKES.iter().copied().collect());
}

#[test]
fn what_is_told_is_in_the_order_of_the_file_and_points_into_it() {
    for (name, source) in fixtures("invalid") {
        let mistakes = mistakes(&source);
        let places: Vec<_> = mistakes.iter().map(|mistake| (mistake.line, mistake.column)).collect();
        assert!(places.is_sorted(), "{name}: {places:?}");
        for mistake in &mistakes {
            let line = source.split('\n').nth(mistake.line - 1).expect("a line of the file");
            let width = line.chars().count();
            assert!((1..=width + 1).contains(&mistake.column), "{name}: {mistake}");
        }
    }
}

#[test]
fn the_place_is_that_of_the_thing_that_the_path_names() {
    // In these files each mistake is a value, and no text stands in them twice.
    for (name, values) in [
        ("servers", &["\"api\"", "\"billling\"", "\"warehouse\""][..]),
        ("cors_credentials", &["\"*\""]),
        ("wrong_number", &["0 }", "1.5", "\"1000\"", "600001", "301", "-1", "1e300", "4294967296"]),
    ] {
        let source = fs::read_to_string(folder("invalid").join(format!("{name}.json"))).unwrap();
        let mistakes = mistakes(&source);
        assert_eq!(mistakes.len(), values.len(), "{name}");
        for (mistake, value) in mistakes.iter().zip(values) {
            let line = source.lines().nth(mistake.line - 1).unwrap();
            let at: String = line.chars().skip(mistake.column - 1).collect();
            assert!(at.starts_with(value), "{name}: {mistake} points at {at}");
        }
    }
}

#[test]
fn line_ends_and_a_byte_order_mark_change_neither_what_is_told_nor_where() {
    for kind in ["invalid", "valid"] {
        for (name, source) in fixtures(kind) {
            let expected = printed(&mistakes(&source));
            let crlf = source.replace('\n', "\r\n");
            for (source, message) in [
                (format!("\u{feff}{source}"), "with a mark"),
                (crlf.clone(), "with CRLF"),
                (format!("\u{feff}{crlf}"), "with both"),
            ] {
                let found = printed(&mistakes(&source));
                assert_eq!(found, expected, "{name} {message}");
            }
        }
    }
}

#[test]
fn no_value_of_a_binding_and_no_control_character_is_ever_told() {
    for (name, source) in fixtures("invalid") {
        assert!(!source.contains(MARK), "{name} holds no such text of its own");
        for mistake in mistakes(&source) {
            let shown = format!("{mistake} {mistake:?}");
            assert!(!shown.contains(MARK), "{name}: {mistake}");
            assert!(!shown.contains("not fit for anything"), "{name}: {mistake}");
            assert!(!mistake.to_string().contains(char::is_control), "{name}: {mistake} is one line");
        }
    }
}

#[test]
fn every_missing_or_empty_binding_is_named() {
    let source = fs::read_to_string(folder("invalid").join("missing_binding.json")).unwrap();
    let text = printed(&mistakes(&source));
    for name in ["MISSING_URL", "EMPTY", "MISSING_SECRET", "MISSING_KEY", "MISSING_ORIGIN", "MISSING_VALUE"] {
        assert!(text.contains(name), "{name} in:\n{text}");
    }
    assert_eq!(printed(&check(&source)), "", "away from the bindings nothing is missing");
}

#[test]
fn a_check_without_bindings_tells_nothing_that_a_load_does_not() {
    for (name, source) in fixtures("invalid") {
        let found = mistakes(&source);
        for mistake in check(&source) {
            assert!(found.contains(&mistake), "{name}: {mistake}");
        }
    }
}

#[test]
fn a_number_of_a_wrong_type_is_shown_as_the_gateway_writes_numbers() {
    for (written, shown) in [
        ("1", "1"),
        ("-1", "-1"),
        ("1.5", "1.5"),
        ("1E100", "1e+100"),
        ("18446744073709551616", "18446744073709552000.0"),
    ] {
        let diagnostics = check(&format!(r#"{{ "title": {written}, "paths": [] }}"#));
        let messages: Vec<_> = diagnostics.iter().map(|found| found.message.as_str()).collect();
        assert!(messages.contains(&format!("expected a string, found {shown}").as_str()), "{written}: {messages:?}");
    }
}
