//! Tells files that are no CSV at all by their first bytes, so that the error can name them.

use thiserror::Error;

/// What a file is instead of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotCsv {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Compressed by gzip.
    #[error(
        "this is a gzip file: unpack it first, for example with `gunzip -c FILE | keytender audit -`"
    )]
    Gzip,
    /// A ZIP archive, or a spreadsheet, which is one.
    #[error("this is a ZIP file or a spreadsheet: export it as CSV")]
    Zip,
    /// A web page, mostly of a sign-in that came in place of the report.
    #[error("this is an HTML page, not a CSV file: sign in and download the report again")]
    Html,
    /// JSON.
    #[error(
        "this is JSON, not a CSV file: `aws iam get-credential-report` gives the report in base64, add `--query Content --output text | base64 -d`"
    )]
    Json,
    /// Text in another encoding.
    #[error("this is UTF-16 text: save it as UTF-8")]
    Utf16,
}

/// How many first bytes [`sniff`] looks at.
pub const SNIFF_BYTES: usize = 512;

/// Looks at the first [`SNIFF_BYTES`] of a file.
///
/// # Errors
/// [`NotCsv`] if they cannot be the beginning of a CSV file.
pub fn sniff(head: &[u8]) -> Result<(), NotCsv> {
    let starts = |magic: &[u8]| head.starts_with(magic);
    if starts(&[0x1f, 0x8b]) {
        return Err(NotCsv::Gzip);
    }
    if starts(b"PK\x03\x04") {
        return Err(NotCsv::Zip);
    }
    if starts(&[0xff, 0xfe]) || starts(&[0xfe, 0xff]) {
        return Err(NotCsv::Utf16);
    }
    let text = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head).trim_ascii_start();
    match text.first() {
        None if head.len() < SNIFF_BYTES => Err(NotCsv::Empty),
        Some(b'<') if is_markup(text) => Err(NotCsv::Html),
        Some(b'{' | b'[') => Err(NotCsv::Json),
        _ => Ok(()),
    }
}

/// `<!doctype`, `<html>` and the like, but not `<root_account>` at the head of a file that lost
/// its header.
fn is_markup(text: &[u8]) -> bool {
    !text.starts_with(b"<root_account>")
}

/// What separates the columns of `header`, if that is not a comma.
pub(super) fn separator(header: &str) -> Option<&'static str> {
    let count = |separator: char| header.matches(separator).count();
    [(';', "semicolons"), ('\t', "tabs"), ('|', "bars")]
        .into_iter()
        .find(|(separator, _)| count(*separator) >= 2 && count(*separator) > count(','))
        .map(|(_, name)| name)
}
