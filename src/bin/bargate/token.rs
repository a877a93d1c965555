//! `bargate token`: why a token is accepted or refused.
//!
//! No call carries the token, and no file is written. Only `--jwks URL` makes a call, only for the JWKS.

mod key_set;
mod reading;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use bargate::address::Address;
use bargate::algorithm::Algorithm;
use bargate::config::key_prefix;
use bargate::explain::{Expected, Explanation, GivenProof, Kind, Report, Sources, Unusable, Verdict};
use bargate::http::header::is_token;
use clap::Subcommand;

use crate::config_file::read_text;
use crate::failure::{FAILED, FOUND, Failure};
use crate::moment::Moment;
use crate::page::{Format, Page, print_json};
use crate::{sources, surroundings};
pub use key_set::read_key_set;
pub use reading::read_token;

/// The config that is read if none is named.
const USUAL_CONFIG: &str = "gateway.config.json";

/// Explains why a token or an API key is accepted or refused.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Explain(Explain),
}

/// Shows a token's header and claims, and every check that the gateway makes.
///
/// The token is sent nowhere. Values for $env and $secret come from the files that you name. Without any, they come from the files
/// beside the config that `wrangler dev` reads, such as .dev.vars or .env. A check whose value is unknown is skipped.
///
/// Exits with 0 if the token is accepted, and with 1 if it is refused. Exits with 2 if that is unknown, because
/// something could not be checked or read.
#[derive(clap::Args)]
struct Explain {
    /// The token or the API key, with or without "Bearer "; - reads standard input.
    ///
    /// The shell's history keeps an argument, and every user of the machine can see it. So prefer -, as in
    /// `bargate token explain - < token.txt`.
    token: String,

    /// The config with the authorizer [default: gateway.config.json, if it exists].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Reads no config.
    #[arg(long, conflicts_with_all = ["config", "authorizer", "values", "wrangler"])]
    no_config: bool,

    /// The authorizer, if the config has several [default: the one whose issuer the token names, or else the first].
    #[arg(long, value_name = "NAME")]
    authorizer: Option<String>,

    #[command(flatten)]
    values: sources::Sources,

    /// The issuer, instead of the config's.
    #[arg(long)]
    issuer: Option<String>,

    /// The audience, instead of the config's.
    #[arg(long)]
    audience: Option<String>,

    /// An allowed algorithm, instead of the config's; may be given more than once [default without a config: RS256].
    #[arg(long = "algorithm", value_name = "ALG", value_parser = algorithm)]
    algorithms: Vec<Algorithm>,

    /// The key set: a file, or a URL to fetch it from (https, or http on this machine). The URL may be that of a discovery
    /// document, which names the key set. Without this URL, nothing is fetched.
    #[arg(long, value_name = "FILE|URL")]
    jwks: Option<String>,

    /// The record of an API key in KV, as `wrangler kv key get` prints it.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,

    /// The proof of a token that is bound to a key: the content of the header DPoP.
    #[arg(long, requires = "request")]
    proof: Option<String>,

    /// The request that the proof came with, such as "GET https://api.example.com/orders".
    #[arg(long, requires = "proof")]
    request: Option<String>,

    #[command(flatten)]
    moment: Moment,

    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    let names = Algorithm::NAMES.map(|(name, _)| name).join(", ");
    Algorithm::parse(name).ok_or_else(|| format!("one of {names}"))
}

/// Runs the command.
///
/// # Errors
/// What it could not read, or a wrong argument.
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Command::Explain(arguments) = arguments.command;
    explain(&arguments)
}

