//! How often: a token bucket in one number (GCRA, ITU-T I.371), shared by all threads without a lock.
//!
//! The number is when the bucket will be full again, in nanoseconds. A use moves it on by one interval; it
//! is refused if that would be further ahead than the burst allows. A verifier that holds a [`Part`] of the limit
//! has longer intervals, so that as many nanoseconds are fewer uses.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::feed::Rate;
use crate::share::Part;
use crate::verdict::Left;

const NANOS_PER_SECOND: u64 = 1_000_000_000;
/// How long a part takes to come here from another verifier, in seconds.
const MOVE_SECONDS: u64 = 3;

/// What is left of the limit of an app here, and what this verifier holds of it.
#[derive(Debug, Default)]
pub(crate) struct Limit {
    /// When the bucket is full again.
    full_at: AtomicU64,
    /// What was asked for since this verifier is short.
    asked: AtomicU64,
    /// In millionths; 0 is an even one.
    part: AtomicU32,
    /// Whether it is in the list of those of which the verifier is short.
    is_noted: AtomicBool,
}

/// A rate in the figures that are needed. Rounded so that no more is given out than was said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    rate: Rate,
    part: Part,
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

impl Limit {
    /// What this verifier holds; `even` where nothing else is said.
    pub(crate) fn part(&self, even: Part) -> Part {
        match self.part.load(Ordering::Relaxed) {
            0 => even,
            part => Part::new(part),
        }
    }

    /// Whether it is to be noted that this verifier is short, by whoever asks first.
    pub(crate) fn is_news(&self) -> bool {
        !self.is_noted.load(Ordering::Relaxed) && !self.is_noted.swap(true, Ordering::Relaxed)
    }

    /// It is short no more.
    pub(crate) fn is_enough(&self) {
        self.is_noted.store(false, Ordering::Relaxed);
        self.asked.store(0, Ordering::Relaxed);
    }

    /// What was asked for since this was asked last.
    pub(crate) fn take_asked(&self) -> u64 {
        self.asked.swap(0, Ordering::Relaxed)
    }
}

impl Bucket {
    pub(crate) fn new(rate: Rate, part: Part) -> Self {
        let window = u64::from(rate.window_seconds.max(1)) * NANOS_PER_SECOND;
        let whole = window.div_ceil(u64::from(rate.limit.max(1)));
        let depth = whole.saturating_mul(burst(rate));
        let millionths = u64::from(part.millionths().max(1));
        let interval = match part {
            Part::WHOLE => whole,
            _ => whole.saturating_mul(Part::WHOLE.millionths().into()).div_ceil(millionths),
        };
        Self { rate, part, interval, depth }
    }

    /// What is held of the limit.
    pub(crate) const fn part(&self) -> Part {
        self.part
    }

    /// Takes `cost` uses at `now` (nanoseconds since 1970), all or none.
    pub(crate) fn take(&self, limit: &Limit, cost: u32, now: u64) -> Result<Left, Empty> {
        let full_at = &limit.full_at;
        if limit.is_noted.load(Ordering::Relaxed) {
            limit.asked.fetch_add(cost.into(), Ordering::Relaxed);
        }
        let step = self.interval.saturating_mul(u64::from(cost));
        let mut known = full_at.load(Ordering::Relaxed);
        if self.rate.limit == 0 || u64::from(cost) > burst(self.rate) {
            let left = self.left(self.ahead(known, now));
            let retry_after_seconds = self.rate.window_seconds.max(1).into();
            return Err(Empty { left, retry_after_seconds });
        }
        // However small the part, what is full lets a use pass.
        let room = self.depth.max(step);
        loop {
            let ahead = self.ahead(known, now);
            let next = ahead.saturating_add(step);
            if next > room {
                let retry_after_seconds = self.wait(next - room);
                return Err(Empty { left: self.left(ahead), retry_after_seconds });
            }
            let full = now.saturating_add(next);
            match full_at.compare_exchange_weak(known, full, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(self.left(next)),
                Err(other) => known = other,
            }
        }
    }

    /// What is left, and nothing is taken.
    pub(crate) fn look(&self, limit: &Limit, now: u64) -> Left {
        self.left(self.ahead(limit.full_at.load(Ordering::Relaxed), now))
    }

