//! Numbers and widths, for people at a terminal; documents, for programs.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

/// The width of a terminal that does not tell its own.
const DEFAULT_WIDTH: usize = 80;

/// A number of things: `1 key`, `3 keys`.
pub(super) fn count(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", thousands(count))
}

/// A whole number with commas: `1,000,000`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The width of the terminal that stdout is; `None` if it is none.
pub(super) fn terminal_width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let size = terminal_size::terminal_size_of(io::stdout());
    Some(size.map_or(DEFAULT_WIDTH, |(width, _)| usize::from(width.0)))
}

/// Writes a document as JSON, its members in their own order.
pub(super) fn write_json(document: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, document)?;
    writeln!(out)
}
