//! The CSV of an audit: one row a key, safe to open in a spreadsheet.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use keytender_core::key::{Key, LastUse, PrincipalKind};
use keytender_core::policy::{Action, Assessment, Policy, Severity};
use keytender_core::time::Time;

use crate::app::audit::{Observation, Outcome, Sink};

const HEADER: [&str; 24] = [
    "provider",
    "account",
    "principal",
    "principal_kind",
    "id",
    "slot",
    "label",
    "state",
    "provider_state",
    "created_at",
    "expires_at",
    "age_days",
    "last_used_status",
    "last_used_at",
    "last_used_region",
    "last_used_service",
    "never_used_since",
    "due",
    "action",
    "severity",
    "findings",
    "messages",
    "excepted",
    "source",
];

/// Writes one row a key: the due ones, or all.
pub(super) struct Csv<'p, W: Write> {
    out: W,
    policy: &'p Policy,
    as_of: Time,
    shows_all: bool,
    is_begun: bool,
    row: Row,
    /// A cell that is put together; kept between rows.
    cell: String,
}

impl<'p, W: Write> Csv<'p, W> {
    pub(super) fn new(out: W, policy: &'p Policy, as_of: Time, shows_all: bool) -> Self {
        let row = Row::default();
        Self { out, policy, as_of, shows_all, is_begun: false, row, cell: String::new() }
    }

    fn begin(&mut self) -> io::Result<()> {
        if self.is_begun {
            return Ok(());
        }
        self.is_begun = true;
        HEADER.iter().for_each(|name| self.row.word(name));
        self.row.write(&mut self.out)
    }

    fn key(&mut self, source: &str, key: &Key<'_>, assessment: &Assessment) -> io::Result<()> {
        let row = &mut self.row;
        row.text(&key.provider);
        row.optional(key.account.as_deref());
        row.optional(key.principal.as_deref());
        row.word(key.principal_kind.map(PrincipalKind::as_str).unwrap_or_default());
        row.optional(key.id.as_deref());
        row.number(key.slot.map(i64::from));
        row.optional(key.label.as_deref());
        row.word(key.state.as_str());
        row.optional(key.provider_state.as_deref());
        row.time(key.created_at);
        row.time(key.expires_at);
        row.number(key.age(self.as_of).map(|age| age.whole_days()));
        last_use(row, &key.last_used);
        row.word(if assessment.is_due() { "true" } else { "false" });
        row.word(assessment.action().map(Action::as_str).unwrap_or_default());
        row.word(assessment.severity().map(Severity::as_str).unwrap_or_default());
        let (policy, as_of) = (self.policy, self.as_of);
        let findings = || policy.findings(assessment).map(|finding| finding.rule);
        self.row.words(findings().map(|rule| rule.id.as_str()));
        self.joined("; ", findings(), |cell, rule| rule.message(key, as_of).write(cell));
        self.joined("; ", policy.excepted(assessment), |cell, (rule, exception)| {
            write!(cell, "{} until {}", rule.id, exception.until)
        });
        self.row.text(source);
        self.row.write(&mut self.out)
    }

    /// One cell of several parts.
    fn joined<T>(
        &mut self,
        separator: &str,
        parts: impl Iterator<Item = T>,
        write: impl Fn(&mut String, T) -> fmt::Result,
    ) {
        self.cell.clear();
        for part in parts {
            if !self.cell.is_empty() {
                self.cell.push_str(separator);
            }
            // Writing to a text cannot fail.
            _ = write(&mut self.cell, part);
        }
        self.row.text(&self.cell);
    }
}

fn last_use(row: &mut Row, last_used: &LastUse<'_>) {
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
struct Row {
    bytes: Vec<u8>,
}

impl Row {
    /// A word of our own: never in need of quotes or a guard.
    fn word(&mut self, word: &str) {
        self.bytes.extend_from_slice(word.as_bytes());
        self.bytes.push(b',');
    }

    /// One cell of several words of our own.
    fn words<'w>(&mut self, words: impl Iterator<Item = &'w str>) {
        let start = self.bytes.len();
        for word in words {
            if self.bytes.len() > start {
                self.bytes.push(b' ');
            }
            self.bytes.extend_from_slice(word.as_bytes());
        }
        self.bytes.push(b',');
    }

    fn optional(&mut self, text: Option<&str>) {
        self.text(text.unwrap_or_default());
    }

    /// Somebody else's text. A spreadsheet runs cells that begin with one of these (OWASP, "CSV
    /// injection"); an apostrophe before them makes them text.
    fn text(&mut self, text: &str) {
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

    fn number(&mut self, number: Option<i64>) {
        match number {
            Some(number) => self.word(itoa::Buffer::new().format(number)),
            None => self.word(""),
        }
    }

    fn time(&mut self, time: Option<Time>) {
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
    fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        // The comma after the last cell is the row's end.
        if let Some(last) = self.bytes.last_mut() {
            *last = b'\n';
        }
        out.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }
}

impl<W: Write> Sink for Csv<'_, W> {
    fn row(&mut self, observation: &Observation<'_>) -> io::Result<()> {
        self.begin()?;
        for (key, assessment) in observation.keys() {
            if self.shows_all || assessment.is_due() {
                self.key(observation.source_name, key, assessment)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self, _outcome: &Outcome) -> io::Result<()> {
        self.begin()?;
        self.out.flush()
    }
}
