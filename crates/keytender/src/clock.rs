//! The one place that reads the clock; everywhere else the moment is a parameter.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keytender_core::time::Time;

/// The present moment, in whole microseconds.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> Time {
    // A clock before 1970 is broken; 1970 is the nearest that can be said.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// The moment that the system says of something, such as when a file was changed; nothing is read. `None` where no number
/// of microseconds says it.
pub fn of_system(time: SystemTime) -> Option<Time> {
    let micros = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).ok()?,
        Err(before) => i64::try_from(before.duration().as_micros()).ok()?.checked_neg()?,
    };
    Some(Time::from_micros(micros))
}

/// A moment in the standard library's words, for crates that ask for them; nothing is read.
pub fn system_time(time: Time) -> SystemTime {
    let micros = Duration::from_micros(time.as_micros().unsigned_abs());
    let moment = if time.as_micros() < 0 {
        UNIX_EPOCH.checked_sub(micros)
    } else {
        UNIX_EPOCH.checked_add(micros)
    };
    moment.unwrap_or(UNIX_EPOCH)
}
