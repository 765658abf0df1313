//! How a key is used: again and again at about the same distance, up to a last time.

use keytender_core::key::Use;
use keytender_core::time::{Span, Time};

use super::chance::{below, mix};

/// Uses come this much later at most, as a part of the distance between two.
const JITTER: i64 = 6;
/// How many gaps are looked through for the largest.
const GAPS: i64 = 40;

/// A service of a provider and its region, as the provider tells them.
pub(super) type Place = (Option<&'static str>, Option<&'static str>);

/// Uses of a key, each at about the same distance from the one before. They are counted back from the
/// last one, which has the number 0.
#[derive(Clone, Debug)]
pub(super) struct Rhythm {
    /// The last use.
    pub(super) last: Time,
    /// The distance between two uses.
    pub(super) period: Span,
    /// There is none before this moment.
    pub(super) from: Time,
    /// Where it is used.
    pub(super) places: &'static [Place],
    /// Tells one key's uses from another's.
    pub(super) salt: u64,
}

impl Rhythm {
    /// The use of a number.
    pub(super) fn back(&self, number: i64) -> Use<'static> {
        let bits = mix(self.salt ^ number.cast_unsigned());
        let place = usize::try_from(below(bits, i64::try_from(self.places.len()).unwrap_or(0)));
        let (service, region) =
            place.ok().and_then(|place| self.places.get(place)).copied().unwrap_or_default();
        let (service, region) = (service.map(Into::into), region.map(Into::into));
        Use { at: self.moment(number), region, service }
    }

    fn moment(&self, number: i64) -> Time {
        let period = self.period.as_micros();
        let jitter = match number {
            0 => 0,
            _ => below(mix(self.salt.wrapping_add(number.cast_unsigned())), period / JITTER),
        };
        self.last.minus(Span::from_micros(number.saturating_mul(period) + jitter))
    }

    /// The number of the last use that was at `at` or before; `None` if there was none.
    pub(super) fn number_at(&self, at: Time) -> Option<i64> {
        let whole = self.last.since(at).as_micros() / self.period.as_micros().max(1);
        let number = (whole..whole + 3).find(|number| self.moment(*number) <= at)?;
        (self.moment(number) >= self.from).then_some(number)
    }

    /// The number of the first use of which somebody knows who looks since `since`: the last one
    /// before, or the first of all.
    fn first_known(&self, since: Time) -> i64 {
        self.number_at(since).unwrap_or_else(|| {
            let floor = since.max(self.from);
            let whole = self.last.since(floor).as_micros() / self.period.as_micros().max(1);
            (0..=whole).rev().find(|number| self.moment(*number) >= floor).unwrap_or(0)
        })
    }

    /// How many uses are known at `at` to whom looks since `since`, and the largest gap between two.
    pub(super) fn known(&self, since: Time, at: Time) -> (u32, Option<Span>) {
        let Some(newest) = self.number_at(at) else { return (0, None) };
        let oldest = self.first_known(since).max(newest);
        let gaps = (newest..oldest).take(usize::try_from(GAPS).unwrap_or(0));
        let largest = gaps.map(|number| self.moment(number).since(self.moment(number + 1))).max();
        (u32::try_from(oldest - newest + 1).unwrap_or(u32::MAX), largest)
    }
}
