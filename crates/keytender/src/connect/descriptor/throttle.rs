//! How long a provider wants to be left alone, as its headers say.

use std::time::Duration;

use keytender_core::akm::TimeFormat;
use keytender_core::time::Time;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The first pause where a provider does not say how long; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Up to so much is added at random, so that those who were refused together do not return together.
const JITTER: Duration = Duration::from_millis(250);
/// Numbers above this are moments rather than seconds from now: 2001, or 31 years.
const MOMENTS_ABOVE: f64 = 1e9;
/// Moments above this are milliseconds.
const MILLISECONDS_ABOVE: f64 = 1e11;
/// The headers in which limits tell when they are reset: an early draft of the IETF, and the custom
/// before it.
const RESETS: [&str; 3] = ["ratelimit-reset", "x-ratelimit-reset", "x-rate-limit-reset"];

/// How long the provider says that it wants to be left alone; `None` where it does not.
pub(super) fn asked(headers: &HeaderMap, now: Time) -> Option<Duration> {
    let text = |name: &str| Some(headers.get(name)?.to_str().ok()?.trim());
    let after = text(RETRY_AFTER.as_str()).and_then(|text| retry_after(text, now));
    after.or_else(|| RESETS.iter().find_map(|name| reset(text(name)?, now)))
}

/// Seconds or a date (RFC 9110, section 10.2.3).
fn retry_after(text: &str, now: Time) -> Option<Duration> {
    if let Some(seconds) = seconds(text) {
        return Some(seconds);
    }
    let moment = TimeFormat::Rfc2822.read(&text.into(), now).ok()??;
    Some(until(moment, now))
}

/// Seconds from now, or a moment in seconds or milliseconds since 1970.
fn reset(text: &str, now: Time) -> Option<Duration> {
    let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
    let format = if number > MILLISECONDS_ABOVE { TimeFormat::UnixMs } else { TimeFormat::Unix };
    if number <= MOMENTS_ABOVE {
        return seconds(text);
    }
    Some(until(format.read(&text.into(), now).ok()??, now))
}

fn seconds(text: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text.parse().ok()?).ok()
}

fn until(moment: Time, now: Time) -> Duration {
    Duration::from_micros(u64::try_from(moment.since(now).as_micros()).unwrap_or(0))
}

/// The pause before the attempt after this one, where the provider does not say how long.
pub(super) fn pause(attempt: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX))
}

/// A pause and something at random.
pub(super) fn jittered(pause: Duration) -> Duration {
    let mut byte = [0_u8];
    // Without randomness all return together: that is no reason to fail.
    let share = getrandom::fill(&mut byte).map_or(0, |()| u32::from(byte[0]));
    pause.saturating_add(JITTER * share / 256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_read_in_each_way_that_they_are_written() {
        let now = Time::parse("2026-11-24T00:00:00Z").unwrap();
        for (name, value, wanted) in [
            ("retry-after", "7", Some(7)),
            ("retry-after", "0", Some(0)),
            ("retry-after", "Tue, 24 Nov 2026 00:00:30 GMT", Some(30)),
            ("retry-after", "Mon, 23 Nov 2026 00:00:30 GMT", Some(0)),
            ("retry-after", "99999999999999999999999", None),
            ("retry-after", "-1", None),
            ("retry-after", "NaN", None),
            ("retry-after", "soon", None),
            ("ratelimit-reset", "12", Some(12)),
            ("x-ratelimit-reset", "1795478430", Some(30)),
            ("x-ratelimit-reset", "1795478430000", Some(30)),
            ("x-rate-limit-reset", "1795478430", Some(30)),
            ("x-ratelimit-reset", "1", Some(1)),
            ("x-ratelimit-reset", "inf", None),
        ] {
            let headers = HeaderMap::from_iter([(
                name.parse::<reqwest::header::HeaderName>().unwrap(),
                value.parse().unwrap(),
            )]);
            assert_eq!(asked(&headers, now), wanted.map(Duration::from_secs), "{name}: {value}");
        }
        assert_eq!(asked(&HeaderMap::new(), now), None);
    }

    #[test]
    fn pauses_grow_and_never_overflow() {
        assert_eq!((pause(0), pause(2)), (FIRST_PAUSE, FIRST_PAUSE * 4));
        assert!(pause(u32::MAX) > pause(20));
        assert!(jittered(Duration::MAX) == Duration::MAX);
    }
}