    /// Whether less than half of this part is left, and there is more to be had.
    pub(crate) fn is_short(&self, left: &Left) -> bool {
        let half = burst(self.rate) * u64::from(self.part.millionths()) / 2;
        self.part < Part::WHOLE && left.remaining * u64::from(Part::WHOLE.millionths()) < half
    }

    /// How fast so many uses in so many nanoseconds are, beside the whole rate.
    pub(crate) fn speed(&self, uses: u64, nanos: u64) -> Part {
        let whole = Part::WHOLE.millionths();
        let window = u64::from(self.rate.window_seconds.max(1)) * NANOS_PER_SECOND;
        let allowed = u128::from(self.rate.limit.max(1)) * u128::from(nanos.max(1));
        let speed = u128::from(uses) * u128::from(window) * u128::from(whole) / allowed;
        Part::new(u32::try_from(speed).unwrap_or(whole))
    }

    /// What is used of the burst here, in uses.
    pub(crate) fn used(&self, limit: &Limit, now: u64) -> u64 {
        self.ahead(limit.full_at.load(Ordering::Relaxed), now).div_ceil(self.interval.max(1))
    }

    /// From now on this verifier holds `part` (`is_even`: as long as it is even), and `more` of the burst comes
    /// along. What of the whole burst is left over: what was in the part that it gives up, and what it has no room for.
    pub(crate) fn hold(
        &self,
        limit: &Limit,
        (part, is_even): (Part, bool),
        more: Part,
        now: u64,
    ) -> Part {
        let relaxed = Ordering::Relaxed;
        let known = limit.full_at.load(relaxed);
        let [own, new] = [self.part, part].map(|part| i128::from(part.millionths().max(1)));
        let depth = i128::from(self.depth.max(1));
        // What is left of the burst, in millionths × nanoseconds; less than nothing where a use took more.
        let full = depth - i128::from(self.ahead(known, now));
        let had = if new < own { new * full } else { own * full };
        let left = (had + i128::from(more.millionths()) * depth).min(new * depth);
        let freed = ((own * full).max(had) + i128::from(more.millionths()) * depth - left) / depth;
        if new > own || more > Part::NONE {
            // Rounded so that no more is given out.
            let ahead = (new * depth - left).max(0).cast_unsigned().div_ceil(new.cast_unsigned());
            let full_at = now.saturating_add(u64::try_from(ahead).unwrap_or(u64::MAX));
            // What is used in this very moment is counted on top.
            let put = limit.full_at.compare_exchange(known, full_at, relaxed, relaxed);
            if let Err(moved) = put {
                limit.full_at.store(full_at.saturating_add(moved.saturating_sub(known)), relaxed);
            }
        }
        let millionths = if is_even { 0 } else { part.millionths().max(1) };
        limit.part.store(millionths, relaxed);
        Part::new(u32::try_from(freed.max(0)).unwrap_or(0))
    }

    /// Seconds until it can be tried again: no longer than it takes where the whole limit comes here.
    fn wait(&self, nanos: u64) -> u64 {
        let own = nanos.div_ceil(NANOS_PER_SECOND);
        if self.part == Part::WHOLE {
            return own;
        }
        let whole = u128::from(nanos) * u128::from(self.part.millionths())
            / u128::from(Part::WHOLE.millionths());
        let whole = u64::try_from(whole).unwrap_or(u64::MAX).div_ceil(NANOS_PER_SECOND);
        own.min(whole.saturating_add(MOVE_SECONDS))
    }

    /// How far ahead the bucket is. Never further than it can be: after a clock was set back, it is empty and
    /// fills as ever.
    fn ahead(&self, full_at: u64, now: u64) -> u64 {
        full_at.saturating_sub(now).min(self.interval.saturating_mul(burst(self.rate)))
    }

    fn left(&self, ahead: u64) -> Left {
        let remaining = match self.rate.limit {
            0 => 0,
            _ => self.depth.saturating_sub(ahead) / self.interval,
        };
        Left {
            limit: self.rate.limit,
            window_seconds: self.rate.window_seconds.max(1),
            remaining,
            reset_seconds: ahead.div_ceil(NANOS_PER_SECOND),
        }
    }
}

fn burst(rate: Rate) -> u64 {
    rate.burst.unwrap_or(rate.limit).max(1).into()
}
