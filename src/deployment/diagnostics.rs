//! What is told of a deployment, in its form.

use crate::config::{Diagnostic, LineIndex, Severity};
use crate::review::Need;
use crate::text_file::TextFile;

/// Says how to keep a warning quiet.
pub fn way_to_allow(code: &str) -> String {
    format!("if it is meant, add \"allow\": [\"{code}\"] at the top of the config")
}

/// Makes an error about a need, with the place where the config has it.
pub fn diagnostic(need: &Need, code: &'static str, message: String, help: String) -> Diagnostic {
    let Need { path, offset, line, column, .. } = need;
    Diagnostic {
        severity: Severity::Error,
        code,
        path: path.clone(),
        offset: *offset,
        line: *line,
        column: *column,
        message,
        help: Some(help),
    }
}

/// Makes a warning whose line is still to be found.
pub fn warning(code: &'static str, path: String, offset: usize, message: String, help: String) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, code, path, offset, line: 1, column: 1, message, help: Some(help) }
}

/// Finds the lines of what was told of a file.
pub fn locate(told: &mut [Diagnostic], file: &TextFile) {
    let lines = LineIndex::new(file.text.strip_prefix('\u{feff}').unwrap_or(&file.text));
    for diagnostic in told {
        (diagnostic.line, diagnostic.column) = lines.locate(diagnostic.offset);
    }
}
