//! What the documents say is so: every config in them is checked as its label says, every link leads somewhere, and every test that
//! they name is there.
//!
//! How a block is labelled is said to readers in docs/README.md. Whether the words around a block are true is not checked here.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod comparison;
mod environments;
mod errors;
mod evidence;
mod examples;
mod links;
mod markdown;
mod stored_forms;

use std::collections::BTreeSet;
use std::path::Path;

use bargate::proxy::DROPPED_REQUEST_HEADERS;
use evidence::{end_to_end_tests, lost_evidence, missing_rows};
use examples::{Label, check_block};
use links::lost_links;
use markdown::Page;

/// The folder that links start from.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Documents outside of docs/.
const DOCUMENTS: [&str; 6] =
    ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "services/README.md"];

/// Reads every document.
fn pages() -> Vec<Page> {
    let mut names: Vec<String> = DOCUMENTS.map(str::to_owned).to_vec();
    let mut folders = vec!["docs".to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(Path::new(ROOT).join(&folder)).expect("the folder can be read") {
            let entry = entry.expect("its entry can be read");
            let name = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().expect("its type can be read").is_dir() {
                folders.push(name);
            } else if name.ends_with(".md") {
                names.push(name);
            }
        }
    }
    names.sort();
    let read = |name: &String| std::fs::read_to_string(Path::new(ROOT).join(name)).expect("the document can be read");
    names.iter().map(|name| Page::parse(name, &read(name))).collect()
}

