//! Times as providers write them, in both directions.

use jiff::fmt::{rfc2822, strtime};
use serde::Deserialize;
use serde_json::Value;

use crate::time::{Span, Time};

/// Before this no API key existed: some providers write a first moment of their own for "never".
const NO_MOMENT_BEFORE: Time = Time::from_unix_seconds(631_152_000); // 1990-01-01
/// From this on no key ends: some providers write the last day of all, or their largest number, for
/// "never".
const NO_MOMENT_FROM: Time = Time::from_unix_seconds(253_402_214_400); // 9999-12-31
const LAST_DAY: &str = "9999-12-31";
/// Relatives of RFC 3339 that providers write: `+0000` for `+00:00`, ` UTC`, and no zone at all.
const RELATIVES: [&str; 4] = [
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%Y-%m-%d %H:%M:%S%.f%z",
    "%Y-%m-%d %H:%M:%S%.f %z",
    "%Y-%m-%d %H:%M:%S%.f UTC",
];

/// How a provider writes a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum TimeFormat {
    /// RFC 3339, and read also: a space for the T, `+0000`, `+00`, ` UTC`, no zone, a date alone.
    #[default]
    DateTime,
    /// The day alone, in UTC: `2026-11-24`.
    Date,
    /// `Tue, 24 Nov 2026 09:30:00 +0000`.
    Rfc2822,
    /// Seconds since 1970, as a number or its digits.
    Unix,
    /// Milliseconds since 1970, as a number or its digits.
    UnixMs,
    /// Seconds from now; 0 stands for never.
    Seconds,
    /// Whole days from now.
    Days,
}

impl TimeFormat {
    /// The moment that stands in an answer; `None` for one that stands for "never". `now` is when it
    /// was given.
    ///
    /// # Errors
    /// The text, where it is no time of this format.
    pub fn read(self, value: &Value, now: Time) -> Result<Option<Time>, String> {
        let wrong = || match value {
            Value::String(text) => text.chars().take(40).collect(),
            other => kind_of(other).to_owned(),
        };
        let text = match value {
            Value::String(text) if text.is_empty() || text.starts_with(LAST_DAY) => {
                return Ok(None);
            }
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(wrong()),
        };
        let number = || text.parse::<f64>().ok().filter(|number| number.is_finite());
        let scaled = |per_unit: f64| number().map(|number| micros(number * per_unit));
        let moment = match self {
            Self::DateTime => date_time(&text),
            Self::Date => text.get(..10).and_then(|day| Time::parse(day).ok()),
            Self::Rfc2822 => rfc2822::parse(&text)
                .ok()
                .map(|zoned| Time::from_micros(zoned.timestamp().as_microsecond())),
            Self::Unix => scaled(1e6).map(Time::from_micros),
            Self::UnixMs => scaled(1e3).map(Time::from_micros),
            Self::Seconds => return after(scaled(1e6), now).ok_or_else(wrong),
            Self::Days => return after(scaled(86_400e6), now).ok_or_else(wrong),
        };
        let moment = moment.ok_or_else(wrong)?;
        let is_one = moment >= NO_MOMENT_BEFORE && moment < NO_MOMENT_FROM;
        Ok(is_one.then_some(moment))
    }

    /// The moment as the provider wants it.
    pub fn write(self, at: Time, now: Time) -> Value {
        let seconds = |micros: i64| micros.div_euclid(1_000_000);
        match self {
            Self::DateTime => at.to_seconds().to_string().into(),
            Self::Date => at.date().into(),
            Self::Rfc2822 => jiff::Timestamp::from_microsecond(at.as_micros())
                .ok()
                .and_then(|stamp| {
                    rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&stamp).ok()
                })
                .map_or(Value::Null, Value::from),
            Self::Unix => seconds(at.as_micros()).into(),
            Self::UnixMs => at.as_micros().div_euclid(1_000).into(),
            Self::Seconds => seconds(at.since(now).as_micros()).into(),
            Self::Days => at.since(now).whole_days().into(),
        }
    }
}

/// The moment so many microseconds from now; the inner `None` for none at all.
fn after(micros: Option<i64>, now: Time) -> Option<Option<Time>> {
    micros.map(|micros| (micros > 0).then(|| now.plus(Span::from_micros(micros))))
}

#[expect(clippy::cast_possible_truncation, reason = "a float beyond the range becomes its end")]
const fn micros(number: f64) -> i64 {
    number as i64
}

