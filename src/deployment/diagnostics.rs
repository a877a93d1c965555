//! The diagnostics of a deployment, in their form.

use crate::config::{Code, Diagnostic, LineIndex, Severity};
use crate::review::Need;
use crate::text_file::TextFile;

/// Makes a diagnostic of a need, with its place in the config.
pub fn diagnostic(need: &Need, code: Code, message: String, help: String) -> Diagnostic {
    let Need { path, offset, line, column, .. } = need;
    Diagnostic { line: *line, column: *column, ..unlocated(code, path.clone(), *offset, message, help) }
}

/// Makes a diagnostic whose line is still to be found; a warning also says how to keep it quiet.
pub fn unlocated(code: Code, path: String, offset: usize, message: String, help: String) -> Diagnostic {
    let help = match code.severity() {
        Severity::Error => help,
        Severity::Warning => {
            format!("{help}; if this is intended, add \"allow\": [\"{code}\"] at the top of the config")
        }
    };
    Diagnostic { code, path, offset, line: 1, column: 1, message, help: Some(help), keys: Default::default() }
}

/// Finds the lines of a file's diagnostics.
pub fn locate(diagnostics: &mut [Diagnostic], file: &TextFile) {
    let lines = LineIndex::new(file.text.strip_prefix('\u{feff}').unwrap_or(&file.text));
    for diagnostic in diagnostics {
        (diagnostic.line, diagnostic.column) = lines.locate(diagnostic.offset);
    }
}
