//! The diagnostics of a deployment, in their form.

use crate::config::{Code, Diagnostic, LineIndex};
use crate::review::Need;
use crate::text_file::TextFile;

/// Says how to keep a warning quiet.
pub fn way_to_allow(code: Code) -> String {
    format!("if this is intended, add \"allow\": [\"{code}\"] at the top of the config")
}

/// Makes a diagnostic of a need, with its place in the config.
pub fn diagnostic(need: &Need, code: Code, message: String, help: String) -> Diagnostic {
    let Need { path, offset, line, column, .. } = need;
    Diagnostic {
        code,
        path: path.clone(),
        offset: *offset,
        line: *line,
        column: *column,
        message,
        help: Some(help),
        keys: Default::default(),
    }
}

/// Makes a warning whose line is still to be found.
pub fn warning(code: Code, path: String, offset: usize, message: String, help: String) -> Diagnostic {
    Diagnostic { code, path, offset, line: 1, column: 1, message, help: Some(help), keys: Default::default() }
}

/// Finds the lines of a file's diagnostics.
pub fn locate(diagnostics: &mut [Diagnostic], file: &TextFile) {
    let lines = LineIndex::new(file.text.strip_prefix('\u{feff}').unwrap_or(&file.text));
    for diagnostic in diagnostics {
        (diagnostic.line, diagnostic.column) = lines.locate(diagnostic.offset);
    }
}
