//! Of which limits this verifier is short, and what it holds of them.

use std::sync::PoisonError;
use std::time::Duration;

use keytender_core::id::{ApiId, AppId};

use super::Table;
use crate::app::{Facts, Limits};
use crate::clock::Now;
use crate::feed::{Need, Share};
use crate::limit::Bucket;
use crate::share::Part;

/// A need is felt for longer than it lasts: half of what was wanted a second ago is wanted now.
const FADES_BY: u32 = 2;
/// The shortest time over which a speed is measured.
const SHORTEST: Duration = Duration::from_millis(500);

/// An app of whose limit another part than an even one is held, or wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted {
    place: u32,
    app: AppId,
    wanted: Part,
    freed: Part,
    looked_at: Option<Duration>,
}

impl Table {
    /// From now on so many verifiers, with this one, give out the limits of the apps of each API that is known.
    pub fn set_verifiers(&self, count: impl Fn(ApiId) -> u32) {
        for (api, place) in self.write().api_places() {
            if let Some(cell) = self.apis.get(place) {
                cell.put_verifiers(count(api));
            }
        }
    }

    /// The limits of which this verifier holds another part than an even one, or wants to. What was freed is told
    /// once.
    pub fn needs(&self, now: Now) -> Vec<Need> {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let need = |one: &mut Noted| {
            let (facts, limits) = self.limits_at(one.place)?;
            let bucket = self.bucket(&facts, limits)?;
            one.look(limits, &bucket, now);
            let freed = std::mem::take(&mut one.freed);
            Some(Need { app: one.app, wanted: one.wanted, held: bucket.part(), freed })
        };
        noted.iter_mut().filter_map(need).collect()
    }

    /// From now on this verifier holds these parts.
    pub fn share(&self, shares: &[Share], now: Now) {
        if shares.is_empty() {
            return;
        }
        let writer = self.write();
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        for share in shares {
            let Some(place) = writer.app_place(share.app) else { continue };
            let Some((facts, limits)) = self.limits_at(place) else { continue };
            let Some(bucket) = self.bucket(&facts, limits) else { continue };
            let even = self.even(&facts);
            let is_even = share.part == even;
            let freed = bucket.hold(&limits.rate, (share.part, is_even), share.more, now.nanos());
            let mut one = match noted.iter().position(|one| one.place == place) {
                Some(at) => noted.swap_remove(at),
                None => Noted {
                    place,
                    app: share.app,
                    wanted: Part::NONE,
                    freed: Part::NONE,
                    looked_at: Some(now.monotonic),
                },
            };
            one.freed = one.freed.and(freed);
            let is_calm = one.wanted.millionths() <= even.millionths() / 2;
            if is_even && is_calm && one.freed == Part::NONE {
                limits.rate.is_enough();
            } else {
                limits.rate.is_news();
                noted.push(one);
            }
        }
    }

    /// It is noted that there is less than half of a part left.
    pub(crate) fn note_short(&self, place: u32, app: AppId) {
        let none = Part::NONE;
        let one = Noted { place, app, wanted: none, freed: none, looked_at: None };
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).push(one);
    }

    /// The part of an app's limit that is held where nothing else is said.
    fn even(&self, app: &Facts) -> Part {
        self.apis.get(app.api).map_or(Part::WHOLE, |api| api.even())
    }

    fn bucket(&self, app: &Facts, limits: &Limits) -> Option<Bucket> {
        Some(Bucket::new(limits.said()?, limits.rate.part(self.even(app))))
    }
}

impl Noted {
    /// Looks how fast its keys ask.
    fn look(&mut self, limits: &Limits, bucket: &Bucket, now: Now) {
        let Some(looked_at) = self.looked_at else {
            // It became short just now: what is used of the burst was asked for lately.
            let used = bucket.used(&limits.rate, now.nanos());
            let second = 1_000_000_000;
            self.wanted = bucket.speed(used.saturating_add(limits.rate.take_asked()), second);
            self.looked_at = Some(now.monotonic);
            return;
        };
        let past = now.monotonic.saturating_sub(looked_at);
        if past < SHORTEST {
            return;
        }
        let nanos = u64::try_from(past.as_nanos()).unwrap_or(u64::MAX);
        let speed = bucket.speed(limits.rate.take_asked(), nanos);
        self.wanted = speed.max(Part::new(self.wanted.millionths() / FADES_BY));
        self.looked_at = Some(now.monotonic);
    }
}
