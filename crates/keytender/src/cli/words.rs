//! Numbers and widths, for people at a terminal; documents, for programs.

use std::io::{self, IsTerminal, Write};

pub(super) use keytender_core::text::{count, thousands};
use serde::Serialize;

/// The width of a terminal that does not tell its own.
const DEFAULT_WIDTH: usize = 80;

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
