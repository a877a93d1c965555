//! Files that commands write. An existing file is overwritten only on request.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, words_of};
use crate::surroundings;

/// What happens to an existing file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is overwritten.
    Overwritten,
    /// It stays, unless `--force` is given.
    KeptUnlessForced,
    /// It stays.
    Kept,
}

impl Existing {
    /// Returns what `--force` means.
    pub fn by_force(force: bool) -> Self {
        if force { Self::Overwritten } else { Self::KeptUnlessForced }
    }
}

/// The destination of a text.
pub struct Output {
    path: PathBuf,
    existing: Existing,
}

impl Output {
    /// Takes the file at `path`, or standard output for `-`.
    ///
    /// # Errors
    /// A file that exists and may not be overwritten. `write` checks that again.
    pub fn new(path: &Path, existing: Existing) -> Result<Self, Failure> {
        let output = Self { path: surroundings::path_of(path), existing };
        if existing != Existing::Overwritten && !output.is_standard() && output.path.symlink_metadata().is_ok() {
            return Err(output.taken());
        }
        Ok(output)
    }

    /// Checks whether the text goes to standard output.
    pub fn is_standard(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    /// Returns the file's name.
    pub fn name(&self) -> String {
        if self.is_standard() { "<stdout>".to_owned() } else { self.path.display().to_string() }
    }

    /// Writes the text.
    ///
    /// # Errors
    /// A file that exists and may not be overwritten, or that cannot be written.
    pub fn write(&self, text: &str) -> Result<(), Failure> {
        let written = if self.is_standard() {
            // The text needs no escapes here: it is JSON, such as a config, or the command's own words.
            #[expect(clippy::disallowed_methods)]
            let mut output = std::io::stdout().lock();
            output.write_all(text.as_bytes()).and_then(|()| output.flush())
        } else {
            let mut options = OpenOptions::new();
            match self.existing {
                Existing::Overwritten => options.write(true).create(true).truncate(true),
                Existing::KeptUnlessForced | Existing::Kept => options.write(true).create_new(true),
            };
            options.open(&self.path).and_then(|mut file| file.write_all(text.as_bytes()))
        };
        written.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => self.taken(),
            _ => Failure::new(format!("{}: cannot be written: {}", self.name(), words_of(&error))),
        })
    }

    fn taken(&self) -> Failure {
        let way_out = match self.existing {
            Existing::KeptUnlessForced => "; --force overwrites it",
            Existing::Overwritten | Existing::Kept => "",
        };
        Failure::new(format!("{}: exists already, and is not changed{way_out}", self.name()))
    }
}
