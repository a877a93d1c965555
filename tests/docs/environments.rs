//! docs/environments.md: its deployment lacks nothing in any environment, by the command that the page advises.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::markdown::Page;

/// The label of a whole configuration of wrangler's.
const WRANGLER: &str = "toml wrangler";

/// Returns the only block of a page with this label.
pub fn block<'page>(page: &'page Page, label: &str) -> &'page str {
    let mut found = page.blocks.iter().filter(|block| block.info == label);
    let block = found.next().unwrap_or_else(|| panic!("{} has a block `{label}`", page.name));
    assert!(found.next().is_none(), "{} has one block `{label}`", page.name);
    &block.text
}

/// Returns the configuration of wrangler's that a page has.
pub fn wrangler(page: &Page) -> &str {
    block(page, WRANGLER)
}

/// Checks a config against an environment of a deployment, and returns what the command says, if it is not content.
pub fn fault(folder: &Path, config: &str, wrangler: &str, environment: Option<&str>) -> Option<String> {
    fs::create_dir_all(folder).expect("the folder can be made");
    fs::write(folder.join("gateway.config.json"), config).expect("the config can be written");
    fs::write(folder.join("wrangler.toml"), wrangler).expect("the file can be written");
    let environment = environment.map(|name| ["--environment", name]);
    let run = Command::new(env!("CARGO_BIN_EXE_bargate"))
        .current_dir(folder)
        .args(["check", "--deny-warnings", "--wrangler", "wrangler.toml"])
        .args(environment.iter().flatten())
        .output();
    let output = run.expect("the program runs");
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}
