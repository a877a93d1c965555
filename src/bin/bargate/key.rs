//! `bargate key`: makes API keys, lists them, and says how to revoke them.
//!
//! It makes no call: what it prints is for wrangler. A key is printed once, and no file has it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bargate::authoring::{FreshKey, KeyAuthorizer, StoredKey, Wishes, delete_command, digest_of, read_namespace};
use bargate::config::seconds_of_date;
use bargate::explain::time;
use bargate::json::ToText as _;
use clap::Subcommand;
use serde_json::json;

use crate::config_file::read_text;
use crate::failure::{FOUND, Failure};
use crate::moment::Moment;
use crate::output::{Existing, Output};
use crate::page::{Format, Page, print_json, say};
use crate::token::read_token;

/// Random bytes for several keys, of which the first is taken that wrangler can name.
const RANDOM_BYTES: usize = 512;

/// Makes API keys, lists them, and says how to revoke them.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    New(New),
    List(List),
    Revoke(Revoke),
}

/// Makes a key: prints it to standard output, and to standard error how its record is stored.
///
/// The key is not printed again, and no file has it. What is stored is its SHA-256 with the record.
#[derive(clap::Args)]
struct New {
    /// Whose key it is: the claim "sub".
    #[arg(long)]
    owner: String,

    /// What the owner uses it for.
    #[arg(long)]
    name: Option<String>,

    /// A scope that it has; may be given more than once.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,

    /// A claim that it has; may be given more than once. A value that is JSON, such as true or a list, stands for that.
    #[arg(long = "claim", value_name = "NAME=VALUE", value_parser = claim)]
    claims: Vec<(String, String)>,

    /// Its end, as a date of RFC 3339, such as 2027-01-31T00:00:00Z.
    #[arg(long, value_name = "DATE")]
    not_after: Option<String>,

    /// An address or a network from which it may be used; may be given more than once.
    #[arg(long = "ip", value_name = "NETWORK")]
    addresses: Vec<String>,

    /// Writes the record to a file that `wrangler kv bulk put` takes, and that must not exist.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    of: Of,

    /// How to print; json has the key, too.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Lists keys: those of a config, or what wrangler prints of a KV namespace.
#[derive(clap::Args)]
struct List {
    /// A config, the output of `wrangler kv key list` or `kv bulk get`, or the file of `kv bulk put`; - reads standard input.
    #[arg(default_value = "gateway.config.json")]
    file: PathBuf,

    #[command(flatten)]
    moment: Moment,

    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Says how keys are revoked: prints the command that removes their records, or which entries of the config to remove.
#[derive(clap::Args)]
struct Revoke {
    /// The key, or its SHA-256 in base64url; - reads standard input.
    ///
    /// The shell's history keeps an argument. So prefer -, or the SHA-256.
    #[arg(required_unless_present = "owner", conflicts_with = "owner", allow_hyphen_values = true)]
    key: Option<String>,

    /// All keys of an owner.
    #[arg(long, requires = "keys")]
    owner: Option<String>,

    /// The keys in KV, as `bargate key list` reads them.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,

    /// Writes the SHA-256 of each to a file that `wrangler kv bulk delete` takes, and that must not exist.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    #[command(flatten)]
    of: Of,
}

/// The authorizer whose keys are meant.
#[derive(clap::Args)]
struct Of {
    /// The config.
    #[arg(long, value_name = "FILE", default_value = "gateway.config.json")]
    config: PathBuf,

