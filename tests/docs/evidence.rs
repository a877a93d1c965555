//! What the documents name as their evidence is there: files of the source, and tests by their file and name.

use std::collections::BTreeMap;
use std::path::Path;

/// The folder of the end-to-end tests, each in a folder of its subject.
const END_TO_END: &str = "tests/e2e";

/// The end-to-end tests: the text of each file by its name, without comments and with apostrophes as they are read.
pub type Tests = BTreeMap<String, String>;

/// Reads every end-to-end test.
///
/// # Panics
/// If two files have one name, by which the documents tell them apart.
pub fn end_to_end_tests(root: &Path) -> Tests {
    let mut tests = Tests::new();
    for folder in names_in(&root.join(END_TO_END)) {
        let folder = root.join(END_TO_END).join(folder);
        if !folder.is_dir() {
            continue;
        }
        for name in names_in(&folder).into_iter().filter(|name| name.ends_with(".test.mjs")) {
            let source = std::fs::read_to_string(folder.join(&name)).expect("the test can be read");
            let lines = source.lines().filter(|line| !line.trim_start().starts_with("//"));
            let text = lines.collect::<Vec<_>>().join("\n").replace("\\'", "'");
            assert!(tests.insert(name.clone(), text).is_none(), "two tests are named {name}");
        }
    }
    tests
}

/// Names each file that a text has in backticks and that is not there, and each quoted test that its file does not have.
pub fn lost_evidence(root: &Path, tests: &Tests, source: &str) -> Vec<String> {
    let mut lost = Vec::new();
    for cell in source.lines().flat_map(|line| line.split('|')) {
        // A quotation belongs to the test file before it.
        let mut file = None;
        for token in tokens(cell) {
            match token {
                Token::Code(name) if name.ends_with(".test.mjs") && !name.contains('/') => {
                    file = tests.get(name);
                    if file.is_none() {
                        lost.push(format!("{name} is not there"));
                    }
                }
                Token::Code(path) if is_path(path) => {
                    file = None;
                    if !root.join(path).exists() {
                        lost.push(format!("{path} is not there"));
                    }
                }
                Token::Code(_) => {}
                Token::Quotation(words) => {
                    if file.is_some_and(|text: &String| !text.contains(words)) {
                        lost.push(format!("no test is named \"{words}\""));
                    }
                }
            }
        }
    }
    lost
}

/// Names the modules of the source that no row of a table begins with, and the end-to-end tests that none ends with.
pub fn missing_rows(root: &Path, tests: &Tests, table: &str) -> Vec<String> {
    let rows: Vec<(&str, &str)> =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" | ")).collect();
    let sources = rows.iter().flat_map(|(source, _)| source.split('`'));
    let sources: Vec<&str> = sources.map(|path| path.trim_end_matches('/')).collect();
    let shown: Vec<&str> = rows.iter().flat_map(|(_, shown)| shown.split('`')).collect();
    let mut missing = Vec::new();
    for folder in ["src", "src/edge"] {
        let modules = names_in(&root.join(folder)).into_iter().map(|name| format!("{folder}/{name}"));
        let code = modules.filter(|path| root.join(path).is_dir() || is_code(path)).filter(|path| !is_parent(path));
        missing.extend(code.filter(|path| !sources.contains(&path.as_str())));
    }
    for folder in names_in(&root.join(END_TO_END)) {
        let whole = format!("{END_TO_END}/{folder}/");
        if shown.contains(&whole.as_str()) || !root.join(&whole).is_dir() {
            continue;
        }
        let own = names_in(&root.join(&whole)).into_iter().filter(|name| tests.contains_key(name));
        missing.extend(own.filter(|name| !shown.contains(&name.as_str())));
    }
    missing
}

/// Whether a path is a file of the source, as the tests are to hold it.
fn is_code(path: &str) -> bool {
    [".rs", ".js", ".mjs"].iter().any(|end| path.ends_with(end))
}

/// Whether a path only holds others that have rows of their own: the crate, its edge, and the command line's folder.
fn is_parent(path: &str) -> bool {
    ["src/lib.rs", "src/edge", "src/bin"].contains(&path)
}

/// Whether a text in backticks is a path of the project.
fn is_path(text: &str) -> bool {
    let begins = ["src/", "tests/", "dev/", "examples/"].iter().any(|folder| text.starts_with(folder));
    begins && !text.contains(['*', ' ', '<'])
}

enum Token<'a> {
    Code(&'a str),
    Quotation(&'a str),
}

/// Returns what stands in backticks and in quotation marks, in order.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(at) = rest.find(['`', '"']) {
        let (mark, behind) = rest[at..].split_at(1);
        let Some((inner, after)) = behind.split_once(mark) else { break };
        found.push(if mark == "`" { Token::Code(inner) } else { Token::Quotation(inner) });
        rest = after;
    }
    found
}

/// The names of a folder's entries, in order.
fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let names = entries.map(|entry| entry.expect("its entry can be read").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}
