//! Reports of keys in CSV files, read record by record.
//!
//! The caller brings the bytes; [`record::Splitter`] cuts them into records, [`Header`] says what
//! kind of report it is, and [`Header::row`] turns each record into a principal and its keys. No
//! record is kept, so memory does not grow with the file.

use crate::key::{Key, Principal};

pub mod aws;
mod cell;
pub mod plain;
pub mod record;
pub mod sniff;
pub mod write;

pub use cell::{Fault, Problem};
use record::Record;

/// What kind of report a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The credential report of one AWS account.
    AwsCredentialReport,
    /// A list of keys of any provider: `provider,name,created[,expires,last_used,owner]`.
    Plain,
}

impl Kind {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AwsCredentialReport => "aws-credential-report",
            Self::Plain => "csv",
        }
    }
}

/// The header of a report: which column stands where.
#[derive(Debug)]
pub enum Header {
    /// Of an AWS credential report.
    Aws(aws::Columns),
    /// Of a plain list of keys.
    Plain(plain::Columns),
}

/// One record: a principal, where the report has principals, and its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Who the keys act for; `None` in a plain list.
    pub principal: Option<Principal<'a>>,
    /// The keys that exist; AWS allows two of them for each principal.
    pub keys: [Option<Key<'a>>; 2],
}

impl<'a> Row<'a> {
    /// The keys that exist.
    pub fn keys(&self) -> impl Iterator<Item = &Key<'a>> {
        self.keys.iter().flatten()
    }

    /// The keys that exist, to be changed.
    pub fn keys_mut(&mut self) -> impl Iterator<Item = &mut Key<'a>> {
        self.keys.iter_mut().flatten()
    }

    /// The same row, holding its own text.
    pub fn into_owned(self) -> Row<'static> {
        Row {
            principal: self.principal.map(Principal::into_owned),
            keys: self.keys.map(|key| key.map(Key::into_owned)),
        }
    }
}

impl Header {
    /// Recognises a report by the names of its columns, in any order.
    ///
    /// # Errors
    /// [`Fault`] at the place of the header if it is neither kind of report, or if a column that
    /// the kind cannot do without is missing.
    pub fn parse(record: &Record<'_>) -> Result<Self, Fault> {
        let names = cell::names(record);
        let has = |name: &str| names.iter().any(|known| known == name);
        if has("user") && has("arn") {
            return Ok(Self::Aws(aws::Columns::find(record, &names)?));
        }
        if has("provider") || (has("name") && has("created")) {
            return Ok(Self::Plain(plain::Columns::find(record, &names)?));
        }
        Err(record.fault(0, Problem::UnknownHeader { separator: sniff::separator(record.raw()) }))
    }

    /// What kind of report this is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Aws(_) => Kind::AwsCredentialReport,
            Self::Plain(_) => Kind::Plain,
        }
    }

    /// The names of columns that are not understood and are passed over.
    pub fn unknown_columns(&self) -> &[String] {
        match self {
            Self::Aws(columns) => columns.unknown(),
            Self::Plain(columns) => columns.unknown(),
        }
    }

    /// Reads one record.
    ///
    /// # Errors
    /// [`Fault`] with the place of the first cell that cannot be read. The following records can
    /// still be read.
    pub fn row<'a>(&self, record: &Record<'a>) -> Result<Row<'a>, Fault> {
        match self {
            Self::Aws(columns) => columns.row(record),
            Self::Plain(columns) => columns.row(record),
        }
    }
}
