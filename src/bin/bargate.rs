//! The command line: checks a gateway config away from the Worker. Host only.

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    cli::run()
}

#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(not(target_arch = "wasm32"))]
mod cli {
    use std::path::{Path, PathBuf};
    use std::process::ExitCode;

    use clap::{Parser, Subcommand};

    /// Exit status where the config has mistakes.
    const INVALID: u8 = 1;

    /// Exit status where the file cannot be read.
    const UNREADABLE: u8 = 2;

    /// Bargate, an auth-aware API gateway for Cloudflare Workers.
    #[derive(Parser)]
    #[command(version, arg_required_else_help = true)]
    struct Arguments {
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Subcommand)]
    enum Command {
        /// Checks a config and names every mistake with its place.
        Check {
            /// The config.
            #[arg(default_value = "gateway.config.json")]
            file: PathBuf,
        },
    }

    /// Runs the command that the arguments name.
    pub fn run() -> ExitCode {
        match Arguments::parse().command {
            Command::Check { file } => check(&file),
        }
    }

    fn check(file: &Path) -> ExitCode {
        let shown = file.display();
        let source = match std::fs::read_to_string(file) {
            Ok(source) => source,
            Err(error) => {
                eprintln!("{shown}: cannot be read: {error}");
                return ExitCode::from(UNREADABLE);
            }
        };
        let mistakes = bargate::config::check(&source);
        for mistake in &mistakes {
            eprintln!("{shown}:{mistake}");
        }
        match mistakes.len() {
            0 => ExitCode::SUCCESS,
            count => {
                eprintln!("{shown}: {count} {}", if count == 1 { "mistake" } else { "mistakes" });
                ExitCode::from(INVALID)
            }
        }
    }
}
