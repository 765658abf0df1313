//! A row of a CSV file for spreadsheets.

use std::io::{self, Write};

use keytender_core::key::LastUse;
use keytender_core::time::Time;

/// Whether a cell needs quotes. Sixteen bytes at a time are looked at without a branch, which is
/// what a processor does at once.
fn needs_quotes(text: &str) -> bool {
    let is_special = |byte: &u8| matches!(byte, b',' | b'"' | b'\n' | b'\r');
    let (chunks, rest) = text.as_bytes().as_chunks::<16>();
    let in_chunk = |chunk: &[u8; 16]| {
        chunk.iter().fold(0, |found, byte| {
            found
                | u8::from(*byte == b',')
                | u8::from(*byte == b'"')
                | u8::from(*byte == b'\n')
                | u8::from(*byte == b'\r')
        }) != 0
    };
    chunks.iter().any(in_chunk) || rest.iter().any(is_special)
}

/// A row of cells (RFC 4180). Written here rather than by a library because the writing is two
/// fifths of an audit's time, and most cells are known to need no quotes.
#[derive(Default)]
pub(crate) struct Row {
    bytes: Vec<u8>,
}

impl Row {
    /// A word of our own: never in need of quotes or a guard.
    pub(crate) fn word(&mut self, word: &str) {
        self.bytes.extend_from_slice(word.as_bytes());
        self.bytes.push(b',');
    }

    /// One cell of several words of our own.
    pub(crate) fn words<'w>(&mut self, words: impl Iterator<Item = &'w str>) {
        let start = self.bytes.len();
        for word in words {
            if self.bytes.len() > start {
                self.bytes.push(b' ');
            }
            self.bytes.extend_from_slice(word.as_bytes());
        }
        self.bytes.push(b',');
    }

    pub(crate) fn optional(&mut self, text: Option<&str>) {
        self.text(text.unwrap_or_default());
    }

    /// Somebody else's text. A spreadsheet runs cells that begin with one of these (OWASP, "CSV
    /// injection"); an apostrophe before them makes them text.
    pub(crate) fn text(&mut self, text: &str) {
        let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
        if !needs_quotes(text) {
            self.bytes.extend_from_slice(guard.as_bytes());
            return self.word(text);
        }
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(guard.as_bytes());
        for (place, part) in text.split('"').enumerate() {
            self.bytes.extend_from_slice(if place > 0 { b"\"\"" } else { b"" });
            self.bytes.extend_from_slice(part.as_bytes());
        }
        self.bytes.extend_from_slice(b"\",");
    }

    pub(crate) fn number(&mut self, number: Option<i64>) {
        match number {
            Some(number) => self.word(itoa::Buffer::new().format(number)),
            None => self.word(""),
        }
    }

    pub(crate) fn time(&mut self, time: Option<Time>) {
        match (time, time.and_then(Time::in_whole_seconds)) {
            (_, Some(text)) => {
                self.bytes.extend_from_slice(&text);
                self.bytes.push(b',');
            }
            (Some(time), None) => self.word(&time.to_string()),
            (None, None) => self.word(""),
        }
    }

    /// Writes the row, and begins the next.
    pub(crate) fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        // The comma after the last cell is the row's end.
        if let Some(last) = self.bytes.last_mut() {
            *last = b'\n';
        }
        out.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }
}

/// The five cells of a last use: status, time, region, service, and since when it is never.
pub(crate) fn last_use(row: &mut Row, last_used: &LastUse<'_>) {
    let (status, used, never_since) = match last_used {
        LastUse::Used(used) => ("used", Some(used), None),
        LastUse::Never { since } => ("never", None, Some(*since)),
        LastUse::Unknown { .. } => ("unknown", None, None),
    };
    row.word(status);
    row.time(used.map(|used| used.at));
    row.optional(used.and_then(|used| used.region.as_deref()));
    row.optional(used.and_then(|used| used.service.as_deref()));
    row.time(never_since);
}
