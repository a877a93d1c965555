//! The configs of `examples/providers`: each passes the check, is what `bargate init` writes, and was run or says what it follows.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use bargate::authoring::{Asked, Meaning, StartingPoint};
use bargate::config::ReferenceKind;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// What is for any provider, and so neither run nor documented.
const GENERAL: &str = "oidc";

/// Returns every starting point.
fn points() -> impl Iterator<Item = StartingPoint> {
    StartingPoint::providers().flat_map(StartingPoint::of)
}

/// Reads the files of a folder, by their names.
fn files(folder: &str) -> impl Iterator<Item = (String, String)> {
    std::fs::read_dir(Path::new(ROOT).join(folder)).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read_to_string(&path).unwrap())
    })
}

/// Runs `bargate` in a folder, and gives what it prints if it fails.
fn bargate(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_bargate")).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    match output.status.success() {
        true => Ok(text(output.stdout)),
        false => Err(text(output.stderr)),
    }
}

/// Returns a value that the variable may have at the provider.
fn plausible(name: &str) -> String {
    match name {
        "ISSUER" => "https://id.example.com/".to_owned(),
        _ if ["_URL", "_URI", "_ENDPOINT"].iter().any(|end| name.ends_with(end)) => {
            "https://id.example.com/path".to_owned()
        }
        "PRIVATE_KEY" => {
            let key = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
            key.to_owned()
        }
        "SCOPE_PREFIX" => "api://orders/".to_owned(),
        "SCOPE" => "openid offline_access api".to_owned(),
        "TENANT_ID" => "72f988bf-86f1-41af-91ab-2d7cd011db47".to_owned(),
        _ => format!("a-value-of-at-least-32-bytes-for-{name}"),
    }
}

#[test]
fn the_command_knows_every_file() {
    let known: BTreeSet<_> = points().map(|point| format!("{}.json", point.file())).collect();
    let there: BTreeSet<_> = files("examples/providers").map(|(name, _)| name).collect();
    assert_eq!(known, there, "src/authoring/starting_point.rs lists the files of examples/providers");
}

#[test]
fn every_config_passes_with_its_values_as_the_command_writes_it() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("providers");
    for point in points() {
        let file = point.file();
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let tenant = if point.has_domain() { "tenant.example.com" } else { "https://id.example.com/" };
        let mut flags = vec!["init", "--provider", point.provider(), "--dev-vars"];
        for (flag, asked, answer) in [
            ("--tenant", Asked::Tenant, tenant),
            ("--audience", Asked::Audience, "https://api.example.com/"),
            ("--upstream", Asked::Upstream, "https://upstream.example.com"),
        ] {
            if point.variable(asked).is_some() {
                flags.extend([flag, answer]);
            }
        }
        if point.is_for_mcp() {
            flags.push("--mcp");
        } else if StartingPoint::of(point.provider()).filter(|one| !one.is_for_mcp()).count() > 1 {
            flags.extend(["--mode", if file.ends_with("-tokens") { "tokens" } else { "session" }]);
        }
        bargate(&folder, &flags).unwrap_or_else(|printed| panic!("{file}: {printed}"));

        let written = std::fs::read_to_string(folder.join("gateway.config.json")).unwrap();
        let original = std::fs::read_to_string(format!("{ROOT}/examples/providers/{file}.json")).unwrap();
        assert_eq!(written, original.replacen("../../gateway.schema.json", "./gateway.schema.json", 1), "{file}");

        let variables = point.variables();
        let given = variables.iter().filter(|variable| variable.meaning == Meaning::Given);
        let mut lines = std::fs::read_to_string(folder.join(".dev.vars")).unwrap();
        for variable in given {
            let name = &variable.reference.name;
            let line = format!("{name}=\n");
            assert!(lines.contains(&line), "{file}: {name} is to be filled in: {lines}");
            lines = lines.replace(&line, &format!("{name}='{}'\n", plausible(name)));
        }
        std::fs::write(folder.join(".dev.vars"), lines).unwrap();
        let check = ["check", "--deny-warnings", "--values", ".dev.vars"];
        bargate(&folder, &check).unwrap_or_else(|printed| panic!("{file}: {printed}"));
    }
}

#[test]
fn every_config_was_run_or_says_which_documentation_it_follows() {
    let run: String = files("tests/interop/providers").map(|(_, text)| text).collect();
    let page = std::fs::read_to_string(format!("{ROOT}/docs/providers.md")).unwrap();
    for point in points().filter(|point| point.provider() != GENERAL) {
        let file = point.file();
        let is_run = run.contains(&format!("'{file}.json'"));
        let documented = point.documentation();
        assert_eq!(documented.is_none(), is_run, "{file}: either it is run, or it follows a documentation");
        let Some(documented) = documented else { continue };
        assert!(!documented.pages.is_empty(), "{file} names pages");
        assert!(documented.pages.iter().all(|page| page.starts_with("https://")), "{file}: {:?}", documented.pages);
        let parts: Vec<_> = documented.date.split('-').map(str::len).collect();
        assert_eq!(parts, [4, 2, 2], "{file}: {} is a date", documented.date);
        let row = page.lines().find(|line| line.contains(&format!("/{file}.json)")));
        let row = row.unwrap_or_else(|| panic!("docs/providers.md has no row for {file}"));
        for part in documented.pages.iter().chain([&documented.date]) {
            assert!(row.contains(part), "docs/providers.md: {part} is in {row}");
        }
    }
}

#[test]
fn every_variable_has_a_meaning_and_what_is_secret_is_no_variable() {
    for point in points() {
        let file = point.file();
        for variable in point.variables() {
            let name = &variable.reference.name;
            let says_secret = name.ends_with("SECRET") || name.ends_with("_KEY");
            assert_eq!(says_secret, variable.reference.kind == ReferenceKind::Secret, "{file}: {name}");
            let is_redirect = name.ends_with("REDIRECT_URI");
            assert_eq!(
                is_redirect || name.ends_with("_ORIGIN") || name.ends_with("_RESOURCE"),
                matches!(variable.meaning, Meaning::Own(_)),
                "{file}: {name}"
            );
        }
        let logs_in = point.mode().is_some() || point.file_text().contains("\"authorization_server\"");
        assert_eq!(logs_in, point.addresses().iter().any(|(name, _)| *name == "Redirect URI"), "{file}");
    }
}
