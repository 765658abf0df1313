//! A file with keys that others issued: CSV with a header, or a JSON list of objects. Each cell with its place.

use std::borrow::Cow;
use std::collections::BTreeMap;

use keytender_core::report::record::{Record, Split, Splitter};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use super::fault::{At, Fault};

/// The most keys in one file.
pub(super) const MAX_ROWS: usize = 200_000;
/// The longest text of a cell; a hash or a list of scopes is far below.
const MAX_CELL: usize = 8_192;

/// What a column is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    Account,
    App,
    Label,
    Key,
    Hash,
    Algorithm,
    Locator,
    Start,
    Scopes,
    Networks,
    Environment,
    Created,
    Expires,
    LastUsed,
    Enabled,
}

impl Column {
    const ALL: [Self; 15] = [
        Self::Account,
        Self::App,
        Self::Label,
        Self::Key,
        Self::Hash,
        Self::Algorithm,
        Self::Locator,
        Self::Start,
        Self::Scopes,
        Self::Networks,
        Self::Environment,
        Self::Created,
        Self::Expires,
        Self::LastUsed,
        Self::Enabled,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::App => "app",
            Self::Label => "label",
            Self::Key => "key",
            Self::Hash => "hash",
            Self::Algorithm => "algorithm",
            Self::Locator => "locator",
            Self::Start => "start",
            Self::Scopes => "scopes",
            Self::Networks => "networks",
            Self::Environment => "environment",
            Self::Created => "created",
            Self::Expires => "expires",
            Self::LastUsed => "last_used",
            Self::Enabled => "enabled",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// A cell: its text, which may be a secret, and where it begins.
#[derive(Debug)]
pub(super) struct Cell {
    text: Zeroizing<String>,
    at: At,
}

impl Cell {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Something that is wrong with it.
    pub(super) fn fault(&self, what: impl Into<String>, hint: impl Into<String>) -> Fault {
        Fault::new(self.at, what, hint)
    }
}

/// A row: its cells that are not empty.
#[derive(Debug)]
pub(super) struct Row {
    /// Where it begins.
    at: At,
    cells: BTreeMap<Column, Cell>,
}

impl Row {
    pub(super) fn cell(&self, column: Column) -> Option<&Cell> {
        self.cells.get(&column)
    }

    pub(super) fn text(&self, column: Column) -> Option<&str> {
        self.cell(column).map(Cell::text)
    }

    /// Something that is wrong with all of it.
    pub(super) fn fault(&self, what: impl Into<String>, hint: impl Into<String>) -> Fault {
        Fault::new(self.at, what, hint)
    }
}

/// What was read: rows, which columns there are, and what is wrong.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) rows: Vec<Row>,
    /// Whether the file tells of last uses at all.
    pub(super) has_uses: bool,
    pub(super) faults: Vec<Fault>,
}

/// Reads a file.
///
/// # Errors
/// The one fault without which nothing of it can be read.
pub(super) fn read(content: &[u8]) -> Result<Read, Fault> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    match content.trim_ascii_start().first() {
        None => Err(at_start("the file is empty", "")),
        Some(b'[') => json(content),
        Some(b'{') => {
            Err(at_start("this is one object and no list of keys", "put [ and ] around it"))
        }
        Some(_) => csv(content),
    }
}

fn at_start(what: &str, hint: &str) -> Fault {
    Fault::new(At::Line(1, 1), what, hint)
}

fn csv(content: &[u8]) -> Result<Read, Fault> {
    let mut splitter = Splitter::new();
    let mut read = Read::default();
    let mut header: Option<Vec<Column>> = None;
    let mut rest = content;
    loop {
        let (used, split) = splitter.next(rest, true);
        match (split, &header) {
            (Split::Record(record), None) => {
                let columns = columns(&record)?;
                read.has_uses = columns.contains(&Column::LastUsed);
                header = Some(columns);
            }
            (Split::Record(record), Some(header)) => match row(&record, header) {
                Ok(row) => push(&mut read, row)?,
                Err(fault) => read.faults.push(fault),
            },
            (Split::Fault(fault), Some(_)) => read.faults.push(fault.into()),
            (Split::Fault(fault), None) => return Err(fault.into()),
            (Split::End | Split::More, _) => return Ok(read),
        }
        rest = rest.get(used..).unwrap_or_default();
    }
}

fn push(read: &mut Read, row: Row) -> Result<(), Fault> {
    if read.rows.len() >= MAX_ROWS {
        let what = format!("a file has at most {MAX_ROWS} keys");
        return Err(row.fault(what, "import it in parts"));
    }
    read.rows.push(row);
    Ok(())
}

