//! What every log in SARIF 2.1.0 has: its head and its end, addresses of files, and how severities are said.

use std::io::{self, Write};

use keytender_core::policy::Severity;
use serde_json::{Value, json};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Begins a log of one run with these rules; results follow, each on a line.
pub(super) fn begin(out: &mut impl Write, rules: &[Value]) -> io::Result<()> {
    let driver = json!({
        "name": "Keytender",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": rules,
    });
    write!(
        out,
        "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{\"tool\":{{\"driver\":{driver}}},\
         \"columnKind\":\"unicodeCodePoints\",\"results\":["
    )
}

/// Writes one result; `before` is how many there were.
pub(super) fn result(out: &mut impl Write, before: u64, result: &Value) -> io::Result<()> {
    out.write_all(if before > 0 { b",\n" } else { b"\n" })?;
    serde_json::to_writer(out, result).map_err(io::Error::from)
}

/// Ends the log with what there was to say.
pub(super) fn end(out: &mut impl Write, is_whole: bool, notes: &[Value]) -> io::Result<()> {
    let invocation = json!({
        "executionSuccessful": is_whole,
        "toolExecutionNotifications": notes,
    });
    write!(out, "\n],\"invocations\":[{invocation}]}}]}}\n")?;
    out.flush()
}

/// Something that there was to say.
pub(super) fn note(level: &str, text: &str) -> Value {
    json!({ "level": level, "message": { "text": text } })
}

/// A path as a relative or absolute URI reference.
pub(super) fn uri(path: &str) -> String {
    const PATH: &percent_encoding::AsciiSet = &percent_encoding::CONTROLS
        .add(b' ')
        .add(b'"')
        .add(b'%')
        .add(b'<')
        .add(b'>')
        .add(b'?')
        .add(b'#')
        .add(b'[')
        .add(b']')
        .add(b'\\')
        .add(b'^')
        .add(b'`')
        .add(b'{')
        .add(b'|')
        .add(b'}')
        .add(b':');
    let encoded = percent_encoding::utf8_percent_encode(path, PATH).to_string();
    if path.starts_with('/') { format!("file://{encoded}") } else { encoded }
}

/// The level of a severity.
pub(super) const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// The middle of the range that code scanning shows under the same word.
pub(super) const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}
