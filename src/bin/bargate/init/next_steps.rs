//! The next steps after `init`: the lines for `.dev.vars` and `wrangler.toml`, and the provider's settings.

use super::answers::Answers;
use super::asked::DEFAULT_PORT;
use crate::output::Output;
use crate::page::Page;
use bargate::authoring::{Meaning, Variable};
use bargate::config::ReferenceKind;

/// A placeholder for the origin of a deployment.
const DEPLOYED_ORIGIN: &str = "https://bargate.your-subdomain.workers.dev";
/// A placeholder for the value of a variable.
const UNKNOWN: &str = "to fill in";

/// Returns the text of a `.dev.vars`.
pub fn dev_vars(answers: &Answers) -> String {
    let mut text = format!("# For local runs. Never commit this file.{}\n", to_fill_in(answers));
    for line in dev_lines(answers) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Returns what is printed after the files are written.
pub fn page(answers: &Answers, output: &Output, dev_vars: Option<&Output>) -> Page {
    let mut page = Page::default();
    if !output.is_standard() {
        page.line(format!("{}: written.", output.name()));
        page.line("");
    }
    if let Some(followed) = answers.point.documentation() {
        let heading = format!("Documented, not run: the config follows these pages of {}.", followed.date);
        add(&mut page, &heading, followed.pages);
    }
    match dev_vars {
        Some(file) => {
            page.line(format!("{}: written, for local runs.{}", file.name(), to_fill_in(answers)));
            page.line("");
        }
        None => {
            add(
                &mut page,
                "For local runs, in .dev.vars, which git ignores (--dev-vars writes this file):",
                dev_lines(answers),
            );
        }
    }
    let variables = answers.point.variables();
    let (secrets, variables): (Vec<_>, Vec<_>) = variables.into_iter().partition(is_secret);
    add(&mut page, "For a deployment, in wrangler.toml:", deployed_lines(answers, &variables));
    if !secrets.is_empty() {
        let put = |secret: &Variable| format!("npx wrangler secret put {}", secret.reference.name);
        add(&mut page, "and what is secret, in no file:", secrets.iter().map(put).collect());
    }
    let given = variables.iter().filter(|variable| variable.meaning == Meaning::Given);
    let noted = |variable: &Variable| Some(format!("{}: {}", variable.reference.name, answers.point.note(variable)?));
    let notes: Vec<_> = given.filter_map(noted).collect();
    if !notes.is_empty() {
        add(&mut page, "To fill in:", notes);
    }
    let at_the_provider = provider_lines(answers);
    if !at_the_provider.is_empty() {
        let heading = "At the provider, for local runs (for a deployment, with its address):";
        add(&mut page, heading, at_the_provider);
    }
    let config = if output.is_standard() { "gateway.config.json".to_owned() } else { output.name() };
    let file = dev_vars.map_or_else(|| ".dev.vars".to_owned(), Output::name);
    let port = if answers.port == DEFAULT_PORT { String::new() } else { format!(" --port {}", answers.port) };
    let assets = if answers.point.mode().is_some() { " --assets DIRECTORY_OF_THE_PAGE" } else { "" };
    page.line("Then:");
    page.line("");
    page.line(format!("  bargate check --values {file} --wrangler wrangler.toml {config}"));
    page.line(format!("  npx wrangler dev{port}{assets}"));
    page
}

/// Adds a heading and the lines below it.
fn add(page: &mut Page, heading: &str, lines: Vec<String>) {
    page.line(heading);
    page.line("");
    for line in lines {
        page.line(format!("  {line}"));
    }
    page.line("");
}

fn is_secret(variable: &Variable) -> bool {
    variable.reference.kind == ReferenceKind::Secret
}

/// Returns the sentence about the variables without a value; none if each has one.
fn to_fill_in(answers: &Answers) -> String {
    let variables = answers.point.variables();
    let unknown = variables.iter().filter(|variable| variable.meaning == Meaning::Given);
    let names: Vec<_> = unknown.map(|variable| variable.reference.name.as_str()).collect();
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => format!(" Fill in {last}."),
        Some((last, others)) => format!(" Fill in {} and {last}.", others.join(", ")),
    }
}

fn dev_lines(answers: &Answers) -> Vec<String> {
    let origin = local_origin(answers);
    let line = |variable: &Variable| {
        let value = value(answers, variable, &origin).unwrap_or_default();
        format!("{}={}", variable.reference.name, in_dotenv(&value))
    };
    answers.point.variables().iter().map(line).collect()
}

