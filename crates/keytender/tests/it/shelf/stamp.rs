//! Times as providers write them, by none of the code that reads them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::script::ABOUT;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// A moment, in microseconds since 1970, in one of the formats of a descriptor. `style` chooses among the
/// forms of one format.
pub(super) fn write(format: &str, at: i64, now: i64, style: usize) -> Value {
    match format {
        "date-time" => match style % 3 {
            0 => formed("%Y-%m-%dT%H:%M:%SZ", at),
            1 => formed("%Y-%m-%dT%H:%M:%S.000000Z", at),
            _ => formed("%Y-%m-%dT%H:%M:%S+02:00", at + 7_200 * SECOND),
        },
        "date" => formed("%Y-%m-%d", at),
        "rfc2822" => formed("%a, %d %b %Y %H:%M:%S +0000", at),
        "unix" => json!(at / SECOND),
        "unix-ms" => json!(at / 1_000),
        "seconds" => json!((at - now) / SECOND),
        "days" => json!((at - now) / DAY),
        other => panic!("no format {other}"),
    }
}

/// A moment in UTC as a text of some form.
pub(super) fn formed(form: &str, at: i64) -> Value {
    json!(Timestamp::from_microsecond(at).unwrap().strftime(form).to_string())
}

/// The moment that is read of what was written, and by how much it may be off.
pub(super) fn read_back(format: &str, at: i64) -> (i64, i64) {
    match format {
        "date" => (at - at.rem_euclid(DAY), 0),
        "seconds" => (at, 60 * SECOND),
        "days" => (at, DAY),
        _ => (at, 0),
    }
}

/// Whether a text is a time as a description names its format; other formats say nothing of times.
pub(super) fn is_formed(format: &str, text: &str) -> bool {
    match format {
        "date-time" | "google-datetime" => text.parse::<Timestamp>().is_ok() || is_never(text),
        "date" => text.parse::<jiff::civil::Date>().is_ok() && text.len() == 10,
        "date-time-rfc-2822" => jiff::fmt::rfc2822::parse(text).is_ok(),
        _ => true,
    }
}

/// Beyond what the library takes for a time.
fn is_never(text: &str) -> bool {
    text.starts_with("9999-12-31T")
}

/// How far from now, in days, on a whole day and at some second of it.
pub(super) fn days_from(now: i64, days: i64) -> i64 {
    now - now.rem_euclid(DAY) + days * DAY + 18_367 * SECOND
}

/// What stands for a moment in a wanted request, where the clock goes on before it comes.
pub(super) fn about(format: &str, at: i64) -> Value {
    format!("{ABOUT}{format}|{at}").into()
}

/// Whether a value is about the moment that [`about`] stands for.
pub(super) fn is_about(wanted: &str, given: &Value) -> bool {
    let (format, at) = wanted.trim_start_matches(ABOUT).split_once('|').unwrap();
    let at: i64 = at.parse().unwrap();
    let now = keytender::clock::now().as_micros();
    let moment = match format {
        "date-time" => {
            let stamp = given.as_str().and_then(|text| text.parse::<Timestamp>().ok());
            stamp.map(Timestamp::as_microsecond)
        }
        "date" => {
            let text = given.as_str().map(|day| format!("{day}T00:00:00Z"));
            text.and_then(|text| text.parse::<Timestamp>().ok()).map(Timestamp::as_microsecond)
        }
        "unix" => given.as_i64().map(|seconds| seconds * SECOND),
        "unix-ms" => given.as_i64().map(|millis| millis * 1_000),
        "seconds" => given.as_i64().map(|seconds| now + seconds * SECOND),
        "days" => given.as_i64().map(|days| now + days * DAY),
        _ => None,
    };
    let tolerance = if matches!(format, "date" | "days") { DAY } else { 300 * SECOND };
    moment.is_some_and(|moment| (moment - at).abs() <= tolerance)
}
