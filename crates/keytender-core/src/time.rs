//! Moments and lengths of time.
//!
//! A [`Time`] is UTC in whole microseconds, as the databases keep it; a [`Span`] is never
//! negative. This module must never read a clock.

use std::fmt;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A moment in UTC: microseconds since 1970-01-01T00:00:00Z, within the years 1 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// Why a text is not a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a time: write 2026-11-24T09:30:00Z or 2026-11-24")]
pub struct BadTime;

impl Time {
    /// The moment `seconds` after 1970-01-01T00:00:00Z.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS_PER_SECOND))
    }

    /// The moment `micros` microseconds after 1970-01-01T00:00:00Z.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01T00:00:00Z.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Reads an RFC 3339 time (`2026-11-24T09:30:00Z`, any offset, fractions of a second) or a
    /// date alone, which is its first moment in UTC.
    ///
    /// # Errors
    /// [`BadTime`] if the text is neither, or names a day that does not exist.
    pub fn parse(text: &str) -> Result<Self, BadTime> {
        if let Some(time) = parse_utc_seconds(text.as_bytes()) {
            return Ok(time);
        }
        if text.len() == "2026-11-24".len() {
            let date: jiff::civil::Date = text.parse().map_err(|_| BadTime)?;
            return Self::from_civil(date.at(0, 0, 0, 0)).ok_or(BadTime);
        }
        let stamp: jiff::Timestamp = text.parse().map_err(|_| BadTime)?;
        Ok(Self(stamp.as_microsecond()))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0).max(0))
    }

    /// This moment and `span` later.
    #[must_use]
    pub fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// This moment and `span` earlier.
    #[must_use]
    pub fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// The same without a fraction of a second.
    #[must_use]
    pub const fn to_seconds(self) -> Self {
        Self::from_unix_seconds(self.0.div_euclid(MICROS_PER_SECOND))
    }

    /// The day alone, `2026-11-24`.
    pub fn date(self) -> String {
        match self.civil() {
            Some(civil) => civil.date().to_string(),
            None => self.to_string(),
        }
    }

    /// The text of [`Display`](fmt::Display) as bytes, without an allocation, for whoever writes
    /// millions; `None` if there is a fraction of a second.
    pub fn in_whole_seconds(self) -> Option<[u8; 20]> {
        let civil = self.civil()?;
        if civil.subsec_nanosecond() != 0 || civil.year() < 0 {
            return None;
        }
        let mut text = *b"0000-00-00T00:00:00Z";
        let [y1, y2, y3, y4, _, m1, m2, _, d1, d2, _, h1, h2, _, n1, n2, _, s1, s2, _] = &mut text;
        let year = civil.year().unsigned_abs();
        put_two_digits(y1, y2, year / 100);
        put_two_digits(y3, y4, year % 100);
        put_two_digits(m1, m2, u16::from(civil.month().unsigned_abs()));
        put_two_digits(d1, d2, u16::from(civil.day().unsigned_abs()));
        put_two_digits(h1, h2, u16::from(civil.hour().unsigned_abs()));
        put_two_digits(n1, n2, u16::from(civil.minute().unsigned_abs()));
        put_two_digits(s1, s2, u16::from(civil.second().unsigned_abs()));
        Some(text)
    }

    fn from_civil(civil: DateTime) -> Option<Self> {
        let stamp = TimeZone::UTC.to_timestamp(civil).ok()?;
        Some(Self(stamp.as_microsecond()))
    }

    fn civil(self) -> Option<DateTime> {
        let stamp = jiff::Timestamp::from_microsecond(self.0).ok()?;
        Some(TimeZone::UTC.to_datetime(stamp))
    }
}

/// The two forms that AWS writes, `2026-11-24T09:30:00Z` and `2026-11-24T09:30:00+00:00`, without
/// a general parser: a report of a million users holds four million of them.
fn parse_utc_seconds(text: &[u8]) -> Option<Time> {
    let (stamp, zone) = text.split_first_chunk::<19>()?;
    if zone != b"Z" && zone != b"+00:00" {
        return None;
    }
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2] =
        *stamp
    else {
        return None;
    };
    let year = i16::from(two_digits(y1, y2)?) * 100 + i16::from(two_digits(y3, y4)?);
    let civil = DateTime::new(
        year,
        two_digits(m1, m2)?,
        two_digits(d1, d2)?,
        two_digits(h1, h2)?,
        two_digits(n1, n2)?,
        two_digits(s1, s2)?,
        0,
    );
    Time::from_civil(civil.ok()?)
}

fn two_digits(tens: u8, ones: u8) -> Option<i8> {
    if !tens.is_ascii_digit() || !ones.is_ascii_digit() {
        return None;
    }
    i8::try_from((tens - b'0') * 10 + (ones - b'0')).ok()
}

impl fmt::Display for Time {
    /// RFC 3339 in UTC, `2026-11-24T09:30:00Z`, with a fraction only if there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.in_whole_seconds(), self.civil()) {
            (Some(text), _) => f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?),
            (None, Some(civil)) => write!(f, "{civil}Z"),
            (None, None) => write!(f, "{} µs", self.0),
        }
    }
}

