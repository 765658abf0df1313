//! The moment of a verification. Only [`Clock`] reads a clock; everything else is told.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use keytender_core::time::Time;

/// When a verification takes place, by two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// By the calendar: for the ends of keys, for limits and for last uses.
    pub time: Time,
    /// Since some moment that stays the same while the program runs; never goes back. For leases.
    pub monotonic: Duration,
}

/// The clocks of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
}

impl Default for Clock {
    fn default() -> Self {
        Self::start()
    }
}

impl Now {
    /// Nanoseconds since 1970.
    pub(crate) fn nanos(self) -> u64 {
        u64::try_from(self.time.as_micros()).unwrap_or(0).saturating_mul(1_000)
    }
}

impl Clock {
    /// A clock whose monotonic time begins now. A verifier and its follower need the same one.
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// What both clocks say.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place of the crate that reads it"
    )]
    pub fn now(&self) -> Now {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        Now { time: Time::from_micros(micros), monotonic: self.monotonic() }
    }

    /// What the one says that never goes back.
    pub fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}
