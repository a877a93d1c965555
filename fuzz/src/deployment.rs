//! The files of a deployment: what they declare, and that nothing shows their values.

use bargate::config::UnknownBindings;
use bargate::deployment::{Deployment, EnvFiles, Variables, VariablesIn, Wrangler};
use bargate::review::{ReviewedFile, json, text as report};
use bargate::text_file::TextFile;

use super::text::text;

/// What a value has in it that nothing may show, here where a file has only this.
const MARK: &str = "hunter2";

/// A config that needs a variable and a secret.
const CONFIG: &str = r#"{"servers":[{"alias":"a","url":"$env.A"}],"paths":[{"method":"GET","path":"/","integration":{"type":"http_proxy","server":"a"},"mapping":{"headers":{"x-key":"$secret.B"}}}]}"#;

/// A file of variables: one that is read by wrangler's rules has no value in what is shown of it.
pub fn check_env_file(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    for name in [".dev.vars", ".env"] {
        let file = TextFile { name: name.to_owned(), text: text.to_owned() };
        let Ok(env) = EnvFiles::parse(vec![file], Variables::default()) else { continue };
        let names: Vec<_> = env.files()[0].names.iter().map(|(name, _)| name.clone()).collect();
        let values: Vec<_> = names.iter().map(|name| env.value(name).expect("a name has a value")).collect();
        assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b))));
        assert!(values.iter().map(|value| value.len()).sum::<usize>() <= 64 * 1024 * (names.len() + 1) + text.len());
        let shown = env.files()[0].file.text.clone();
        assert_eq!(
            shown.lines().count(),
            text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n").lines().count(),
            "places stay where they are"
        );
        // What stands in a name is shown.
        let in_values = names.iter().all(|name| !name.contains(MARK)) && !text.contains('#');
        assert!(!in_values || !shown.contains(MARK), "{shown}");
        let deployment = Deployment { env, wrangler: None, variables: VariablesIn::Declared };
        assert_not_shown(&deployment, in_values);
    }
}

/// A configuration of wrangler, as TOML and as JSON with comments.
pub fn check_wrangler(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    for (name, environment) in [("wrangler.toml", None), ("wrangler.toml", Some("a")), ("wrangler.jsonc", None)] {
        let file = TextFile { name: name.to_owned(), text: text.to_owned() };
        let hides = name == "wrangler.toml" && only_in_variables(text);
        match Wrangler::parse(file, environment) {
            Ok(wrangler) => {
                let deployment =
                    Deployment { env: EnvFiles::default(), wrangler: Some(wrangler), variables: VariablesIn::Declared };
                assert_not_shown(&deployment, hides);
            }
            Err(reason) => {
                assert!(!hides || !reason.contains(MARK), "{reason}");
                assert!(reason.starts_with(name), "an error says in which file: {reason}");
            }
        }
    }
}

/// Asserts that what is told of a deployment, in every form, shows nothing that is hidden.
fn assert_not_shown(deployment: &Deployment, is_hidden: bool) {
    let config = TextFile { name: "gateway.config.json".to_owned(), text: CONFIG.to_owned() };
    let mut diagnostics = deployment.without_value(&config);
    let files = deployment.review(&config, &mut diagnostics, &|_| false);
    for (file, told) in files {
        for diagnostic in &told {
            assert!(file.text.is_char_boundary(diagnostic.offset), "{diagnostic}");
        }
        let first = told.get(..2).unwrap_or(&told);
        let reviewed = || ReviewedFile { name: &file.name, text: &file.text, diagnostics: first };
        let shown = [report(&reviewed(), false), json(&[reviewed()])].concat();
        assert!(!is_hidden || !shown.contains(MARK), "{shown}");
    }
    let _ =
        bargate::config::load(CONFIG, deployment).is_ok() || bargate::config::load(CONFIG, &UnknownBindings).is_ok();
}

/// Checks whether the mark is in values of variables and nowhere else in a file.
fn only_in_variables(text: &str) -> bool {
    let Ok(table) = text.trim_start_matches('\u{feff}').parse::<toml::Table>() else { return false };
    let mut values = Vec::new();
    let mut rest: Vec<_> = table.get("vars").into_iter().collect();
    let environments = table.get("env").and_then(toml::Value::as_table);
    rest.extend(environments.into_iter().flatten().filter_map(|(_, environment)| environment.get("vars")));
    while let Some(value) = rest.pop() {
        match value {
            toml::Value::String(text) => values.push(text.as_str()),
            toml::Value::Array(items) => rest.extend(items),
            toml::Value::Table(members) => rest.extend(members.values()),
            _ => {}
        }
    }
    let count = |text: &str| text.matches(MARK).count();
    count(text) == values.into_iter().map(count).sum::<usize>()
}
