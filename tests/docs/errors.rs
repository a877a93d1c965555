//! docs/errors.md: every problem that a request may get and every diagnostic of a config, made of the lists in the code.
//!
//! With `UPDATE_GOLDEN=1` in the environment, the test writes the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use bargate::config::Code;
use bargate::problem::{Challenge, ProblemKind};
use bargate::review::{ReviewedFile, review, text};
use bargate::token::Scheme;

const BEGINNING: &str = "\
# Errors

Generated from the lists in `src/problem/kind.rs` and `src/config/code.rs`; `cargo test --test docs` checks it.

- [Problems in answers](#problems-in-answers)
- [Errors in a config](#errors-in-a-config)
- [Errors in a deployment](#errors-in-a-deployment)
- [Warnings](#warnings)

## Problems in answers

Each problem has a body of type `application/problem+json` (RFC 9457). People who follow a link get
[a page](paths.md#problems-that-people-see) instead. `code` is stable, and is also in the header `X-Problem-Code`.

```json answer
{ \"type\": \"urn:bargate:problem:token_expired\", \"title\": \"Token expired\", \"status\": 401,
  \"detail\": \"Refresh the access token and send the request again.\", \"code\": \"token_expired\",
  \"request_id\": \"v61d_IbiSPo-0000000f\", \"error\": \"Token expired\" }
```

The body has no text from the request, the provider or a secret; the log has the reason under the request id. `error` repeats `title`
for older clients.

`WWW-Authenticate` ends in the scopes that the path needs, as `scope`, and in the address of its
[metadata](tokens.md#metadata-for-oauth-clients), as `resource_metadata`, if it has any.

`Retry-After` is in seconds. For `rate_limited` it is the period of the path's `rate_limit`, or with a `limit` the time until a request passes, or 3. For `idp_rate_limited` it is the
provider's own, at most 3600, if its 429 has one. Otherwise it is 5. Paths with `auth` also answer with the `idp_…` codes, if there is no
JWKS to verify a token with, or if a session's access token has expired and cannot be renewed.
";

const MISTAKES: &str = "
## Errors in a config

`bargate check` reports each with its place, and a build stops on them. A gateway without a valid config answers
[`config_invalid`](#config_invalid).
";

const DEPLOYMENT: &str = "
## Errors in a deployment

`bargate check` reports these if it knows [what the deployment declares](command-line.md#against-a-deployment).
";

const WARNINGS: &str = "
## Warnings

A warning is about something valid that is rarely intended. [`\"allow\": [\"the code\"]`](command-line.md#warnings) silences it.
";

/// Returns the page.
pub fn page() -> String {
    let mut page = BEGINNING.to_owned();
    for kind in ProblemKind::ALL {
        push_problem(&mut page, kind);
    }
    let examples = examples();
    let sections = [(MISTAKES, Code::MISTAKES), (DEPLOYMENT, Code::MISTAKES_OF_DEPLOYMENT), (WARNINGS, Code::WARNINGS)];
    for (beginning, codes) in sections {
        page.push_str(beginning);
        for code in codes {
            let _ = write!(page, "\n### {code}\n\n{}.\n", capitalised(code.meaning()));
            if let Some(example) = examples.get(code) {
                let _ = write!(page, "\n```text\n{}\n```\n", example.trim_end());
            }
        }
    }
    page
}

fn push_problem(page: &mut String, kind: &ProblemKind) {
    let ProblemKind { status, code, title, when, remedy, challenge, retry, .. } = kind;
    let _ = write!(page, "\n### {code}\n\n**{status} {title}**: {when}. {remedy}");
    let scheme = match challenge {
        Some(Challenge::InvalidProof | Challenge::UseNonce) => Scheme::Dpop,
        _ => Scheme::Bearer,
    };
    let challenge = challenge.map(|challenge| challenge.to_text(&[scheme], None, "", None));
    *page = page.trim_end().to_owned() + "\n";
    if let Some(challenge) = challenge {
        let _ = write!(page, "\n- `WWW-Authenticate: {challenge}`\n");
    }
    if *retry {
        let _ = write!(page, "\n- `Retry-After`\n");
    }
}

fn capitalised(clause: &str) -> String {
    let mut letters = clause.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

/// Returns for each code the shortest text that `bargate check` prints of a fixture with it.
fn examples() -> BTreeMap<Code, String> {
    let mut examples: BTreeMap<Code, String> = BTreeMap::new();
    for source in fixtures() {
        for diagnostic in review(&source) {
            let code = diagnostic.code;
            let file = ReviewedFile { name: "gateway.config.json", text: &source, diagnostics: &[diagnostic] };
            let printed = text(&file, false);
            let shorter = |known: &String| (printed.len(), &printed) < (known.len(), known);
            if examples.get(&code).is_none_or(shorter) {
                examples.insert(code, printed);
            }
        }
    }
    examples
}

fn fixtures() -> Vec<String> {
    let folders = ["invalid", "warned"].map(|kind| Path::new(super::ROOT).join("tests/fixtures/configs").join(kind));
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("the folder can be read"));
    let mut files: Vec<PathBuf> = files.map(|entry| entry.expect("its entry can be read").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.iter().map(|path| fs::read_to_string(path).expect("the fixture can be read")).collect()
}
