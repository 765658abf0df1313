//! The slots that readers look at.
//!
//! Slots stand in groups of 8, and beside them is a mark of one byte for each, 8 to a word. A search reads the
//! marks of a group, and then only the slot whose mark fits: one line of memory for a key that is there. A group
//! with a free slot ends the search; a key is in the first group from its own on that had one, and there in a slot
//! of its own if that was free.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::details::Details;
use crate::memory::Words;
use crate::shelf::Shelf;
use crate::slot::{Entry, Slot, Stand, WORDS, cell, lower};

/// Spreads public ids, whose bits are not all equally likely: 2^64 divided by the golden ratio (Knuth, The
/// Art of Computer Programming, volume 3, section 6.4).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
/// Slots of a group, and bytes of a word.
const GROUP: usize = 8;
/// One in each byte of a word.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte of a word.
const HIGHEST: u64 = ONES << 7;

/// The slots, and what belongs to them.
#[derive(Default)]
pub(crate) struct Image {
    /// The slots, and behind them the marks.
    words: Words,
    groups: usize,
    details: Shelf<OnceLock<Arc<Details>>>,
}

/// Where a search ended.
pub(crate) enum Search<'a> {
    /// The key is here; it may be one that is forgotten.
    Found(&'a Slot),
    /// It is not, and could be here.
    Free(Place),
    /// It is not, and there is no room.
    Full,
}

/// Where a key could be, and its mark.
pub(crate) struct Place {
    group: usize,
    slot: usize,
    mark: u64,
}

impl Image {
    /// One with so many slots, or a few more.
    pub(crate) fn with_slots(slots: usize) -> Self {
        let groups = slots.div_ceil(GROUP);
        let words = Words::new(groups * (GROUP * (WORDS + 1) + 1));
        Self { words, groups, details: Shelf::default() }
    }

    /// The key of a public id, and whether it is one: if not, it is another key, or nobody's. What is read, and how long
    /// that takes, does not tell.
    pub(crate) fn find(&self, id: u128) -> Option<(Entry, bool)> {
        let (home, own, mark) = (self.home(id), own_slot(id), mark(id));
        // Most keys are in a slot of their own: it is asked for before the marks tell.
        std::hint::black_box(self.slots().get(home * GROUP + own)?[0].load(Ordering::Relaxed));
        let (likely, is_marked) = self.likely(home, own, mark);
        let (entry, is_it) = self.look(self.slots().get(likely)?, id);
        if is_marked
            && !is_it
            && let Search::Found(slot) = self.search(id)
        {
            return Some(self.look(slot, id));
        }
        Some((entry, is_it))
    }

    /// Where a key most likely is, and whether its mark is there: if not, the place is of another key.
    fn likely(&self, home: usize, own: usize, mark: u64) -> (usize, bool) {
        for (group, marks) in self.from(home) {
            let marked = zeros(marks ^ (mark * ONES));
            if marked != 0 {
                return (group * GROUP + pick(marked, own), true);
            }
            if zeros(marks) != 0 {
                break;
            }
        }
        let marks = self.marks().get(home).map_or(0, |marks| marks.load(Ordering::Relaxed));
        (home * GROUP + pick(HIGHEST & !zeros(marks), own), false)
    }

    /// What a slot says, and whether it is of this id.
    fn look(&self, slot: &Slot, id: u128) -> (Entry, bool) {
        let (head, words) = cell(slot).read();
        let entry = Entry::unpack(head, words);
        let is_there = !matches!(entry.state, Stand::Empty | Stand::Removed);
        (entry, (entry.id == id) & is_there)
    }

    /// Groups and their marks, from one on.
    fn from(&self, home: usize) -> impl Iterator<Item = (usize, u64)> {
        let (before, after) = self.marks().split_at_checked(home).unwrap_or_default();
        let order = (home..).zip(after).chain((0..).zip(before));
        // A mark is set after its slot is filled.
        order.map(|(group, marks)| (group, marks.load(Ordering::Acquire)))
    }