fn put_two_digits(tens: &mut u8, ones: &mut u8, value: u16) {
    // Both are below 10: `value` is below 100.
    *tens = b'0' + u8::try_from(value / 10 % 10).unwrap_or(0);
    *ones = b'0' + u8::try_from(value % 10).unwrap_or(0);
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for Time {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for Time {}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for Span {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]+[smhdw]$")).into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for Span {}

/// A length of time, never negative, in whole microseconds. A day is 86,400 seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

/// Why a text is not a length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a length of time: write a whole number and a unit, such as 90d, 36h or 2w")]
pub struct BadSpan;

impl Span {
    /// So many days of 86,400 seconds.
    pub const fn days(days: u32) -> Self {
        Self((days as i64).saturating_mul(SECONDS_PER_DAY * MICROS_PER_SECOND))
    }

    /// Reads `90d`, `36h`, `45m`, `10s` or `2w`.
    ///
    /// # Errors
    /// [`BadSpan`] for anything else, and for more than ten thousand years.
    pub fn parse(text: &str) -> Result<Self, BadSpan> {
        let unit = text.chars().next_back().ok_or(BadSpan)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => SECONDS_PER_DAY,
            'w' => 7 * SECONDS_PER_DAY,
            _ => return Err(BadSpan),
        };
        let number = text.strip_suffix(unit).ok_or(BadSpan)?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BadSpan);
        }
        let count: i64 = number.parse().map_err(|_| BadSpan)?;
        let seconds = count.checked_mul(seconds).ok_or(BadSpan)?;
        if seconds > 10_000 * 366 * SECONDS_PER_DAY {
            return Err(BadSpan);
        }
        Ok(Self(seconds * MICROS_PER_SECOND))
    }

    /// So many microseconds; none if the number is negative.
    pub const fn from_micros(micros: i64) -> Self {
        Self(if micros < 0 { 0 } else { micros })
    }

    /// In microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole days, rounded down.
    pub const fn whole_days(self) -> i64 {
        self.0 / (SECONDS_PER_DAY * MICROS_PER_SECOND)
    }

    /// Longer by so much.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Twice as long.
    #[must_use]
    pub const fn doubled(self) -> Self {
        Self(self.0.saturating_mul(2))
    }

    /// For people, rounded down: `7 years`, `412 days`, `5 hours`, `3 minutes`, `moments`.
    pub fn in_words(self) -> String {
        let seconds = self.0 / MICROS_PER_SECOND;
        let days = seconds / SECONDS_PER_DAY;
        let (count, unit) = match () {
            () if days >= 731 => (days * 100 / 36_525, "year"),
            () if days >= 1 => (days, "day"),
            () if seconds >= 3_600 => (seconds / 3_600, "hour"),
            () if seconds >= 60 => (seconds / 60, "minute"),
            () => return "moments".to_owned(),
        };
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {unit}{plural}")
    }
}

impl fmt::Display for Span {
    /// The largest unit that divides it: `90d`, `36h`, `10s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0 / MICROS_PER_SECOND;
        for (unit, name) in [(SECONDS_PER_DAY, 'd'), (3_600, 'h'), (60, 'm')] {
            if seconds % unit == 0 && seconds > 0 {
                return write!(f, "{}{name}", seconds / unit);
            }
        }
        write!(f, "{seconds}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    #[test]
    fn both_forms_of_aws_are_the_same_moment() {
        assert_eq!(time("2026-11-24T09:30:00Z"), time("2026-11-24T09:30:00+00:00"));
        assert_eq!(time("2026-11-24"), time("2026-11-24T00:00:00Z"));
        assert_eq!(time("2026-11-24T10:30:00.25+01:00").to_string(), "2026-11-24T09:30:00.25Z");
    }

    #[test]
    fn a_day_that_does_not_exist_is_refused() {
        for text in ["2026-02-29T00:00:00Z", "2026-13-01", "2026-11-24T24:00:00Z", "", "N/A"] {
            assert_eq!(Time::parse(text), Err(BadTime), "{text}");
        }
        assert!(Time::parse("2024-02-29T23:59:59Z").is_ok());
    }

    #[test]
    fn age_is_whole_days_rounded_down() {
        let age = time("2026-11-24").since(time("2020-06-15T12:00:04Z"));
        assert_eq!(age.whole_days(), 2352);
        assert_eq!(time("2020-01-01").since(time("2026-11-24")), Span::default());
    }

    #[test]
    fn spans_are_read_and_written_alike() {
        for text in ["90d", "36h", "45m", "10s"] {
            assert_eq!(Span::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Span::parse("2w").unwrap(), Span::days(14));
        for text in
            ["", "d", "90", "90 d", "-1d", "+1d", "1.5d", "9e9d", "1y", "99999999999999d", "9é"]
        {
            assert_eq!(Span::parse(text), Err(BadSpan), "{text}");
        }
    }

    #[test]
    fn words_round_down() {
        assert_eq!(Span::days(2757).in_words(), "7 years");
        assert_eq!(Span::days(729).in_words(), "729 days");
        assert_eq!(Span::parse("26h").unwrap().in_words(), "1 day");
        assert_eq!(Span::parse("59s").unwrap().in_words(), "moments");
    }
}
