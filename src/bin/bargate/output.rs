//! Files that commands write: never over one that is there, unless that was asked for.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// What becomes of a file that is there already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is overwritten, which was asked for.
    Overwritten,
    /// It stays, and could be overwritten on demand.
    KeptUnlessForced,
    /// It stays.
    StoredResult,
}

impl Existing {
    /// Returns what `--force` says.
    pub fn by_force(force: bool) -> Self {
        if force { Self::Overwritten } else { Self::KeptUnlessForced }
    }
}

/// Where a text goes.
pub struct Output {
    path: PathBuf,
    existing: Existing,
}

impl Output {
    /// Takes the file at `path`, or standard output for `-`.
    ///
    /// # Errors
    /// A file that is there and may not be overwritten. It is looked for once more when the text is written.
    pub fn new(path: &Path, existing: Existing) -> Result<Self, Failure> {
        let output = Self { path: path.to_owned(), existing };
        if existing != Existing::Overwritten && !output.is_standard() && path.symlink_metadata().is_ok() {
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
    /// A file that is there and may not be overwritten, or that cannot be written.
    pub fn write(&self, text: &str) -> Result<(), Failure> {
        let written = if self.is_standard() {
            // Commands write what stands for itself here, such as a config: JSON with its texts escaped, or what they know.
            #[expect(clippy::disallowed_methods)]
            let mut output = std::io::stdout().lock();
            output.write_all(text.as_bytes()).and_then(|()| output.flush())
        } else {
            let mut options = OpenOptions::new();
            match self.existing {
                Existing::Overwritten => options.write(true).create(true).truncate(true),
                Existing::KeptUnlessForced | Existing::StoredResult => options.write(true).create_new(true),
            };
            options.open(&self.path).and_then(|mut file| file.write_all(text.as_bytes()))
        };
        written.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => self.taken(),
            _ => Failure::new(format!("{}: cannot be written: {error}", self.name())),
        })
    }

    fn taken(&self) -> Failure {
        let way_out = match self.existing {
            Existing::KeptUnlessForced => "; --force overwrites it",
            Existing::Overwritten | Existing::StoredResult => "",
        };
        Failure::new(format!("{}: is there already, and stays as it is{way_out}", self.name()))
    }
}
