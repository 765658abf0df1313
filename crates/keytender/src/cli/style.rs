//! Colours. They add to the words and never carry a meaning alone.

use anstyle::{AnsiColor, Style};
use keytender_core::policy::Severity;

/// The word before an error.
pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// The word before a warning.
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// The head of a table.
pub(super) const HEAD: Style = Style::new().bold();
/// What matters less.
pub(super) const DIM: Style = Style::new().dimmed();
/// A command line to type.
pub(super) const COMMAND: Style = AnsiColor::Cyan.on_default();

/// How a severity looks.
pub(super) const fn severity(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Red.on_default().bold(),
        Severity::High => AnsiColor::Red.on_default(),
        Severity::Medium => AnsiColor::Yellow.on_default(),
        Severity::Low => Style::new(),
    }
}