/// Returns the gateway's origin in local runs.
fn local_origin(answers: &Answers) -> String {
    format!("http://127.0.0.1:{}", answers.port)
}

/// Returns the value of a variable for a gateway at `origin`, as far as it is known.
fn value(answers: &Answers, variable: &Variable, origin: &str) -> Option<String> {
    match &variable.meaning {
        Meaning::Answer(asked) => answers.of(*asked).map(str::to_owned),
        Meaning::Own(path) => Some(format!("{origin}{path}")),
        Meaning::Given => None,
    }
}

/// Returns a value in the syntax of `.dev.vars`; no answer has a single quote.
fn in_dotenv(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?@%+,=&[]".contains(c);
    if value.chars().all(plain) { value.to_owned() } else { format!("'{value}'") }
}

fn deployed_lines(answers: &Answers, variables: &[Variable]) -> Vec<String> {
    let mut lines = vec!["[vars]".to_owned()];
    for variable in variables {
        let value = value(answers, variable, DEPLOYED_ORIGIN).unwrap_or_else(|| UNKNOWN.to_owned());
        lines.push(format!("{} = {}", variable.reference.name, toml::Value::String(value)));
    }
    lines
}

fn provider_lines(answers: &Answers) -> Vec<String> {
    let origin = local_origin(answers);
    let addresses = answers.point.addresses().into_iter();
    let lines = addresses.map(|(name, path)| format!("{name}: {origin}{path}"));
    lines.chain(answers.point.notes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bargate::authoring::{Mode, StartingPoint};
    use bargate::deployment::EnvFiles;
    use bargate::text_file::TextFile;

    fn answers(provider: &str, mode: Mode, audience: &str) -> Answers {
        Answers {
            point: StartingPoint::of(provider).find(|point| point.mode() == Some(mode)).unwrap(),
            tenant: Some("tenant.eu.auth0.com".to_owned()),
            audience: Some(audience.to_owned()),
            upstream: Some("https://upstream.example.com/v1".to_owned()),
            port: 8800,
        }
    }

    #[test]
    fn the_lines_are_read_as_the_answers() {
        for audience in ["https://api.example.com/", "urn:api #1", "a \"b\" $c \\n `d`", "é"] {
            let answers = answers("auth0", Mode::Tokens, audience);
            let text = dev_vars(&answers);
            let file = TextFile { name: ".dev.vars".to_owned(), text: text.clone() };
            let read = EnvFiles::parse(vec![file], bargate::deployment::Variables::default()).unwrap();
            assert_eq!(read.value("AUTH0_AUDIENCE"), Some(audience), "{text}");
            let variables = answers.point.variables();
            for variable in &variables {
                let name = &variable.reference.name;
                assert!(read.value(name).is_some(), "{name}: {text}");
            }

            let variables: Vec<_> = variables.into_iter().filter(|variable| !is_secret(variable)).collect();
            let table: toml::Table = deployed_lines(&answers, &variables).join("\n").parse().unwrap();
            assert_eq!(table["vars"]["AUTH0_AUDIENCE"].as_str(), Some(audience));
            assert!(table["vars"].get("AUTH0_CLIENT_SECRET").is_none(), "the secret is no variable");
        }
    }

    #[test]
    fn every_address_of_the_gateway_is_among_what_the_provider_has_to_know() {
        let session = |name| {
            vec![
                format!("Redirect URI: http://127.0.0.1:8800{name}"),
                "Post-logout redirect URI: http://127.0.0.1:8800/".to_owned(),
            ]
        };
        let table = [
            ("auth0", Mode::Session, session("/api/auth0/callback")),
            ("oidc", Mode::Session, session("/api/oidc/callback")),
            (
                "auth0",
                Mode::Tokens,
                vec![
                    "Redirect URI: http://127.0.0.1:8800/".to_owned(),
                    "Redirect URI: http://127.0.0.1:8800/api/auth0/silent/callback".to_owned(),
                ],
            ),
            (
                "glewlwyd",
                Mode::Session,
                [
                    session("/auth/callback"),
                    vec!["Back-channel logout URI: http://127.0.0.1:8800/auth/backchannel-logout".to_owned()],
                ]
                .concat(),
            ),
        ];
        for (provider, mode, expected) in table {
            let answers = answers(provider, mode, "api");
            let lines = provider_lines(&answers);
            assert_eq!(lines, [expected, answers.point.notes()].concat(), "{provider} {mode:?}");
        }
    }
}
