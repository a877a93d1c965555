//! Files that are large, deep or made to be slow: each is judged, none brings the judge down.

use std::time::Instant;

use bargate::review::{ReviewedFile, compare, github, json, needs, review, text};

const TEN_MEGABYTES: usize = 10_000_000;

/// As many routes as most of these files have; one has 50,000.
const MANY: usize = 10_000;

/// As large as most of these files are, so that the test of all of them takes a minute of a program that is not optimised. Work that
/// grows with the square of the bytes would take hours.
const ONE_MEGABYTE: usize = 1_000_000;

/// Repeats what `item` writes until there is a megabyte of it, with commas between.
fn filled(before: &str, item: impl Fn(usize) -> String, after: &str) -> String {
    let mut source = before.to_owned();
    let mut index = 0;
    while source.len() < ONE_MEGABYTE {
        if index > 0 {
            source.push(',');
        }
        source.push_str(&item(index));
        index += 1;
    }
    source + after
}

fn many_paths(count: usize, path: impl Fn(usize) -> String, rest: &str) -> String {
    let paths: Vec<_> =
        (0..count).map(|index| format!(r#"{{"method":"GET","path":"{}",{rest}}}"#, path(index))).collect();
    format!(r#"{{"authorizer":{{"type":"jwt"}},"paths":[{}]}}"#, paths.join(","))
}

fn hostile() -> Vec<(&'static str, String)> {
    let empty_path = r#"{"paths":["#;
    vec![
        ("many routes", many_paths(MANY, |index| format!("/a/{index}/{{id}}"), r#""response":1"#)),
        (
            "many routes with auth",
            many_paths(MANY, |index| format!("/a/{index}/{{id}}"), r#""auth":true,"response":1"#),
        ),
        ("many wildcards", many_paths(MANY, |index| format!("/a/{index}/{{.+}}"), r#""auth":true,"response":1"#)),
        ("many paths that are wrong", many_paths(MANY, |index| format!("a/{index}"), r#""response":1"#)),
        ("many times the same path", many_paths(MANY, |_| "/a".to_owned(), r#""response":1"#)),
        (
            "patterns that overlap",
            many_paths(
                8_192,
                |bits| (0..13).map(|bit| if bits >> bit & 1 == 1 { "/a" } else { "/{x}" }).collect(),
                r#""response":1"#,
            ),
        ),
        (
            "patterns that overlap, each with a guard of its own",
            many_paths(
                8_192,
                |bits| {
                    let segments = (0..13).map(|bit| match bits >> bit & 1 {
                        1 => "/a".to_owned(),
                        _ => format!("/{{x{bit}}}"),
                    });
                    // The rest of the entry stands behind the path.
                    segments.collect::<String>() + &format!(r#"","auth":{{"scopes":["s{bits}"]}},"x-":""#)
                },
                r#""response":1"#,
            ),
        ),
        (
            "patterns that cross, but for their ends",
            many_paths(
                MANY,
                |index| match index % 2 {
                    0 => format!(r#"/{{x}}/a{index}/b/{{.+}}","auth":true,"x-":""#),
                    _ => format!("/a{index}/{{y}}/c/{{.+}}"),
                },
                r#""response":1"#,
            ),
        ),
        ("paths that are empty objects", filled(empty_path, |_| "{}".to_owned(), "]}")),
        ("paths that are numbers", filled(empty_path, |index| index.to_string(), "]}")),
        ("unknown keys", filled("{", |index| format!(r#""k{index}":1"#), r#","paths":[]}"#)),
        ("the same key", filled("{", |_| r#""servers":1"#.to_owned(), r#","paths":[]}"#)),
        (
            "the same unknown key in a body",
            filled(r#"{"paths":[{"method":"GET","path":"/","response":{"#, |_| r#""a":1"#.to_owned(), "}}]}"),
        ),
        (
            "servers",
            filled(
                r#"{"servers":["#,
                |index| format!(r#"{{"alias":"s{index}","url":"https://a.example"}}"#),
                r#"],"paths":[]}"#,
            ),
        ),
        (
            "servers of one name",
            filled(r#"{"servers":["#, |_| r#"{"alias":"s","url":"https://a.example"}"#.to_owned(), r#"],"paths":[]}"#),
        ),
        (
            "servers and as many paths",
            format!(
                r#"{{"servers":[{}],{}"#,
                (0..MANY)
                    .map(|index| format!(r#"{{"alias":"s{index}","url":"https://a.example"}}"#))
                    .collect::<Vec<_>>()
                    .join(","),
                &filled(
                    r#""paths":["#,
                    |index| format!(
                        r#"{{"method":"GET","path":"/{index}","integration":{{"type":"http","server":"s{index}"}}}}"#
                    ),
                    "]}"
                )
            ),
        ),
        (
            "authorizers",
            filled(
                r#"{"authorizers":{"#,
                |index| format!(r#""a{index}":{{"type":"jwt","secret":"$secret.S{index}"}}"#),
                r#"},"paths":[]}"#,
            ),
        ),
        (
            "services",
            filled(
                r#"{"services":["#,
                |index| format!(r#"{{"alias":"s{index}","entrypoint":"a"}}"#),
                r#"],"paths":[]}"#,
            ),
        ),
        (
            "variables and as many uses",
            format!(
                r#"{{"variables":{{{}}},{}"#,
                (0..MANY).map(|index| format!(r#""v{index}":"1""#)).collect::<Vec<_>>().join(","),
                &filled(
                    r#""paths":[{"method":"GET","path":"/","response":1,"mapping":{"headers":{"#,
                    |index| format!(r#""x-{index}":"$config.v{index}""#),
                    "}}}]}",
                )
            ),
        ),
        (
            "references",
            filled(r#"{"headers":{"#, |index| format!(r#""x-{index}":"$secret.S{index}""#), r#"},"paths":[]}"#),
        ),
        ("allowed codes", filled(r#"{"allow":["#, |index| format!(r#""c{index}""#), r#"],"paths":[]}"#)),
        (
            "scopes",
            filled(
                r#"{"protected_resource":true,"paths":[{"method":"GET","path":"/","response":1,"auth":{"scopes":["#,
                |index| format!(r#""s{index}""#),
                "]}}]}",
            ),
        ),
        (
            "origins",
            filled(
                r#"{"cors":{"allow_origins":["#,
                |index| format!(r#""https://a{index}.example""#),
                r#"]},"paths":[]}"#,
            ),
        ),
        ("networks", filled(r#"{"ip":{"deny":["#, |index| format!(r#""10.0.0.{index}""#), r#"]},"paths":[]}"#)),
        (
            "ten megabytes of paths",
            many_paths(50_000, |index| format!("/a/{index}/{{id}}"), &format!(r#""response":"{}""#, "a".repeat(150))),
        ),
        ("one long string", format!(r#"{{"title":"{}","paths":[]}}"#, "é\\n".repeat(TEN_MEGABYTES / 4))),
        ("one long key", format!(r#"{{"{}":1,"paths":[]}}"#, "a".repeat(TEN_MEGABYTES))),
        (
            "one long path",
            format!(r#"{{"paths":[{{"method":"GET","path":"{}","response":1}}]}}"#, "/a".repeat(TEN_MEGABYTES / 2)),
        ),
        ("one long word", "x".repeat(TEN_MEGABYTES)),
        ("one long number", format!(r#"{{"paths":{}}}"#, "9".repeat(TEN_MEGABYTES))),
        ("white space", " ".repeat(ONE_MEGABYTE)),
        ("line ends", "\n".repeat(ONE_MEGABYTE)),
        ("open brackets", "[".repeat(ONE_MEGABYTE)),
        ("open objects", r#"{"a":"#.repeat(TEN_MEGABYTES / 5)),
        (
            "deep as it may be, many times",
            filled(r#"{"paths":["#, |_| format!("{}{}", "[".repeat(60), "]".repeat(60)), "]}"),
        ),
        (
            "control characters",
            format!(
                r#"{{"paths":[],{}}}"#,
                (0..MANY).map(|index| format!(r#""\u0007{index}\u001b[2J":1"#)).collect::<Vec<_>>().join(",")
            ),
        ),
    ]
}

#[test]
fn each_hostile_file_is_judged_and_printed() {
    for (name, source) in hostile() {
        let begun = Instant::now();
        let diagnostics = review(&source);
        let file = || ReviewedFile { name: "hostile.json", text: &source, diagnostics: &diagnostics };
        let printed = text(&file(), false);
        assert!(printed.len() < 2_000_000, "{name}: {} bytes", printed.len());
        json(&[file()]);
        github(&[file()]);
        needs(&source);
        compare(&source, &source);
        // A file takes seconds; with work that grows with the square of its bytes it would take hours.
        if std::env::var_os("SHOW_TIMES").is_some() {
            println!("{:>10.2?}  {:>5} found  {name}", begun.elapsed(), diagnostics.len());
        }
    }
}
