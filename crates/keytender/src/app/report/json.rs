//! Keys as JSON, one a line, written as they come: a million need no memory.

use std::io::{self, Write};

use keytender_core::time::Time;

use crate::app::view::KeyView;

/// Writes the document that `keys list --json` and `report --format json` give.
#[derive(Debug)]
pub struct KeyWriter<W> {
    out: W,
    is_first: bool,
}

impl<W: Write> KeyWriter<W> {
    /// Begins the document of so many keys, as of a moment.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn begin(mut out: W, as_of: Time, total: u64) -> io::Result<Self> {
        write!(out, "{{\"version\":1,\"as_of\":\"{as_of}\",\"total\":{total},\"keys\":[")?;
        Ok(Self { out, is_first: true })
    }

    /// Writes a key.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&mut self, key: &KeyView) -> io::Result<()> {
        self.out.write_all(if self.is_first { b"\n" } else { b",\n" })?;
        self.is_first = false;
        Ok(serde_json::to_writer(&mut self.out, key)?)
    }

    /// Ends the document.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn end(mut self) -> io::Result<()> {
        self.out.write_all(b"\n]}\n")?;
        self.out.flush()
    }
}
