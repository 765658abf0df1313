//! Reads a report from a file or from standard input, in pieces.

use std::fs::File;
use std::io::{self, Read};

use indicatif::{ProgressBar, ProgressStyle};
use keytender_core::report::Header;
use keytender_core::report::record::{Record, Split, Splitter};
use keytender_core::report::sniff::{NotCsv, SNIFF_BYTES, sniff};
use keytender_core::text::printable;

use super::{Audit, Counts, Source, SourceReport};
use crate::app::warnings::Warnings;
use crate::error::Error;

/// How much is read at a time: four of the longest records.
const BUFFER_BYTES: usize = 256 * 1024;
/// From which size on a file's progress is drawn: smaller ones take less than a tenth of a second.
const PROGRESS_FROM_BYTES: u64 = 32 * 1024 * 1024;
/// How many columns that are passed over are named.
const MAX_COLUMNS_NAMED: usize = 10;

/// Audits one report.
pub(super) fn read(
    source: &Source,
    audit: &mut Audit<'_>,
) -> io::Result<Result<SourceReport, Error>> {
    let (input, length) = match open(source) {
        Ok(opened) => opened,
        Err(error) => return Ok(Err(cannot_read(source).source(error))),
    };
    let progress = match length {
        Some(length) if audit.options.shows_progress && length >= PROGRESS_FROM_BYTES => {
            bar(source, length)
        }
        _ => ProgressBar::hidden(),
    };
    let reading = Reading {
        source,
        counts: Counts::of(source),
        warnings: Warnings::default(),
        header: None,
        progress: &progress,
    };
    let report = reading.all(input, audit);
    progress.finish_and_clear();
    report
}

fn open(source: &Source) -> io::Result<(Box<dyn Read>, Option<u64>)> {
    match source {
        Source::File(path) => {
            let file = File::open(path)?;
            let length = file.metadata()?.len();
            Ok((Box::new(file), Some(length)))
        }
        _ => Ok((Box::new(io::stdin().lock()), None)),
    }
}

fn bar(source: &Source, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length).with_message(printable(&source.to_string()).into_owned());
    match ProgressStyle::with_template("{msg} {wide_bar} {percent}% {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn cannot_read(source: &Source) -> Error {
    Error::new(format!("cannot read `{source}`"))
}

/// A report being read.
struct Reading<'r> {
    source: &'r Source,
    counts: Counts,
    warnings: Warnings,
    header: Option<Header>,
    progress: &'r ProgressBar,
}

impl Reading<'_> {
    fn all(
        mut self,
        mut input: Box<dyn Read>,
        audit: &mut Audit<'_>,
    ) -> io::Result<Result<SourceReport, Error>> {
        let mut buffer = Buffer::new();
        let mut splitter = Splitter::new();
        let mut is_sniffed = false;
        loop {
            match buffer.fill(&mut input) {
                Ok(count) => self.progress.inc(count as u64),
                Err(error) => return Ok(Err(cannot_read(self.source).source(error))),
            }
            if !is_sniffed && (buffer.is_last || buffer.held().len() >= SNIFF_BYTES) {
                is_sniffed = true;
                let head = buffer.held().get(..SNIFF_BYTES).unwrap_or(buffer.held());
                if let Err(error) = sniff(head) {
                    return Ok(Err(Error::new(format!(
                        "{}: line 1, column 1: {error}",
                        self.source
                    ))));
                }
            }
            if !is_sniffed {
                continue;
            }
            match self.pieces(&mut buffer, &mut splitter, audit)? {
                Progress::More => {}
                Progress::End => return Ok(self.end(audit)),
                Progress::Refused(error) => return Ok(Err(error)),
            }
        }
    }

    /// Reads the records that are held.
    fn pieces(
        &mut self,
        buffer: &mut Buffer,
        splitter: &mut Splitter,
        audit: &mut Audit<'_>,
    ) -> io::Result<Progress> {
        loop {
            let (used, split) = splitter.next(buffer.held(), buffer.is_last);
            match split {
                Split::More => {
                    buffer.start += used;
                    return Ok(Progress::More);
                }
                Split::End => return Ok(Progress::End),
                Split::Fault(fault) if self.header.is_none() => {
                    return Ok(Progress::Refused(self.refuse(&fault)));
                }
                Split::Fault(fault) => self.warnings.fault(&fault),
                Split::Record(record) => {
                    if let Some(refused) = self.record(&record, audit)? {
                        return Ok(Progress::Refused(refused));
                    }
                }
            }
            buffer.start += used;
        }
    }

    /// Reads one record: the header first, then rows.
    fn record(&mut self, record: &Record<'_>, audit: &mut Audit<'_>) -> io::Result<Option<Error>> {
        let Some(header) = &self.header else {
            return Ok(match Header::parse(record) {
                Ok(header) => {
                    self.note_unknown(header.unknown_columns());
                    self.header = Some(header);
                    None
                }
                Err(fault) => Some(self.refuse(&fault)),
            });
        };
        match header.row(record) {
            Ok(mut row) => {
                audit.row(self.source, Some(record.line()), &mut row, &mut self.counts)?;
            }
            Err(fault) => self.warnings.fault(&fault),
        }
        Ok(None)
    }

    fn refuse(&self, fault: &dyn std::error::Error) -> Error {
        Error::new(format!("{}: {fault}", self.source))
    }

    fn note_unknown(&mut self, columns: &[String]) {
        if columns.is_empty() {
            return;
        }
        let named: Vec<_> =
            columns.iter().take(MAX_COLUMNS_NAMED).map(|name| printable(name)).collect();
        let more = if columns.len() > MAX_COLUMNS_NAMED { ", …" } else { "" };
        self.warnings.note(format!("columns passed over: {}{more}", named.join(", ")));
    }

    fn end(self, audit: &Audit<'_>) -> Result<SourceReport, Error> {
        let Some(kind) = self.header.as_ref().map(Header::kind) else {
            return Err(self.refuse(&NotCsv::Empty));
        };
        let as_of = audit.options.as_of;
        Ok(self.counts.report(kind.as_str(), None, self.warnings, as_of))
    }
}

/// How far the bytes at hand went.
enum Progress {
    More,
    End,
    Refused(Error),
}

/// The bytes of a file that are read and not yet used.
struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    is_last: bool,
}

impl Buffer {
    fn new() -> Self {
        Self { bytes: vec![0; BUFFER_BYTES], start: 0, end: 0, is_last: false }
    }

    fn held(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Moves what is left to the front and reads more behind it; how many bytes came.
    fn fill(&mut self, input: &mut dyn Read) -> io::Result<usize> {
        self.bytes.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        let room = self.bytes.get_mut(self.end..).unwrap_or_default();
        let count = loop {
            match input.read(room) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.end += count;
        self.is_last = count == 0;
        Ok(count)
    }
}