#[test]
fn every_block_of_the_documents_is_what_its_label_says() {
    let mut seen = BTreeSet::new();
    let mut failures = Vec::new();
    for page in pages() {
        for block in &page.blocks {
            seen.extend(Label::parse(&block.info).ok().map(|label| label.kind()));
            failures.extend(check_block(&page.name, block));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let expected = BTreeSet::from(["answer", "config", "part", "path", "toml", "wrong", "other"]);
    assert_eq!(seen, expected, "a kind of block that no document has is checked by nobody");
}

#[test]
fn every_link_of_the_documents_leads_somewhere() {
    let failures = lost_links(Path::new(ROOT), &pages());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn what_the_security_model_names_as_its_evidence_is_there() {
    let source = std::fs::read_to_string(Path::new(ROOT).join("docs/security.md")).expect("the page is there");
    let lost = lost_evidence(Path::new(ROOT), &end_to_end_tests(Path::new(ROOT)), &source);
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn the_architecture_names_the_tests_of_every_module() {
    let source = std::fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md")).expect("the page is there");
    let section = source.split("\n### ").find_map(|part| part.strip_prefix("Source file, its tests\n"));
    let table = section.and_then(|section| section.split("\n#").next()).expect("the section is there");
    let tests = end_to_end_tests(Path::new(ROOT));
    let lost = [lost_evidence(Path::new(ROOT), &tests, table), missing_rows(Path::new(ROOT), &tests, table)].concat();
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn the_table_of_what_is_stored_is_the_codes() {
    let page = std::fs::read_to_string(Path::new(ROOT).join("ARCHITECTURE.md")).expect("the page is there");
    let faults = stored_forms::faults(Path::new(ROOT), &page);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let changes = [
        ("a purpose that the code does not have", "`bargate session v1`", "`bargate session v2`"),
        ("a class without a row", "objects `RateLimit`", "objects"),
        ("a namespace without a row", "KV `UPSTREAM_TOKENS`", "KV"),
        ("a form without a version", "the member `version`", "none"),
    ];
    for (message, from, to) in changes {
        assert!(!stored_forms::faults(Path::new(ROOT), &page.replacen(from, to, 1)).is_empty(), "{message}");
    }
}

#[test]
fn the_list_of_headers_that_no_client_may_send_is_the_gateways() {
    let pages = pages();
    let page = pages.iter().find(|page| page.name == "docs/upstreams.md").expect("the page is there");
    let section = page.source.split("\n### ").find_map(|part| part.strip_prefix("What no client may say\n"));
    let rows = section.expect("the section is there").lines().filter(|line| line.starts_with("| "));
    let mut names: Vec<_> = rows.flat_map(|row| row.split('`').skip(1).step_by(2)).map(str::to_lowercase).collect();
    names.sort_unstable();
    assert!(DROPPED_REQUEST_HEADERS.is_sorted(), "in the order of the alphabet");
    assert_eq!(names, DROPPED_REQUEST_HEADERS);
}

#[test]
fn the_page_of_errors_is_made_of_the_lists_of_them() {
    let path = Path::new(ROOT).join("docs/errors.md");
    let page = errors::page();
    if std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let differs = committed.lines().zip(page.lines()).find(|(committed, made)| committed != made);
    assert!(committed == page, "write docs/errors.md with UPDATE_GOLDEN=1: {differs:?}");
}

#[test]
fn the_comparison_says_where_each_cell_was_read_and_at_which_version() {
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/comparison.md")).expect("the page is there");
    let faults = comparison::faults(&page);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let changes = [
        ("another order", "\n| Envoy | ", "\n| Any | "),
        ("a cell without a source", "| not found |", "| no |"),
        ("a moving address", "/blob/v7.15.3/", "/blob/main/"),
        ("an address that is not https", "]: https://", "]: http://"),
        ("a name without an address", "[oauth2-proxy-license]: ", "[any]: "),
        ("no version", "[3.4.0]", "[it]"),
    ];
    for (message, from, to) in changes {
        assert!(!comparison::faults(&page.replacen(from, to, 1)).is_empty(), "{message}");
    }
}

#[test]
fn the_deployment_of_the_documents_lacks_nothing_in_any_environment() {
    let pages = pages();
    let page = |name: &str| pages.iter().find(|page| page.name == name).expect("the page is there");
    let config = environments::block(page("docs/first-config.md"), "json config");
    let wrangler = environments::wrangler(page("docs/environments.md"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("docs-environments");
    for environment in [None, Some("staging")] {
        let fault = environments::fault(&folder, config, wrangler, environment);
        assert_eq!(fault, None, "{environment:?}");
    }
    for (lacking, expected) in [
        ("[[env.staging.kv_namespaces]]", "the KV namespace JWKS is not declared"),
        ("[[env.staging.durable_objects.bindings]]", "the Durable Object REFRESH_EXCHANGES is not declared"),
        ("[env.staging.vars]", "the variable API_URL is missing"),
    ] {
        let renamed = wrangler.replacen(lacking, &lacking.replace("staging", "other"), 1);
        let fault = environments::fault(&folder, config, &renamed, Some("staging"));
        assert!(fault.as_deref().is_some_and(|fault| fault.contains(expected)), "{lacking}: {fault:?}");
    }
}

#[test]
fn the_tests_that_must_notice_a_mutant_exist() {
    let settings = std::fs::read_to_string(Path::new(ROOT).join(".cargo/mutants.toml")).expect("the file is there");
    let named: Vec<_> = settings.split("--test=").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(!named.is_empty(), "what is checked is there");
    for name in named {
        let found = [format!("tests/{name}.rs"), format!("tests/{name}/main.rs")];
        let exists = |path: &String| Path::new(ROOT).join(path).exists();
        assert!(found.iter().any(exists), "{name}");
    }
}

#[test]
fn the_index_names_every_page() {
    let pages = pages();
    let index = pages.iter().find(|page| page.name == "docs/README.md").expect("the page is there");
    let named: BTreeSet<&str> = index.links.iter().map(|(_, target)| target.as_str()).collect();
    let own = pages.iter().filter_map(|page| page.name.strip_prefix("docs/")).filter(|name| *name != "README.md");
    let missing: Vec<&str> = own.filter(|name| !named.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// A page whose block begins in line 4.
fn page_with(info: &str, body: &str) -> Page {
    Page::parse("docs/any.md", &format!("# Any\n\n```{info}\n{body}\n```\n"))
}

#[test]
fn a_block_that_is_not_what_its_label_says_is_told_with_file_and_line() {
    let path = r#"{ "method": "GET", "path": "/a", "response": {} }"#;
    let wrong_path = r#"{ "method": "get", "path": "/a", "response": {} }"#;
    for (message, info, body, expected) in [
        ("a config", "json config", format!("{{ \"paths\": [\n{path}\n] }}"), None),
        (
            "a mistake in a config",
            "json config",
            format!("{{ \"paths\": [\n{wrong_path}\n] }}"),
            Some("docs/any.md:5: error[unknown_value]"),
        ),
        (
            "a warning of a config",
            "json config",
            format!(
                "{{ \"servers\": [\n{{ \"alias\": \"a\", \"url\": \"https://a.example\" }}\n], \"paths\": [{path}] }}"
            ),
            Some("docs/any.md:5: warning[unused_server]"),
        ),
        ("no JSON", "json config", "{\n  // no\n}".to_owned(), Some("docs/any.md:5: error[invalid_json]")),
        ("a path", "json path", path.to_owned(), None),
        ("two paths", "json path", format!("{path},\n{}", path.replace("/a", "/b")), None),
        (
            "a mistake in the second path",
            "json path",
            format!("{path},\n{wrong_path}"),
            Some("docs/any.md:5: error[unknown_value]"),
        ),
        ("a part", "json part", r#""server_timing": true"#.to_owned(), None),
        (
            "a part that rules out what another needs",
            "json part",
            format!("\"session\": {{}},\n\"paths\": [{path}]"),
            Some("docs/any.md:4: error[missing_login]"),
        ),
        ("a part of an object", "json part of session", r#""idle_seconds": 60"#.to_owned(), None),
        ("a part of a path", "json part of path", r#""auth": { "scopes": ["a"] }"#.to_owned(), None),
        (
            "a part with a typo",
            "json part of path",
            "\"auth\": true,\n\"maping\": {}".to_owned(),
            Some("docs/any.md:5: error[unknown_key]"),
        ),
        (
            "a part that is no member",
            "json part",
            "{ \"session\": {} }".to_owned(),
            Some("docs/any.md:4: these are no members of an object"),
        ),
        ("an answer", "json answer", "{ \"any\": 1 }".to_owned(), None),
        ("an answer that is no JSON", "json answer", "{\n\"any\": }".to_owned(), Some("docs/any.md:5: ")),
        (
            "the mistake that is meant",
            "json wrong unknown_key",
            format!("{{ \"path\": [], \"paths\": [{path}] }}"),
            None,
        ),
        (
            "the mistake that is meant, in a part",
            "json wrong unknown_key part of path",
            r#""maping": {}"#.to_owned(),
            None,
        ),
        (
            "another mistake than is meant",
            "json wrong unknown_key path",
            wrong_path.to_owned(),
            Some("docs/any.md:4: is to give unknown_key and gives [\"unknown_value\"]"),
        ),
        (
            "no mistake where one is meant",
            "json wrong unknown_key path",
            path.to_owned(),
            Some("docs/any.md:4: is to give unknown_key and gives []"),
        ),
        (
            "more mistakes than one",
            "json wrong unknown_key part",
            "\"a\": 1, \"b\": 2".to_owned(),
            Some("docs/any.md:4: is to give unknown_key and gives [\"unknown_key\", \"unknown_key\"]"),
        ),
        ("no label", "json", "{}".to_owned(), Some("docs/any.md:4: `json` does not say")),
        ("an unknown label", "json example", "{}".to_owned(), Some("docs/any.md:4: `json example` does not say")),
        ("another spelling of JSON", "jsonc", "{}".to_owned(), Some("docs/any.md:4: `jsonc` does not say")),
        ("no language", "", "{}".to_owned(), Some("docs/any.md:4: a block without a language")),
        ("TOML", "toml", "a = 1".to_owned(), None),
        ("no TOML", "toml", "a = 1\nb".to_owned(), Some("docs/any.md:5: ")),
        ("another language", "console", "$ make".to_owned(), None),
    ] {
        let page = page_with(info, &body);
        let found = page.blocks.iter().flat_map(|block| check_block(&page.name, block)).collect::<Vec<_>>().join("\n");
        match expected {
            None => assert_eq!(found, "", "{message}"),
            Some(beginning) => assert!(found.starts_with(beginning), "{message}: {found}"),
        }
    }
}

#[test]
fn a_block_ends_where_its_fence_does() {
    let page = Page::parse(
        "any.md",
        "- a\n\n  ```json answer\n  { \"a\": 1 }\n  ```\n\n````text\n```json\n````\n```sh\nmake\n```\n",
    );
    let found: Vec<_> =
        page.blocks.iter().map(|block| (block.line, block.info.as_str(), block.text.as_str())).collect();
    assert_eq!(found, [(4, "json answer", "  { \"a\": 1 }\n"), (8, "text", "```json\n"), (11, "sh", "make\n")]);
}

#[test]
fn a_link_that_leads_nowhere_is_told_with_file_and_line() {
    let other = Page::parse(
        "docs/other.md",
        "# Other\n\n## A *long* `code`: heading\n\n## Twice\n\n## Twice\n\n```sh\n# none\n```\n",
    );
    for (message, link, leads) in [
        ("a page", "other.md", true),
        ("a page from above", "../docs/other.md", true),
        ("a file that is no page", "../Cargo.toml", true),
        ("a folder", "../examples/spa", true),
        ("another site", "https://example.com/x#y", true),
        ("a heading", "other.md#a-long-code-heading", true),
        ("a heading that stands there twice", "other.md#twice-1", true),
        ("a heading of its own", "#here-we-are", true),
        ("no page", "none.md", false),
        ("no heading", "other.md#none", false),
        ("what is a comment and no heading", "other.md#none-1", false),
        ("a third heading of two", "other.md#twice-2", false),
        ("no heading of its own", "#there", false),
        ("a page of the folder above", "docs/other.md", false),
        ("out of the project", "../../Cargo.toml", false),
        ("a place in what is no page", "../Cargo.toml#L3", false),
    ] {
        let page = Page::parse("docs/any.md", &format!("# Here we are\n\nSee `[no](link)` and [this]({link}).\n"));
        let lost = lost_links(Path::new(ROOT), &[page, Page::parse(&other.name, &other.source)]);
        let expected = if leads { vec![] } else { vec![format!("docs/any.md:3: {link} leads nowhere")] };
        assert_eq!(lost, expected, "{message}");
    }
}
