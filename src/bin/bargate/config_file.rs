//! Config files as commands name them: a path, or `-` for standard input.

use std::io::Read as _;
use std::path::Path;

use bargate::text_file::TextFile;

use crate::failure::{Failure, words_of};
use crate::surroundings;

/// Largest file that is read, in bytes: KV, which may store the config, takes no larger value.
const FILE_MAX_BYTES: u64 = 25 * 1024 * 1024;

/// The name of standard input.
pub const STDIN_NAME: &str = "<stdin>";

/// Reads the file at `path`, or standard input for `-`.
///
/// # Errors
/// A file that does not exist, cannot be read, is too large, or is not UTF-8, with the line of its first wrong byte.
pub fn read_text(path: &Path) -> Result<TextFile, Failure> {
    let from_input = path.as_os_str() == "-";
    let path = &surroundings::path_of(path);
    let name = if from_input { STDIN_NAME.to_owned() } else { path.display().to_string() };
    let fail = |reason: String| Failure::new(format!("{name}: {reason}"));
    let mut bytes = Vec::new();
    let read = if from_input {
        std::io::stdin().lock().take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| fail(format!("cannot be read: {}", words_of(&error))))?;
    if bytes.len() as u64 > FILE_MAX_BYTES {
        return Err(fail(format!("is larger than {} MiB", FILE_MAX_BYTES / (1024 * 1024))));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..valid).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        fail(format!("is not UTF-8: byte {} in line {line} is not part of a character", valid + 1))
    })?;
    Ok(TextFile { name, text })
}
