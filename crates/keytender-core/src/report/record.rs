//! Cuts bytes into the records of a CSV file (RFC 4180), with the place of every field.
//!
//! A record is a line, unless a quote is left open. Lines without a quote, which is all that AWS
//! writes, are cut in place; the others go through `csv-core`. A record that does not end within
//! [`MAX_RECORD_BYTES`] is a fault of its own, so that a stray quote cannot swallow a file.

use super::cell::{Fault, Problem};

/// The longest record that is read: 64 KiB. A record of AWS's report stays below 3 KiB (names and
/// paths have at most 64 and 512 characters, 22 columns).
pub const MAX_RECORD_BYTES: usize = 64 * 1024;

/// One record: its fields and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    line: u64,
    raw: &'a str,
    text: &'a str,
    ends: &'a [(u32, u32)],
}

impl<'a> Record<'a> {
    /// The line that it begins on, from 1.
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// The bytes as they stand in the file, without the line end.
    pub const fn raw(&self) -> &'a str {
        self.raw
    }

    /// How many fields it has.
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether it has no fields.
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The field at `index`, from 0, without its quotes.
    pub fn field(&self, index: usize) -> Option<&'a str> {
        let (start, end) = self.ends.get(index)?;
        self.text.get(*start as usize..*end as usize)
    }

    /// A fault at the field `index`.
    pub fn fault(&self, index: usize, problem: Problem) -> Fault {
        Fault { line: self.line, column: self.column(index), problem }
    }

    /// A fault at the end of the record.
    pub fn fault_at_end(&self, problem: Problem) -> Fault {
        Fault { line: self.line, column: count(self.raw) + 1, problem }
    }

    /// The column that the field `index` begins in: characters from 1, counted in the file.
    pub fn column(&self, index: usize) -> u64 {
        let mut quotes = Quotes::FieldStart;
        let mut fields_before = 0;
        let mut column = 1;
        for character in self.raw.chars() {
            if fields_before == index {
                break;
            }
            quotes = quotes.after(u8::try_from(character).unwrap_or(b'x'));
            fields_before += usize::from(quotes == Quotes::FieldStart);
            column += 1;
        }
        column
    }
}

/// What the splitter found at the head of the bytes.
#[derive(Debug)]
pub enum Split<'a> {
    /// A whole record.
    Record(Record<'a>),
    /// A line that cannot be a record; the following ones still can.
    Fault(Fault),
    /// No whole record yet: bring more bytes.
    More,
    /// Nothing is left.
    End,
}

/// Cuts bytes into records; keeps its place in the file between calls.
#[derive(Debug)]
pub struct Splitter {
    line: u64,
    /// Inside a line that was already refused for its length.
    is_skipping: bool,
    ends: Vec<(u32, u32)>,
    unquoted: String,
}

impl Default for Splitter {
    fn default() -> Self {
        Self::new()
    }
}

impl Splitter {
    /// At the first line.
    pub const fn new() -> Self {
        Self { line: 1, is_skipping: false, ends: Vec::new(), unquoted: String::new() }
    }

    /// Reads the next record from the head of `input`, and says how many bytes of it are done
    /// with. `is_last` says that no bytes follow `input`. Empty lines are passed over.
    ///
    /// While it answers [`Split::More`], the caller keeps what was not used and adds to it; it
    /// never needs more than [`MAX_RECORD_BYTES`] and one line end at a time.
    pub fn next<'a>(&'a mut self, input: &'a [u8], is_last: bool) -> (usize, Split<'a>) {
        let mut used = if self.is_skipping { self.skip(input) } else { 0 };
        if self.is_skipping {
            return (used, if is_last { Split::End } else { Split::More });
        }
        loop {
            let rest = input.get(used..).unwrap_or_default();
            let line = match find_line(rest, is_last) {
                LineEnd::At(line) => line,
                LineEnd::More => return (used, Split::More),
                LineEnd::End => return (used, Split::End),
                LineEnd::Broken { length, has_end, problem } => {
                    let fault = Fault { line: self.line, column: 1, problem };
                    self.line += u64::from(has_end);
                    self.is_skipping = !has_end;
                    return (used + length, Split::Fault(fault));
                }
            };
            used += line.with_end;
            let first_line = self.line;
            self.line += line.lines;
            if let Some(raw) = rest.get(..line.length).filter(|raw| !raw.is_empty()) {
                return (used, self.record(first_line, raw, line.is_rare));
            }
        }
    }

    /// Passes over the rest of a line that was refused; how many bytes of it are here.
    fn skip(&mut self, input: &[u8]) -> usize {
        match memchr::memchr(b'\n', input) {
            Some(end) => {
                self.is_skipping = false;
                self.line += 1;
                end + 1
            }
            None => input.len(),
        }
    }

    fn record<'a>(&'a mut self, line: u64, raw: &'a [u8], is_rare: bool) -> Split<'a> {
        let raw = match std::str::from_utf8(raw) {
            Ok(raw) => raw,
            Err(error) => {
                let good = raw.get(..error.valid_up_to()).unwrap_or_default();
                let column = count(&String::from_utf8_lossy(good)) + 1;
                return Split::Fault(Fault { line, column, problem: Problem::NotUtf8 });
            }
        };
        // Only the first line of a file can begin with the mark that some editors write.
        let raw = if line == 1 { raw.trim_start_matches('\u{feff}') } else { raw };
        if let Some(at) = is_rare.then(|| raw.find('\0')).flatten() {
            let column = count(raw.get(..at).unwrap_or_default()) + 1;
            return Split::Fault(Fault { line, column, problem: Problem::Nul });
        }
        self.ends.clear();
        let text = if is_rare {
            self.unquote(raw);
            self.unquoted.as_str()
        } else {
            cut(raw, &mut self.ends);
            raw
        };
        Split::Record(Record { line, raw, text, ends: &self.ends })
    }

    /// Takes the quotes off a record's fields.
    fn unquote(&mut self, raw: &str) {
        let mut text = vec![0; raw.len()];
        let mut ends = vec![0; raw.len() + 1];
        let mut reader = csv_core::Reader::new();
        let (_, used, written, mut fields) =
            reader.read_record(raw.as_bytes(), &mut text, &mut ends);
        // The end of the record is told by an empty input.
        let (_, _, written_last, fields_last) = reader.read_record(
            raw.as_bytes().get(used..).unwrap_or_default(),
            text.get_mut(written..).unwrap_or_default(),
            ends.get_mut(fields..).unwrap_or_default(),
        );
        fields += fields_last;
        text.truncate(written + written_last);
        let mut start = 0;
        for end in ends.into_iter().take(fields) {
            self.ends.push((offset(start), offset(end)));
            start = end;
        }
        // Quotes are single bytes, so taking them out leaves whole characters.
        self.unquoted = String::from_utf8(text).unwrap_or_default();
    }
}