fn explain(arguments: &Explain) -> Result<ExitCode, Failure> {
    let from_input = [
        arguments.token == "-",
        arguments.config.as_ref().is_some_and(|path| path.as_os_str() == "-"),
        arguments.jwks.as_deref() == Some("-"),
        arguments.record.as_ref().is_some_and(|path| path.as_os_str() == "-"),
    ];
    if from_input.into_iter().filter(|from_input| *from_input).count() > 1 {
        return Err(Failure::new("standard input can be read only once: give one -"));
    }
    let token = read_token(&arguments.token)?;
    let now = arguments.moment.secs();
    let claims = bargate::token::Parts::split(&token).ok().and_then(|parts| parts.claims().ok());
    let issuer = claims.as_ref().and_then(|claims| claims.get("iss")?.as_str());
    let sources = gather(arguments, issuer, key_prefix(&token))?;
    let stored = arguments.record.as_deref().map(read_text).transpose()?;
    let (kind, explanation) = match &sources.api_keys {
        Some(keys) => {
            let name = sources.authorizer.as_ref().map_or("", |(name, _)| name);
            let stored = stored.as_ref().map(|file| file.text.as_str());
            (Kind::ApiKey, Explanation::of_key(&token, name, keys, stored, now))
        }
        None => {
            let (proof, check) = (given_proof(arguments)?, &surroundings::check_signature);
            (Kind::of(&token), Explanation::of_sent(&token, proof.as_ref(), &sources.rules, now, check))
        }
    };
    let report = Report { kind, explanation: &explanation, sources: &sources, now };
    match arguments.format {
        Format::Text => {
            let mut page = Page::default();
            page.rendered(&report.text());
            page.print();
        }
        Format::Json => print_json(&report.json()),
    }
    Ok(match explanation.verdict() {
        Verdict::Accepted => ExitCode::SUCCESS,
        Verdict::Refused(_) => ExitCode::from(FOUND),
        Verdict::Undecided => ExitCode::from(FAILED),
    })
}

/// Returns the proof, with the request that it came with.
fn given_proof(arguments: &Explain) -> Result<Option<GivenProof>, Failure> {
    let Some(proof) = &arguments.proof else { return Ok(None) };
    let request = arguments.request.as_deref().unwrap_or_default();
    let parsed = request.split_once(' ').and_then(|(method, url)| Some((method, Address::parse(url.trim())?)));
    let (method, url) = parsed.filter(|(method, url)| is_token(method) && url.is_http()).ok_or_else(|| {
        Failure::new("--request needs a method and a whole address, such as \"GET https://api.example.com/orders\"")
    })?;
    Ok(Some(GivenProof { header: Some(proof.clone()), method: method.to_owned(), url: Some(url) }))
}

/// Returns the rules for a token that claims `claimed_issuer`: the flags, and for the rest the config.
fn gather(arguments: &Explain, claimed_issuer: Option<&str>, prefix: Option<&str>) -> Result<Sources, Failure> {
    let usual =
        || Path::new(USUAL_CONFIG).is_file().then(|| PathBuf::from(USUAL_CONFIG)).filter(|_| !arguments.no_config);
    let path = arguments.config.clone().or_else(usual);
    let nothing = "no config is read: name one by --config";
    let mut sources = match path {
        Some(path) => of_config(&path, arguments, claimed_issuer, prefix)?,
        None if arguments.authorizer.is_some() => return Err(Failure::new(nothing)),
        None => Sources::without_authorizer(nothing),
    };
    let rules = &mut sources.rules;
    for (flag, rule) in [(&arguments.issuer, &mut rules.issuer), (&arguments.audience, &mut rules.audience)] {
        if let Some(value) = flag {
            *rule = Ok(Expected::public(value.clone()));
        }
    }
    if arguments.issuer.is_some() {
        rules.tenants = Ok(Vec::new());
    }
    if !arguments.algorithms.is_empty() {
        rules.algorithms = Ok(arguments.algorithms.clone());
    }
    if let Some(place) = &arguments.jwks {
        let issuer = rules.issuer.as_ref().ok().map(|issuer| issuer.value.as_str());
        rules.keys = Ok(Rc::new(read_key_set(place, issuer)?));
    }
    Ok(sources)
}

fn of_config(
    path: &Path,
    arguments: &Explain,
    claimed_issuer: Option<&str>,
    prefix: Option<&str>,
) -> Result<Sources, Failure> {
    let file = read_text(path)?;
    let path = surroundings::path_of(path);
    let folder = path.parent().unwrap_or(Path::new(""));
    let local = sources::Sources::of_local_run();
    let deployment = if arguments.values.is_empty() { &local } else { &arguments.values }.read(folder)?;
    let sources = Sources::of_config(&file, &deployment, arguments.authorizer.as_deref(), claimed_issuer, prefix);
    let sources = sources.map_err(|reason| match reason {
        Unusable::Mistakes(first) => {
            let hint = if arguments.config.is_none() { "; --no-config ignores it" } else { "" };
            Failure::of(vec![format!("the config has errors (`bargate check` lists them){hint}"), first])
        }
        Unusable::NoSuchAuthorizer(reason) => Failure::new(reason),
    })?;
    Ok(Sources { files: deployment.file_names(), ..sources })
}