fn date_time(text: &str) -> Option<Time> {
    if let Ok(time) = Time::parse(text) {
        return Some(time);
    }
    if let Some(stamp) =
        RELATIVES.iter().find_map(|format| strtime::parse(format, text).ok()?.to_timestamp().ok())
    {
        return Some(Time::from_micros(stamp.as_microsecond()));
    }
    let text = text.strip_suffix(" UTC").unwrap_or(text);
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    let stamp = jiff::tz::TimeZone::UTC.to_timestamp(civil).ok()?;
    Some(Time::from_micros(stamp.as_microsecond()))
}

/// What a value is, in a word.
pub(super) const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    #[test]
    fn every_form_that_providers_write_is_read() {
        let now = at("2026-11-24T00:00:00Z");
        let expected = at("2025-07-16T06:07:42Z");
        for (format, value) in [
            (TimeFormat::DateTime, json!("2025-07-16T06:07:42Z")),
            (TimeFormat::DateTime, json!("2025-07-16T08:07:42.000+02:00")),
            (TimeFormat::DateTime, json!("2025-07-16 06:07:42 UTC")),
            (TimeFormat::DateTime, json!("2025-07-16T06:07:42+0000")),
            (TimeFormat::DateTime, json!("2025-07-15T23:07:42-0700")),
            (TimeFormat::DateTime, json!("2025-07-16 06:07:42")),
            (TimeFormat::DateTime, json!("2025-07-16 06:07:42.000000+00")),
            (TimeFormat::DateTime, json!("2025-07-16T11:07:42+05")),
            (TimeFormat::DateTime, json!("2025-07-16T06:07:42.000000")),
            (TimeFormat::Rfc2822, json!("Wed, 16 Jul 2025 06:07:42 +0000")),
            (TimeFormat::Unix, json!(1_752_646_062)),
            (TimeFormat::Unix, json!("1752646062")),
            (TimeFormat::UnixMs, json!(1_752_646_062_000_i64)),
        ] {
            assert_eq!(format.read(&value, now), Ok(Some(expected)), "{format:?} {value}");
        }
        assert_eq!(TimeFormat::Date.read(&json!("2025-07-16"), now), Ok(Some(at("2025-07-16"))));
        let week = now.plus(Span::days(7));
        assert_eq!(TimeFormat::Seconds.read(&json!(604_800), now), Ok(Some(week)));
        assert_eq!(TimeFormat::Seconds.read(&json!(0), now), Ok(None));
    }

    #[test]
    fn what_stands_for_never_is_no_moment() {
        let now = at("2026-11-24T00:00:00Z");
        for (format, value) in [
            (TimeFormat::DateTime, json!("0001-01-01T00:00:00Z")),
            (TimeFormat::DateTime, json!("1970-01-01T00:00:00Z")),
            (TimeFormat::DateTime, json!("")),
            (TimeFormat::DateTime, json!("9999-12-31T23:59:59Z")),
            (TimeFormat::DateTime, json!("9999-12-31T23:59:59.9999999+00:00")),
            (TimeFormat::Date, json!("9999-12-31")),
            (TimeFormat::Unix, json!(253_402_300_799_i64)),
            (TimeFormat::UnixMs, json!(i64::MAX)),
            (TimeFormat::Unix, json!(0)),
            (TimeFormat::UnixMs, json!(-1)),
        ] {
            assert_eq!(format.read(&value, now), Ok(None), "{format:?} {value}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let now = at("2026-11-24T00:00:00Z");
        for (format, value) in [
            (TimeFormat::DateTime, json!("yesterday")),
            (TimeFormat::DateTime, json!("2025-07-16 06:07:42+0")),
            (TimeFormat::DateTime, json!("06:07:42+00")),
            (TimeFormat::DateTime, json!({"at": 1})),
            (TimeFormat::DateTime, json!(true)),
            (TimeFormat::Unix, json!("soon")),
            (TimeFormat::Rfc2822, json!("2025-07-16T06:07:42Z")),
        ] {
            assert!(format.read(&value, now).is_err(), "{format:?} {value}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let now = at("2026-11-24T00:00:00Z");
        let then = at("2027-02-22T00:00:00Z");
        for format in [
            TimeFormat::DateTime,
            TimeFormat::Date,
            TimeFormat::Unix,
            TimeFormat::UnixMs,
            TimeFormat::Seconds,
            TimeFormat::Days,
        ] {
            assert_eq!(format.read(&format.write(then, now), now), Ok(Some(then)), "{format:?}");
        }
    }
}
