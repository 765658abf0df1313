//! The hours at which people are written to: weekdays from 09:00, where they live.

use jiff::ToSpan;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use thiserror::Error;

use crate::time::Time;

/// When mail goes out, and from when on it waits for the next weekday.
const FROM_HOUR: i8 = 9;
const TO_HOUR: i8 = 17;
/// A weekday comes at the latest after Saturday and Sunday, and Friday's evening before.
const MAX_DAYS: usize = 4;

/// Why there is no hour to write at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a time zone: write a name such as Europe/Berlin or UTC")]
pub struct UnknownZone;

/// Whether there is a time zone of this IANA name.
pub fn is_time_zone(zone: &str) -> bool {
    TimeZone::get(zone).is_ok()
}

/// The next moment at or after `now` at which somebody in `zone` (`Europe/Berlin`) may be written
/// to: `now` between 09:00 and 17:00 of a weekday there, otherwise 09:00 of the next one.
///
/// # Errors
/// [`UnknownZone`] if there is no zone of this name.
pub fn send_at(now: Time, zone: &str) -> Result<Time, UnknownZone> {
    let zone = TimeZone::get(zone).map_err(|_| UnknownZone)?;
    let stamp = jiff::Timestamp::from_microsecond(now.as_micros()).map_err(|_| UnknownZone)?;
    let local = zone.to_datetime(stamp);
    if is_weekday(local) && (FROM_HOUR..TO_HOUR).contains(&local.hour()) {
        return Ok(now);
    }
    let morning = local.date().at(FROM_HOUR, 0, 0, 0);
    let mornings = std::iter::successors(Some(morning), |day| day.checked_add(1.day()).ok());
    let next = mornings
        .take(MAX_DAYS)
        .find(|morning| is_weekday(*morning) && *morning >= local)
        // Only at the end of the calendar there is no next day.
        .unwrap_or(local);
    // Where clocks are changed at this hour, the first moment after the change.
    let stamp = zone.to_ambiguous_timestamp(next).compatible().map_err(|_| UnknownZone)?;
    Ok(Time::from_micros(stamp.as_microsecond()).max(now))
}

fn is_weekday(local: DateTime) -> bool {
    !matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Span;

    fn at(now: &str, zone: &str) -> String {
        send_at(Time::parse(now).unwrap(), zone).unwrap().to_string()
    }

    #[test]
    fn mail_waits_for_nine_on_a_weekday_where_its_reader_is() {
        for (now, zone, expected) in [
            // A Tuesday.
            ("2026-11-24T08:59:59Z", "UTC", "2026-11-24T09:00:00Z"),
            ("2026-11-24T09:00:00Z", "UTC", "2026-11-24T09:00:00Z"),
            ("2026-11-24T16:59:59.5Z", "UTC", "2026-11-24T16:59:59.5Z"),
            ("2026-11-24T17:00:00Z", "UTC", "2026-11-25T09:00:00Z"),
            // Friday evening, Saturday and Sunday wait for Monday.
            ("2026-11-27T17:00:00Z", "UTC", "2026-11-30T09:00:00Z"),
            ("2026-11-28T10:00:00Z", "UTC", "2026-11-30T09:00:00Z"),
            ("2026-11-29T23:59:59Z", "UTC", "2026-11-30T09:00:00Z"),
            ("2026-11-24T03:00:00Z", "Asia/Tokyo", "2026-11-24T03:00:00Z"),
            ("2026-11-24T09:00:00Z", "Asia/Tokyo", "2026-11-25T00:00:00Z"),
            ("2026-11-24T12:00:00Z", "America/New_York", "2026-11-24T14:00:00Z"),
            // Summer time ends over the weekend of 2026-10-25 in Berlin.
            ("2026-10-23T18:00:00Z", "Europe/Berlin", "2026-10-26T08:00:00Z"),
            ("2026-11-24T03:00:00Z", "Asia/Kathmandu", "2026-11-24T03:15:00Z"),
        ] {
            assert_eq!(at(now, zone), expected, "{now} {zone}");
        }
    }

    #[test]
    fn a_zone_that_does_not_exist_is_refused() {
        let now = Time::parse("2026-11-24").unwrap();
        for zone in ["Europe/Atlantis", "", "+25:00"] {
            assert_eq!(send_at(now, zone), Err(UnknownZone), "{zone}");
        }
    }

    proptest! {
        #[test]
        fn the_moment_is_not_past_within_three_days_and_stays(seconds in 0_i64..8_000_000_000) {
            let now = Time::from_unix_seconds(seconds);
            for zone in ["UTC", "Asia/Tokyo", "America/Los_Angeles", "Pacific/Apia"] {
                let next = send_at(now, zone).unwrap();
                prop_assert!(next >= now);
                prop_assert!(next.since(now) < Span::days(4));
                prop_assert_eq!(send_at(next, zone).unwrap(), next);
            }
        }
    }
}
