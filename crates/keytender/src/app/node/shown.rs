//! What keys show of their last uses, as far as this server wrote it lately.
//!
//! A key shows a use of its own a minute late, so most batches of uses have nothing to show. To find that out in the
//! database costs as much as to count the use; here it costs a look into memory.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};

use crate::store::usage::{PlaceUse, SHOWN_GRAIN, Usage};

/// When each key's use was shown, in microseconds, and where that was.
#[derive(Debug, Default)]
pub(super) struct Shown(Mutex<Generations>);

/// Two of them: what is older than both is not looked at again, so it is forgotten.
#[derive(Debug, Default)]
struct Generations {
    began_at: i64,
    young: HashMap<i64, (i64, u64)>,
    old: HashMap<i64, (i64, u64)>,
    places: RandomState,
}

impl Shown {
    /// Whether a use says more than what the key shows: it is the first that is known here, elsewhere than the one
    /// before, or later by more than a minute. From then on it counts as shown.
    pub(super) fn is_news(&self, used: &Usage, place: Option<&PlaceUse>) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.is_news(used, place)
    }

    /// What was to be shown is not.
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Generations::default();
    }
}

impl Generations {
    fn is_news(&mut self, used: &Usage, place: Option<&PlaceUse>) -> bool {
        let grain = SHOWN_GRAIN.as_micros();
        if used.last_at.saturating_sub(self.began_at) > grain {
            self.began_at = used.last_at;
            self.old = std::mem::take(&mut self.young);
        }
        let place = self.places.hash_one(place.map(|place| (&place.region, &place.service)));
        let known = self.young.get(&used.key_id).or_else(|| self.old.get(&used.key_id));
        if known.is_some_and(|(at, there)| *there == place && used.last_at - at <= grain) {
            return false;
        }
        self.young.insert(used.key_id, (used.last_at, place));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn used(key_id: i64, seconds: i64) -> Usage {
        let last_at = 1_000_000 * SECOND + seconds * SECOND;
        Usage { key_id, uses: 1, last_at, address: None, agent: None }
    }

    fn at(service: &str) -> PlaceUse {
        PlaceUse { key_id: 1, region: String::new(), service: service.to_owned(), last_at: 0 }
    }

    #[test]
    fn a_use_is_news_if_it_is_the_first_or_a_minute_later_or_elsewhere() {
        let shown = Shown::default();
        assert!(shown.is_news(&used(1, 0), None));
        assert!(shown.is_news(&used(2, 0), None), "another key");
        assert!(!shown.is_news(&used(1, 60), None));
        assert!(shown.is_news(&used(1, 61), None));
        assert!(!shown.is_news(&used(1, 70), None));
        assert!(shown.is_news(&used(1, 71), Some(&at("orders"))));
        assert!(!shown.is_news(&used(1, 72), Some(&at("orders"))));
        assert!(shown.is_news(&used(1, 73), Some(&at("search"))));
        assert!(!shown.is_news(&used(1, 5), Some(&at("search"))), "it came late");
    }

    #[test]
    fn what_could_not_be_written_is_news_again() {
        let shown = Shown::default();
        assert!(shown.is_news(&used(1, 0), None));
        shown.forget();
        assert!(shown.is_news(&used(1, 1), None));
    }

    #[test]
    fn what_is_not_used_any_more_is_forgotten() {
        let shown = Shown::default();
        for minute in 0..10 {
            for key in 0..100 {
                assert!(shown.is_news(&used(minute * 100 + key, minute * 61), None));
            }
        }
        let known = shown.0.lock().unwrap();
        assert!(known.young.len() + known.old.len() <= 200);
    }
}
