//! `bargate request`: the way of a request through the gateway.
//!
//! Nothing is sent anywhere. Only `--jwks URL` makes a call, only for the JWKS.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use bargate::config::Dpop;
use bargate::explain::{Explanation, GivenProof, Sources};
use bargate::walk::{Kind, Known, Request, RequestText, Unusable, Way};
use clap::Subcommand;

use crate::config_file::read_text;
use crate::failure::{FAILED, FOUND, Failure};
use crate::moment::Moment;
use crate::page::{Format, Page, print_json};
use crate::token::{read_key_set, read_token};
use crate::{sources, surroundings};

/// Explains the way of a request through the gateway.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Explain(Explain),
}

/// Shows the way of a request step by step: which path takes it, what would refuse it, and what the upstream gets.
///
/// Nothing is sent. The steps are the Worker's own, in its order. What the config cannot decide alone, such as counts of requests,
/// sessions and the provider, is unknown, and the way goes on as if it passed. Values for $env and $secret come from the files that you
/// name. Without any, they come from the files beside the config that `wrangler dev` reads. Secrets are never shown.
///
/// Exits with 0 if the request is forwarded or answered, with 1 if it is refused, and with 2 if that depends on a token which could not
/// be checked to the end.
#[derive(clap::Args)]
struct Explain {
    /// Method and address, as in "GET https://gateway.example/api/x" or "GET /api/x".
    request: String,

    /// The config; - reads standard input.
    #[arg(long, value_name = "FILE", default_value = "gateway.config.json")]
    config: PathBuf,

    /// A header of the request, as in "Accept: text/html"; may be given more than once.
    #[arg(long = "header", short = 'H', value_name = "HEADER")]
    headers: Vec<String>,

    /// The bearer token that it sends; - reads standard input.
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,

    /// The key set that the token's signature is checked with: a file, or a URL to fetch it from. Without this, the signature is checked
    /// only if the config has the keys.
    #[arg(long, value_name = "FILE|URL")]
    jwks: Option<String>,

    /// The request has the cookie of a session.
    #[arg(long)]
    session: bool,

    /// The size of its body, in bytes.
    #[arg(long, value_name = "N")]
    body_bytes: Option<u64>,

    /// The client's IP address.
    #[arg(long, value_name = "IP")]
    from: Option<String>,

    #[command(flatten)]
    values: sources::Sources,

    #[command(flatten)]
    moment: Moment,

    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Runs the command.
///
/// # Errors
/// What it could not read, or a wrong argument.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Command::Explain(arguments) = &arguments.command;
    explain(arguments)
}

fn explain(arguments: &Explain) -> Result<ExitCode, Failure> {
    let from_input = [
        arguments.token.as_deref() == Some("-"),
        arguments.config.as_os_str() == "-",
        arguments.jwks.as_deref() == Some("-"),
    ];
    if from_input.into_iter().filter(|from_input| *from_input).count() > 1 {
        return Err(Failure::new("standard input can be read only once: give one -"));
    }
    let token = arguments.token.as_deref().map(read_token).transpose()?;
    let text = RequestText {
        line: &arguments.request,
        headers: &arguments.headers,
        token: token.as_deref(),
        body_bytes: arguments.body_bytes,
        from: arguments.from.as_deref(),
    };
    let mut request = Request::parse(&text).map_err(Failure::new)?;
    let file = read_text(&arguments.config)?;
    let path = surroundings::path_of(&arguments.config);
    let folder = path.parent().unwrap_or(Path::new(""));
    let local = sources::Sources::of_local_run();
    let deployment = if arguments.values.is_empty() { &local } else { &arguments.values }.read(folder)?;
    let known = Known::read(&file, &deployment).map_err(|reason| match reason {
        Unusable::Mistakes(first) => {
            Failure::of(vec!["the config has errors (`bargate check` lists them)".to_owned(), first])
        }
        Unusable::NeedsValue(reference) => Failure::new(format!(
            "{}: {reference} has no value here, and nothing can stand for it: name a file with it by --values",
            file.name
        )),
    })?;
    if arguments.session {
        request.add_session(&known).map_err(Failure::new)?;
    }
    let now = arguments.moment.secs();
    let keys = arguments.jwks.as_deref().map(|place| read_key_set(place, None)).transpose()?.map(Rc::new);
    let check = |authorizer: &str, token: &str, proof: Option<&GivenProof>, dpop: Option<&Rc<Dpop>>| {
        let sources = Sources::of_config(&file, &deployment, Some(authorizer), None, None);
        let mut sources = sources.unwrap_or_else(|_| Sources::without_authorizer("the config has no such authorizer"));
        if let Some(keys) = &keys {
            sources.rules.keys = Ok(Rc::clone(keys));
        }
        sources.rules.dpop = dpop.cloned();
        Explanation::of_sent(token, proof, &sources.rules, now, &surroundings::check_signature)
    };
    let way = Way::of(&known, &request, now, &check);
    match arguments.format {
        Format::Text => {
            let mut page = Page::default();
            page.rendered(&way.text());
            page.print();
        }
        Format::Json => print_json(&way.json()),
    }
    Ok(match way.outcome.kind {
        Kind::Refused => ExitCode::from(FOUND),
        Kind::Forwarded | Kind::Answered if way.is_token_open => ExitCode::from(FAILED),
        Kind::Forwarded | Kind::Answered => ExitCode::SUCCESS,
    })
}
