//! How often: a token bucket in one number (GCRA, ITU-T I.371), shared by all threads without a lock.
//!
//! The number is when the bucket will be full again, in nanoseconds. A use moves it on by one interval; it
//! is refused if that would be further ahead than the burst allows.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::feed::Rate;
use crate::verdict::Left;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// A rate in the figures that are needed. Rounded so that no more is given out than was said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    /// Nanoseconds until one more use is allowed.
    interval: u64,
    /// Nanoseconds that the bucket may be ahead.
    depth: u64,
}

/// The bucket is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Empty {
    pub(crate) left: Left,
    pub(crate) retry_after_seconds: u64,
}

impl Bucket {
    pub(crate) fn new(rate: Rate) -> Self {
        let window = u64::from(rate.window_seconds.max(1)) * NANOS_PER_SECOND;
        let interval = window.div_ceil(u64::from(rate.limit.max(1)));
        let depth = interval.saturating_mul(u64::from(rate.burst.unwrap_or(rate.limit).max(1)));
        Self { rate, interval, depth }
    }

    /// Takes `cost` uses at `now` (nanoseconds since 1970), all or none.
    pub(crate) fn take(&self, full_at: &AtomicU64, cost: u32, now: u64) -> Result<Left, Empty> {
        let step = self.interval.saturating_mul(u64::from(cost));
        if self.rate.limit == 0 || step > self.depth {
            let left = self.left(self.ahead(full_at.load(Ordering::Relaxed), now));
            let retry_after_seconds = self.rate.window_seconds.max(1).into();
            return Err(Empty { left, retry_after_seconds });
        }
        let mut known = full_at.load(Ordering::Relaxed);
        loop {
            let ahead = self.ahead(known, now);
            if ahead + step > self.depth {
                let wait = ahead + step - self.depth;
                let retry_after_seconds = wait.div_ceil(NANOS_PER_SECOND);
                return Err(Empty { left: self.left(ahead), retry_after_seconds });
            }
            let next = now.saturating_add(ahead + step);
            match full_at.compare_exchange_weak(known, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(self.left(ahead + step)),
                Err(other) => known = other,
            }
        }
    }

    /// What is left, and nothing is taken.
    pub(crate) fn look(&self, full_at: &AtomicU64, now: u64) -> Left {
        self.left(self.ahead(full_at.load(Ordering::Relaxed), now))
    }

    /// How far ahead the bucket is. Never further than it can be: after a clock was set back, it is empty and
    /// fills as ever.
    fn ahead(&self, full_at: u64, now: u64) -> u64 {
        full_at.saturating_sub(now).min(self.depth)
    }

    fn left(&self, ahead: u64) -> Left {
        let remaining = if self.rate.limit == 0 { 0 } else { (self.depth - ahead) / self.interval };
        Left {
            limit: self.rate.limit,
            window_seconds: self.rate.window_seconds.max(1),
            remaining,
            reset_seconds: ahead.div_ceil(NANOS_PER_SECOND),
        }
    }
}
