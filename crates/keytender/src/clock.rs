//! The one place that reads the clock; everywhere else the moment is a parameter.

use std::time::{SystemTime, UNIX_EPOCH};

use keytender_core::time::Time;

/// The present moment, in whole microseconds.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> Time {
    // A clock before 1970 is broken; 1970 is the nearest that can be said.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
