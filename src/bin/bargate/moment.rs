//! The time that a command goes by: this machine's, or one that an argument gives.

use bargate::explain::time;

/// The arguments.
#[derive(clap::Args)]
pub struct Moment {
    /// The time that counts, in RFC 3339 or in seconds since 1970 [default: this machine's clock].
    #[arg(long, value_name = "TIME", value_parser = time::parse_time, allow_hyphen_values = true)]
    at: Option<i64>,
}

impl Moment {
    /// Returns it, in seconds since 1970.
    pub fn secs(&self) -> i64 {
        self.at.unwrap_or_else(|| jiff::Timestamp::now().as_second())
    }
}
