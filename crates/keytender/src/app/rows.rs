//! The rows of a report that is in memory: one that AWS gave, or a file to be imported.

use keytender_core::report::record::{Record, Split, Splitter};
use keytender_core::report::{Fault, Header, Kind, Row};

use super::warnings::Warnings;

/// A report that was read.
pub(super) struct Read<T> {
    /// What kind it is; `None` if there is nothing.
    pub(super) kind: Option<Kind>,
    /// The names of its columns.
    pub(super) columns: Vec<String>,
    /// What was made of its rows.
    pub(super) rows: Vec<T>,
}

/// Reads the rows of a report, each with its record; a row that cannot be read is a warning.
pub(super) fn report_rows<T>(
    content: &[u8],
    warnings: &mut Warnings,
    mut take: impl FnMut(Row<'static>, &Record<'_>) -> T,
) -> Result<Read<T>, Fault> {
    let mut splitter = Splitter::new();
    let mut header: Option<(Header, Vec<String>)> = None;
    let mut rows = Vec::new();
    let mut rest = content;
    loop {
        let (used, split) = splitter.next(rest, true);
        match (split, &header) {
            (Split::Record(record), Some((header, _))) => match header.row(&record) {
                Ok(row) => rows.push(take(row.into_owned(), &record)),
                Err(fault) => warnings.fault(&fault),
            },
            (Split::Record(record), None) => {
                header = Some((Header::parse(&record)?, cells(&record)));
            }
            (Split::Fault(fault), _) => warnings.fault(&fault),
            (Split::End | Split::More, _) => {
                return Ok(match header {
                    Some((header, columns)) => Read { kind: Some(header.kind()), columns, rows },
                    None => Read { kind: None, columns: Vec::new(), rows },
                });
            }
        }
        rest = rest.get(used..).unwrap_or_default();
    }
}

/// The cells of a record.
pub(super) fn cells(record: &Record<'_>) -> Vec<String> {
    (0..).map_while(|index| record.field(index)).map(str::to_owned).collect()
}