/// The columns of a header, each of which is known, and there once.
fn columns(header: &Record<'_>) -> Result<Vec<Column>, Fault> {
    let mut columns = Vec::with_capacity(header.len());
    for (index, name) in (0..).map_while(|index| Some((index, header.field(index)?))) {
        let cell = cell(At::Line(header.line(), header.column(index)), name);
        let name = name.trim().to_ascii_lowercase();
        let column = Column::parse(&name).ok_or_else(|| unknown(&cell))?;
        if columns.contains(&column) {
            return Err(cell.fault(format!("the column `{name}` is there twice"), ""));
        }
        columns.push(column);
    }
    Ok(columns)
}

/// A column that is not known. Its name is not repeated: without a header it would be a key.
fn unknown(cell: &Cell) -> Fault {
    let names: Vec<&str> = Column::ALL.iter().map(|one| one.as_str()).collect();
    cell.fault("this is no column of an import", format!("the columns are {}", names.join(", ")))
}

fn row(record: &Record<'_>, header: &[Column]) -> Result<Row, Fault> {
    if record.len() != header.len() {
        let what = format!("the line has {} fields, the header has {}", record.len(), header.len());
        let at = At::Line(record.line(), record.column(record.len().min(header.len())));
        return Err(Fault::new(at, what, "a field with a comma or a quote in it stands in quotes"));
    }
    let mut row = Row { at: At::Line(record.line(), 1), cells: BTreeMap::new() };
    let has_quotes = record.raw().contains('"');
    let mut place = 1;
    for (index, column) in header.iter().enumerate() {
        let text = record.field(index).unwrap_or_default();
        let begins = if has_quotes { record.column(index) } else { place };
        put(&mut row, *column, cell(At::Line(record.line(), begins), text))?;
        place += u64::try_from(text.chars().count()).unwrap_or(0) + 1;
    }
    Ok(row)
}

fn cell(at: At, text: &str) -> Cell {
    Cell { text: Zeroizing::new(text.trim().to_owned()), at }
}

/// Keeps a cell, unless there is nothing in it.
fn put(row: &mut Row, column: Column, cell: Cell) -> Result<(), Fault> {
    if cell.text.len() > MAX_CELL || cell.text.chars().any(char::is_control) {
        let what =
            format!("`{}` is longer than {MAX_CELL} bytes, or not one line", column.as_str());
        return Err(cell.fault(what, ""));
    }
    if !cell.text.is_empty() {
        row.cells.insert(column, cell);
    }
    Ok(())
}

fn json(content: &[u8]) -> Result<Read, Fault> {
    let text = std::str::from_utf8(content).map_err(|error| {
        Fault::new(At::Byte(error.valid_up_to()), "the bytes here are not UTF-8 text", "")
    })?;
    let list: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| bad(&error))?;
    let mut read = Read::default();
    for raw in list {
        match object(text, raw, &mut read.has_uses) {
            Ok(row) => push(&mut read, row)?,
            Err(fault) => read.faults.push(fault),
        }
    }
    Ok(read)
}

/// What the parser says, without what stood there.
fn bad(error: &serde_json::Error) -> Fault {
    let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX).max(1);
    let at = At::Line(number(error.line()), number(error.column()));
    let what = if error.is_eof() { "the list ends before it is closed" } else { "this is no JSON" };
    Fault::new(at, what, "a list of objects, such as [{\"account\": \"globex\", \"key\": \"…\"}]")
}

fn object(text: &str, raw: &RawValue, has_uses: &mut bool) -> Result<Row, Fault> {
    let at = place_in(text, raw);
    let object: BTreeMap<Cow<'_, str>, &RawValue> =
        serde_json::from_str(raw.get()).map_err(|_| Fault::new(at, "this is no object", ""))?;
    let mut row = Row { at, cells: BTreeMap::new() };
    for (name, value) in object {
        let at = place_in(text, value);
        let mut cell = Cell { text: Zeroizing::default(), at };
        let name = Column::parse(&name).ok_or_else(|| unknown(&cell))?;
        *has_uses |= name == Column::LastUsed;
        let said: serde_json::Value =
            serde_json::from_str(value.get()).map_err(|_| cell.fault("this is no JSON", ""))?;
        cell.text = text_of(said).ok_or_else(|| {
            cell.fault(format!("`{}` is no text, number or list of texts", name.as_str()), "")
        })?;
        put(&mut row, name, cell)?;
    }
    Ok(row)
}

/// The text that a value stands for: of a list, its members with a space between two.
fn text_of(value: serde_json::Value) -> Option<Zeroizing<String>> {
    use serde_json::Value;
    Some(Zeroizing::new(match value {
        Value::Null => String::new(),
        Value::Bool(said) => said.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        Value::Array(list) => {
            let words: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            words?.join(" ")
        }
        Value::Object(_) => return None,
    }))
}

/// Where a part of a text begins.
fn place_in(text: &str, part: &RawValue) -> At {
    At::Byte(part.get().as_ptr().addr().saturating_sub(text.as_ptr().addr()))
}

#[cfg(test)]
mod tests;