    /// The authorizer, if the config has several of type api_key.
    #[arg(long, value_name = "NAME")]
    authorizer: Option<String>,
}

fn claim(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Runs the command.
///
/// # Errors
/// What it could not read, or a wrong argument.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::New(arguments) => make(arguments),
        Command::List(arguments) => list(arguments),
        Command::Revoke(arguments) => revoke(arguments),
    }
}

impl Of {
    fn authorizer(&self) -> Result<KeyAuthorizer, Failure> {
        let file = read_text(&self.config)?;
        let name = &file.name;
        let known = KeyAuthorizer::all(&file.text).map_err(|mistake| {
            Failure::of(vec![
                "the config has errors (`bargate check` lists them)".to_owned(),
                format!("{name}:{mistake}"),
            ])
        })?;
        let names = known.iter().map(|authorizer| authorizer.name.as_str()).collect::<Vec<_>>().join(", ");
        let mut meant = known.into_iter();
        let meant = match &self.authorizer {
            Some(wanted) => meant.find(|authorizer| authorizer.name == *wanted),
            None if meant.len() > 1 => {
                return Err(Failure::new(format!(
                    "{name}: has several authorizers of type api_key: name one by --authorizer: {names}"
                )));
            }
            None => meant.next(),
        };
        let names = if names.is_empty() { "none" } else { &names };
        meant.ok_or_else(|| Failure::new(format!("{name}: has no such authorizer of type api_key; it has: {names}")))
    }
}

fn make(arguments: &New) -> Result<ExitCode, Failure> {
    let authorizer = arguments.of.authorizer()?;
    let output = arguments.output.as_deref().map(|path| Output::new(path, Existing::Kept)).transpose()?;
    let mut random = [0; RANDOM_BYTES];
    getrandom::fill(&mut random).map_err(|error| Failure::new(format!("there is no randomness: {error}")))?;
    let New { owner, name, scopes, claims, not_after, addresses, .. } = arguments;
    let (name, not_after) = (name.as_deref(), not_after.as_deref());
    let wishes = Wishes { owner, name, scopes, claims, not_after, addresses };
    let fresh = FreshKey::make(&authorizer, &wishes, &random);
    let fresh = fresh.map_err(|wrong| Failure::new(format!("no record can be made: {wrong}")))?;
    if let Some(output) = &output {
        output.write(&(fresh.bulk().to_text() + "\n"))?;
    }
    if arguments.format == Format::Json {
        let (command, entry) = match &authorizer.kv {
            Some(kv) => (Some(fresh.put_command(kv)), None),
            None => (None, Some(fresh.entry())),
        };
        print_json(&json!({
            "key": fresh.key(), "sha256": fresh.digest, "authorizer": authorizer.name, "kv": authorizer.kv,
            "value": fresh.stored(), "command": command, "entry": entry, "pattern": authorizer.pattern(),
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let mut page = Page::default();
    page.line(fresh.key());
    page.print();
    say(format!("This is the key of {owner}, and is not shown again. The gateway needs its record:"));
    match (&authorizer.kv, &output) {
        (Some(kv), Some(output)) => {
            say(format!("  npx wrangler kv bulk put {} --binding {kv} --remote", output.name()))
        }
        (Some(kv), None) => say(format!("  {}", fresh.put_command(kv))),
        (None, _) => say(format!("  {}", fresh.entry().to_text())),
    }
    if authorizer.kv.is_none() {
        say(format!("Add this to \"keys\" of the authorizer \"{}\", and deploy the config.", authorizer.name));
    }
    if not_after.and_then(seconds_of_date).is_some_and(|last| last < jiff::Timestamp::now().as_second()) {
        say("The gateway refuses it: its end is past.".to_owned());
    }
    say(format!("A rule for your secret scanner: {}", authorizer.pattern()));
    Ok(ExitCode::SUCCESS)
}

/// Reads keys from a config or from what wrangler prints.
fn read_keys(path: &Path) -> Result<Vec<StoredKey>, Failure> {
    let file = read_text(path)?;
    let is_config = serde_json::from_str(&file.text).is_ok_and(|value: serde_json::Value| value.get("paths").is_some());
    let read = match is_config {
        true => KeyAuthorizer::all(&file.text).map(|all| all.into_iter().flat_map(|one| one.listed).collect()),
        false => read_namespace(&file.text),
    };
    read.map_err(|wrong| Failure::new(format!("{}: {wrong}", file.name)))
}

fn list(arguments: &List) -> Result<ExitCode, Failure> {
    let keys = read_keys(&arguments.file)?;
    let now = arguments.moment.secs();
    let rows: Vec<_> = keys.iter().map(|key| row(key, now)).collect();
    if arguments.format == Format::Json {
        print_json(&json!({ "keys": rows }));
        return Ok(ExitCode::SUCCESS);
    }
    let mut page = Page::default();
    let columns = ["sha256", "state", "owner", "name", "scopes", "not_after"];
    let text = |row: &serde_json::Value, column: &str| match row.get(column) {
        Some(serde_json::Value::String(text)) => text.clone(),
        _ => "-".to_owned(),
    };
    let mut lines = vec![columns.map(str::to_owned)];
    lines.extend(rows.iter().map(|row| columns.map(|column| text(row, column))));
    let widths: Vec<_> = (0..columns.len())
        .map(|at| lines.iter().filter_map(|line| line.get(at)).map(|cell| cell.chars().count()).max())
        .collect();
    for line in &lines {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<0$}", width.unwrap_or_default()));
        page.line(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    page.print();
    Ok(ExitCode::SUCCESS)
}

fn row(key: &StoredKey, now: i64) -> serde_json::Value {
    match &key.record {
        Ok(record) => {
            let has_expired = record.not_after.is_some_and(|last| now > last);
            json!({
                "sha256": key.digest,
                "state": if has_expired { "expired" } else { "valid" },
                "owner": record.claims.get("sub"),
                "name": *record.name,
                "scopes": record.claims.get("scope"),
                "not_after": record.not_after.and_then(time::utc),
            })
        }
        Err(wrong) => json!({ "sha256": key.digest, "state": format!("malformed: {wrong}") }),
    }
}

fn revoke(arguments: &Revoke) -> Result<ExitCode, Failure> {
    let authorizer = arguments.of.authorizer()?;
    let stored = arguments.keys.as_deref().map(read_keys).transpose()?.unwrap_or_default();
    let digests = match (&arguments.owner, &arguments.key) {
        (Some(owner), _) => {
            let all = stored.iter().chain(&authorizer.listed);
            let is_of = |key: &&StoredKey| {
                key.record
                    .as_ref()
                    .is_ok_and(|record| record.claims.get("sub").is_some_and(|sub| sub == owner.as_str()))
            };
            let mut digests: Vec<_> = all.filter(is_of).map(|key| key.digest.clone()).collect();
            digests.sort();
            digests.dedup();
            digests
        }
        (None, Some(key)) => {
            let digest = digest_of(&read_token(key)?);
            vec![digest.ok_or_else(|| Failure::new("this is neither a key nor the SHA-256 of one in base64url"))?]
        }
        (None, None) => Vec::new(),
    };
    if digests.is_empty() {
        say("no key is of that owner");
        return Ok(ExitCode::from(FOUND));
    }
    let is_listed = |digest: &&String| authorizer.listed.iter().any(|key| key.digest == **digest);
    let (in_config, in_kv): (Vec<_>, Vec<_>) = digests.iter().partition(is_listed);
    let mut page = Page::default();
    for digest in &in_config {
        page.line(format!(
            "remove the entry {digest} from \"keys\" of the authorizer \"{}\", and deploy the config",
            authorizer.name
        ));
    }
    match (&authorizer.kv, &arguments.output) {
        (_, _) if in_kv.is_empty() => {}
        (None, _) => {
            let missing = in_kv.iter().map(|digest| digest.as_str()).collect::<Vec<_>>().join(", ");
            return Err(Failure::new(format!(
                "the authorizer \"{}\" has no key {missing}, and no \"kv\"",
                authorizer.name
            )));
        }
        (Some(kv), Some(path)) => {
            let output = Output::new(path, Existing::Kept)?;
            output.write(&(json!(in_kv).to_text() + "\n"))?;
            page.line(format!("npx wrangler kv bulk delete {} --binding {kv} --remote", output.name()));
        }
        (Some(kv), None) => in_kv.iter().for_each(|digest| page.line(delete_command(kv, digest))),
    }
    page.print();
    Ok(ExitCode::SUCCESS)
}
