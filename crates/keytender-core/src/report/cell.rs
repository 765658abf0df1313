//! Single cells of a report, and what can be wrong with them.

use std::fmt;

use thiserror::Error;

use super::record::Record;
use crate::time::Time;

/// Something that cannot be read, and where. It never holds a cell's text unless that can only be
/// a date: a cell in the wrong column may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct Fault {
    /// The line in the file, from 1.
    pub line: u64,
    /// The character in that line, from 1.
    pub column: u64,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a cell, a record or a header.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// Bytes that are no UTF-8 text.
    #[error("the bytes here are not UTF-8 text")]
    NotUtf8,
    /// A NUL byte.
    #[error("there is a NUL byte here: the file is damaged or not text")]
    Nul,
    /// A quote that never closes.
    #[error("a quote is opened in this record and never closed")]
    OpenQuote,
    /// A record without an end in sight.
    #[error("the line is longer than {limit} bytes")]
    TooLong {
        /// The longest record that is read, in bytes.
        limit: usize,
    },
    /// Fewer fields than the header.
    #[error("the line is cut off: it has {found} of {expected} fields")]
    CutOff {
        /// Fields in this record.
        found: usize,
        /// Fields in the header.
        expected: usize,
    },
    /// More fields than the header.
    #[error("the line has {found} fields, the header has {expected}")]
    TooManyFields {
        /// Fields in this record.
        found: usize,
        /// Fields in the header.
        expected: usize,
    },
    /// A header that no kind of report has.
    #[error("{}", unknown_header(*separator))]
    UnknownHeader {
        /// What seems to separate the columns, if that is not a comma.
        separator: Option<&'static str>,
    },
    /// A column that the kind of report cannot do without.
    #[error("the header has no column `{name}`, which {report} needs")]
    MissingColumn {
        /// The column.
        name: &'static str,
        /// The kind of report, for people.
        report: &'static str,
    },
    /// The same column twice.
    #[error("the header has the column `{name}` twice")]
    RepeatedColumn {
        /// The column.
        name: &'static str,
    },
    /// A cell that is not a moment.
    #[error("`{name}` is not a date{shown}: expected {expected}")]
    BadDate {
        /// The column.
        name: &'static str,
        /// The cell, where it can be nothing but a damaged date.
        shown: Shown,
        /// What the column may hold.
        expected: &'static str,
    },
    /// A cell that is not one of its few words.
    #[error("`{name}` must be {expected}")]
    BadWord {
        /// The column.
        name: &'static str,
        /// What the column may hold.
        expected: &'static str,
    },
    /// A cell that is not an ARN of an IAM principal.
    #[error("`arn` is not an ARN of an IAM user: expected arn:aws:iam::123456789012:user/NAME")]
    BadArn,
    /// A cell that must not be empty.
    #[error("`{name}` is empty")]
    Empty {
        /// The column.
        name: &'static str,
    },
}

fn unknown_header(separator: Option<&str>) -> String {
    match separator {
        Some(separator) => format!(
            "the columns are separated by {separator}: save the file with commas between them"
        ),
        None => "this is not the header of a report: expected the one of an AWS credential report \
                 (user,arn,user_creation_time,…) or of a list of keys (provider,name,created,…)"
            .to_owned(),
    }
}

/// A cell in an error: written out only if it can be nothing but a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(Option<String>);

impl Shown {
    /// The longest damaged date that is repeated.
    const MAX_BYTES: usize = 40;

    /// Keeps `cell` if it consists of what dates consist of.
    pub fn date(cell: &str) -> Self {
        let is_datelike = |byte: u8| byte.is_ascii_digit() || b"-+:.TZ /".contains(&byte);
        let is_shown = cell.len() <= Self::MAX_BYTES && cell.bytes().all(is_datelike);
        Self(is_shown.then(|| cell.to_owned()))
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(cell) if cell.is_empty() => f.write_str(" (it is empty)"),
            Some(cell) => write!(f, ", `{cell}`"),
            None => Ok(()),
        }
    }
}

/// The names of a header's columns, in lower case.
pub(super) fn names(header: &Record<'_>) -> Vec<String> {
    (0..header.len())
        .map(|index| header.field(index).unwrap_or_default().trim().to_ascii_lowercase())
        .collect()
}

/// A header whose columns are looked up by name.
pub(super) struct Names<'h> {
    header: &'h Record<'h>,
    names: &'h [String],
    /// The kind of report, for people.
    report: &'static str,
}

impl<'h> Names<'h> {
    pub(super) const fn new(
        header: &'h Record<'h>,
        names: &'h [String],
        report: &'static str,
    ) -> Self {
        Self { header, names, report }
    }

    /// The place of a column that may be missing.
    pub(super) fn optional(&self, name: &'static str) -> Result<Option<usize>, Fault> {
        let places = (0..).zip(self.names);
        let mut places = places.filter(|(_, known)| *known == name).map(|(place, _)| place);
        let first = places.next();
        match places.next() {
            Some(second) => Err(self.header.fault(second, Problem::RepeatedColumn { name })),
            None => Ok(first),
        }
    }

    /// The place of a column that the report cannot do without.
    pub(super) fn required(&self, name: &'static str) -> Result<usize, Fault> {
        let missing = Problem::MissingColumn { name, report: self.report };
        self.optional(name)?.ok_or_else(|| self.header.fault_at_end(missing))
    }

    /// The columns that are not among `known`.
    pub(super) fn unknown(&self, known: &[&str]) -> Vec<String> {
        self.names.iter().filter(|name| !known.contains(&name.as_str())).cloned().collect()
    }
}

/// Refuses a record that has not as many fields as the header.
pub(super) fn check_width(record: &Record<'_>, expected: usize) -> Result<(), Fault> {
    let found = record.len();
    match found.cmp(&expected) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(record.fault_at_end(Problem::CutOff { found, expected })),
        std::cmp::Ordering::Greater => {
            Err(record.fault(expected, Problem::TooManyFields { found, expected }))
        }
    }
}

/// Reads a moment.
pub(super) fn date(
    record: &Record<'_>,
    index: usize,
    name: &'static str,
    expected: &'static str,
) -> Result<Time, Fault> {
    let cell = record.field(index).unwrap_or_default();
    Time::parse(cell).map_err(|_| {
        record.fault(index, Problem::BadDate { name, shown: Shown::date(cell), expected })
    })
}
