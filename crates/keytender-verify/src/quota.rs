//! How much in a day or a month: what the server has counted, and what was used here since.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::feed::{Period, Quota};

const MICROS_PER_SECOND: i64 = 1_000_000;

/// The quotas of an app.
#[derive(Debug, Default)]
pub(crate) struct Quotas {
    day: Counter,
    month: Counter,
}

/// One of them. Counts are exact; what several threads see of them in the same moment may differ by what they
/// are just adding.
#[derive(Debug)]
struct Counter {
    /// None is `u64::MAX`.
    limit: AtomicU64,
    /// What the server has counted.
    known: AtomicU64,
    /// What was used here and is not in `known`.
    here: AtomicU64,
    /// What of it is in a batch that is under way.
    sent: AtomicU64,
    /// The second when it begins again; never is `u64::MAX`.
    resets_at: AtomicU64,
}

impl Default for Counter {
    fn default() -> Self {
        let [limit, resets_at] = [u64::MAX; 2].map(AtomicU64::new);
        let [known, here, sent] = [0; 3].map(AtomicU64::new);
        Self { limit, known, here, sent, resets_at }
    }
}

impl Quotas {
    /// Uses `cost` of both, or of none. `Err` is the seconds until the one that is used up begins again.
    pub(crate) fn take(&self, cost: u32, now: u64) -> Result<(), u64> {
        self.day.take(cost.into(), now)?;
        self.month.take(cost.into(), now).inspect_err(|_| self.day.give_back(cost.into()))
    }

    /// Takes a use back that was refused for another reason.
    pub(crate) fn give_back(&self, cost: u32) {
        self.day.give_back(cost.into());
        self.month.give_back(cost.into());
    }

    /// From now on these are the limits; a period that is not named has none. What is used is believed only of a
    /// time that is not known yet: of the one that is, the receipts of batches say it.
    pub(crate) fn put(&self, quotas: &[Quota]) {
        for (period, counter) in [(Period::Day, &self.day), (Period::Month, &self.month)] {
            match quotas.iter().find(|quota| quota.period == period) {
                Some(quota) if counter.resets_at.load(Ordering::Relaxed) == resets_at(quota) => {
                    counter.limit.store(quota.limit, Ordering::Relaxed);
                }
                Some(quota) => counter.put(quota),
                None => counter.limit.store(u64::MAX, Ordering::Relaxed),
            }
        }
    }

    /// What is used now goes into a batch.
    pub(crate) fn mark(&self) {
        for counter in [&self.day, &self.month] {
            counter.sent.store(counter.here.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// What the server has counted, with the last batch.
    pub(crate) fn settle(&self, quota: &Quota) {
        let counter = match quota.period {
            Period::Day => &self.day,
            Period::Month => &self.month,
        };
        counter.put(quota);
        let sent = counter.sent.swap(0, Ordering::Relaxed);
        counter.give_back(sent);
    }
}

impl Counter {
    fn take(&self, cost: u64, now: u64) -> Result<(), u64> {
        let limit = self.limit.load(Ordering::Relaxed);
        if limit == u64::MAX {
            return Ok(());
        }
        self.begin_again(now);
        let here = self.here.fetch_add(cost, Ordering::Relaxed).saturating_add(cost);
        if self.known.load(Ordering::Relaxed).saturating_add(here) > limit {
            self.give_back(cost);
            return Err(self.resets_at.load(Ordering::Relaxed).saturating_sub(now).max(1));
        }
        Ok(())
    }

    /// Where the time is over, nothing of the next is used. When that one ends, the server will say.
    fn begin_again(&self, now: u64) {
        let resets_at = self.resets_at.load(Ordering::Relaxed);
        if now < resets_at {
            return;
        }
        let (new, relaxed) = (u64::MAX, Ordering::Relaxed);
        if self.resets_at.compare_exchange(resets_at, new, relaxed, relaxed).is_ok() {
            for count in [&self.known, &self.here, &self.sent] {
                count.store(0, Ordering::Relaxed);
            }
        }
    }

    fn give_back(&self, cost: u64) {
        let less = |here: u64| Some(here.saturating_sub(cost));
        // Never fails: `less` always has an answer.
        let _ = self.here.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    fn put(&self, quota: &Quota) {
        self.resets_at.store(resets_at(quota), Ordering::Relaxed);
        self.known.store(quota.used, Ordering::Relaxed);
        self.limit.store(quota.limit, Ordering::Relaxed);
    }
}

fn resets_at(quota: &Quota) -> u64 {
    u64::try_from(quota.resets_at.as_micros().div_euclid(MICROS_PER_SECOND)).unwrap_or(0)
}