/// Where the record at the head of the bytes ends.
enum LineEnd {
    At(Line),
    Broken { length: usize, has_end: bool, problem: Problem },
    More,
    End,
}

struct Line {
    /// Bytes of the record, without its line end.
    length: usize,
    /// Bytes with the line end.
    with_end: usize,
    /// Line ends in it, its own included.
    lines: u64,
    /// There is a quote or a NUL in it.
    is_rare: bool,
}

/// Finds where the record at the head of `input` ends.
fn find_line(input: &[u8], is_last: bool) -> LineEnd {
    let mut line = Line { length: 0, with_end: 0, lines: 0, is_rare: false };
    let mut quotes = Quotes::FieldStart;
    let mut first_line = None;
    loop {
        let rest = input.get(line.with_end..).unwrap_or_default();
        let found = memchr::memchr(b'\n', rest);
        let segment = rest.get(..found.unwrap_or(rest.len())).unwrap_or_default();
        let end = line.with_end + segment.len();
        if end > MAX_RECORD_BYTES {
            // A record of several lines has a quote open; only its first line is passed over.
            let problem = match first_line {
                Some(_) => Problem::OpenQuote,
                None => Problem::TooLong { limit: MAX_RECORD_BYTES },
            };
            let length = first_line.unwrap_or(end + usize::from(found.is_some()));
            let has_end = first_line.is_some() || found.is_some();
            return LineEnd::Broken { length, has_end, problem };
        }
        if found.is_none() && !is_last {
            return LineEnd::More;
        }
        // Both are rare, so one look for either is enough.
        let rare = memchr::memchr2(b'"', 0, segment);
        if line.is_rare || rare.is_some() {
            line.is_rare = true;
            quotes = segment.iter().fold(quotes, |quotes, byte| quotes.after(*byte));
        }
        line.with_end = end + usize::from(found.is_some());
        line.lines += u64::from(found.is_some());
        first_line.get_or_insert(line.with_end);
        if quotes != Quotes::Quoted {
            let raw = input.get(..end).unwrap_or_default();
            line.length = raw.strip_suffix(b"\r").unwrap_or(raw).len();
            return if line.with_end == 0 { LineEnd::End } else { LineEnd::At(line) };
        }
        if found.is_none() {
            let has_end = line.lines > 0;
            let length = first_line.unwrap_or(end);
            return LineEnd::Broken { length, has_end, problem: Problem::OpenQuote };
        }
    }
}

/// Where a reader stands with regard to quotes (RFC 4180, section 2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    FieldStart,
    Plain,
    Quoted,
    /// After a quote inside quotes: the end of them, or half of an escaped quote.
    MaybeClosed,
}

impl Quotes {
    const fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::FieldStart | Self::MaybeClosed, b'"') => Self::Quoted,
            (Self::Quoted, b'"') => Self::MaybeClosed,
            (Self::Quoted, _) => Self::Quoted,
            (_, b',') => Self::FieldStart,
            _ => Self::Plain,
        }
    }
}

/// Cuts a record without quotes at its commas, eight bytes at a time: fields are so short that a
/// search for each next comma costs more, and this is a fifth of reading.
fn cut(raw: &str, ends: &mut Vec<(u32, u32)>) {
    let mut start = 0;
    let mut found = |place| {
        ends.push((start, place));
        start = place + 1;
    };
    let (words, rest) = raw.as_bytes().as_chunks::<8>();
    let mut place = 0;
    for word in words {
        let mut commas = commas(u64::from_le_bytes(*word));
        while commas != 0 {
            found(place + commas.trailing_zeros() / 8);
            commas &= commas - 1;
        }
        place += 8;
    }
    for byte in rest {
        if *byte == b',' {
            found(place);
        }
        place += 1;
    }
    found(place);
}

/// The highest bit of each byte that is a comma (Hacker's Delight, section 6-1).
const fn commas(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const LOW_BITS: u64 = 0x7f * ONES;
    let difference = word ^ (b',' as u64 * ONES);
    !(((difference & LOW_BITS) + LOW_BITS) | difference | LOW_BITS)
}

/// A record is shorter than [`MAX_RECORD_BYTES`], so every place in it fits.
fn offset(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn count(text: &str) -> u64 {
    text.chars().count() as u64
}
