//! The slots that readers look at.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::details::Details;
use crate::shelf::Shelf;
use crate::slot::{Entry, Slot, Stand, lower};

/// Spreads public ids, whose bits are not all equally likely: 2^64 divided by the golden ratio (Knuth, The
/// Art of Computer Programming, volume 3, section 6.4).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The slots, and what belongs to them.
#[derive(Default)]
pub(crate) struct Image {
    slots: Box<[Slot]>,
    details: Shelf<OnceLock<Arc<Details>>>,
}

/// Where a search ended.
pub(crate) enum Search<'a> {
    /// The key is here; it may be one that is forgotten.
    Found(&'a Slot),
    /// It is not, and could be here.
    Free(&'a Slot),
    /// It is not, and there is no room.
    Full,
}

impl Image {
    /// One with so many slots.
    pub(crate) fn with_slots(slots: usize) -> Self {
        let slots = (0..slots).map(|_| Slot::default()).collect();
        Self { slots, details: Shelf::default() }
    }

    /// The key of a public id.
    pub(crate) fn find(&self, id: u128) -> Option<Entry> {
        let Search::Found(slot) = self.search(id) else { return None };
        let (head, words) = slot.0.read();
        let entry = Entry::unpack(head, words);
        (entry.id == id && entry.state != Stand::Removed).then_some(entry)
    }

    /// The slot of a public id, or the one where it would be.
    pub(crate) fn search(&self, id: u128) -> Search<'_> {
        let (before, after) = self.slots.split_at_checked(self.home(id)).unwrap_or_default();
        for slot in after.iter().chain(before) {
            let head = slot.0.head();
            if Stand::of_head(head) == Stand::Empty {
                return Search::Free(slot);
            }
            if slot.0.peek(0) == lower(id) && u128::from(head >> 32) == id >> 64 {
                return Search::Found(slot);
            }
        }
        Search::Full
    }

    /// The details at a place.
    pub(crate) fn details(&self, place: u32) -> Option<&Arc<Details>> {
        self.details.get(place)?.get()
    }

    /// Puts details at a place where none were.
    pub(crate) fn put_details(&self, place: u32, details: Arc<Details>) -> Option<()> {
        self.details.get_or_make(place)?.set(details).ok()
    }

    /// How many slots there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }

    /// All keys, without those that are forgotten.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        let entries = self.slots.iter().map(|slot| slot.0.read());
        let entries = entries.map(|(head, words)| Entry::unpack(head, words));
        entries.filter(|entry| !matches!(entry.state, Stand::Empty | Stand::Removed))
    }

    /// Where the search for an id begins.
    fn home(&self, id: u128) -> usize {
        let upper = lower(id >> 64).rotate_right(8);
        let spread = (lower(id) ^ upper).wrapping_mul(SPREAD);
        // The upper half of the product is below the number of slots.
        let product = u128::from(spread) * self.slots.len() as u128;
        usize::try_from(product >> 64).unwrap_or(0)
    }
}

impl fmt::Debug for Image {
    /// Not its keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image").field("slots", &self.slots.len()).finish_non_exhaustive()
    }
}