    /// The slot of a public id, or the one where it would be.
    pub(crate) fn search(&self, id: u128) -> Search<'_> {
        let (home, own, mark) = (self.home(id), own_slot(id), mark(id));
        for (group, marks) in self.from(home) {
            let mut found = places(zeros(marks ^ (mark * ONES)));
            if let Some(slot) = found.find_map(|slot| self.slot(group, slot, id)) {
                return Search::Found(slot);
            }
            let free = zeros(marks);
            if free != 0 {
                return Search::Free(Place { group, slot: pick(free, own), mark });
            }
        }
        Search::Full
    }

    /// Puts a key where there was none. Only one thread at a time may do this.
    pub(crate) fn fill(&self, at: Place, head: u64, words: [u64; WORDS]) -> Option<()> {
        cell(self.slots().get(at.group * GROUP + at.slot)?).write(head, words);
        self.marks().get(at.group)?.fetch_or(at.mark << (at.slot * 8), Ordering::Release);
        Some(())
    }

    /// The slot at a place, if it is of this id.
    fn slot(&self, group: usize, slot: usize, id: u128) -> Option<&Slot> {
        let slot = self.slots().get(group * GROUP + slot)?;
        let head = cell(slot).head();
        let is_it = cell(slot).peek(0) == lower(id) && u128::from(head >> 32) == id >> 64;
        (is_it && Stand::of_head(head) != Stand::Empty).then_some(slot)
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
        self.groups * GROUP
    }

    /// Bytes of the slots and marks.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(self.words.get())
    }

    /// All keys, without those that are forgotten.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry> {
        let entries = self.slots().iter().map(|slot| cell(slot).read());
        let entries = entries.map(|(head, words)| Entry::unpack(head, words));
        entries.filter(|entry| !matches!(entry.state, Stand::Empty | Stand::Removed))
    }

    fn slots(&self) -> &[Slot] {
        let (slots, _) =
            self.words.get().split_at_checked(self.len() * (WORDS + 1)).unwrap_or_default();
        slots.as_chunks().0
    }

    fn marks(&self) -> &[AtomicU64] {
        self.words.get().get(self.len() * (WORDS + 1)..).unwrap_or_default()
    }

    /// The group where the search for an id begins.
    fn home(&self, id: u128) -> usize {
        // The upper half of the product is below the number of groups.
        let product = u128::from(spread(id)) * self.groups as u128;
        usize::try_from(product >> 64).unwrap_or(0)
    }
}

fn spread(id: u128) -> u64 {
    (lower(id) ^ lower(id >> 64).rotate_right(8)).wrapping_mul(SPREAD)
}

/// The slot of a group that an id takes if it is free.
fn own_slot(id: u128) -> usize {
    usize::try_from((spread(id) >> 8) % GROUP as u64).unwrap_or(0)
}

/// The mark of an id: a byte that is not 0, of bits that do not say in which group it is.
fn mark(id: u128) -> u64 {
    ((lower(id) ^ (lower(id) >> 29)) & 0xff).max(1)
}

/// The highest bit of each byte of a word that is 0.
const fn zeros(word: u64) -> u64 {
    const LOW: u64 = !HIGHEST;
    !(((word & LOW) + LOW) | word | LOW)
}

/// The places of the bytes whose highest bit is set.
fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros() / 8;
        (bits != 0).then(|| {
            bits &= bits - 1;
            place as usize
        })
    })
}

/// The same, of one of them: `own` if that is among them or there is none, or else the first. Without a branch: nobody
/// can guess which.
fn pick(bits: u64, own: usize) -> usize {
    let own = 0x80 << (own * 8);
    let bit = std::hint::select_unpredictable((bits & own == 0) & (bits != 0), bits, own);
    (bit.trailing_zeros() / 8) as usize
}

impl fmt::Debug for Image {
    /// Not its keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image").field("slots", &self.len()).finish_non_exhaustive()
    }
}
