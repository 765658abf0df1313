//! The slots that readers look at.
//!
//! Slots stand in groups of 8, and beside them is a mark of one byte for each, 8 to a word. A key is in one of two groups
//! that follow from its id, in the one that had more room when it came (Azar, Broder, Karlin, Upfal: "Balanced
//! Allocations", 1994). So a search reads two words of marks, and then only the slot whose mark fits: one line of memory
//! for a key that is there, and one for a key that is not. Where both groups were full, which happens to one key in 250
//! at most, a bit of its first group says that keys strayed, into the next group that had room.

use std::fmt;
use std::hint::select_unpredictable;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::details::Details;
use crate::memory::{self, Words};
use crate::shelf::Shelf;
use crate::slot::{Entry, Slot, Stand, WORDS, cell, lower};

/// Spreads public ids, whose bits are not all equally likely: 2^64 divided by the golden ratio (Knuth, The
/// Art of Computer Programming, volume 3, section 6.4).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
/// Slots of a group, and bytes of a word.
const GROUP: usize = 8;
/// Bits of a word.
const BITS: usize = 64;
/// One in each byte of a word.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte of a word.
const HIGHEST: u64 = ONES << 7;

/// The slots, and what belongs to them.
#[derive(Default)]
pub(crate) struct Image {
    /// The slots, behind them the marks, and a bit for each group.
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

/// Where a key most likely is.
pub(crate) struct Spot {
    slot: usize,
    /// Whether it is nowhere if it is not there.
    is_only: bool,
}

/// Where a key could be, and its mark.
pub(crate) struct Place {
    group: usize,
    slot: usize,
    mark: u64,
    /// The first group of the key, if it is in neither of its own.
    strays_from: Option<usize>,
}

impl Image {
    /// One with so many slots, or a few more.
    pub(crate) fn with_slots(slots: usize) -> Self {
        let groups = slots.div_ceil(GROUP);
        let words = Words::new(groups * (GROUP * (WORDS + 1) + 1) + groups.div_ceil(BITS));
        Self { words, groups, details: Shelf::default() }
    }

    /// Where the key of a public id is, by the marks alone, or else another key: memory is asked for it. None only where
    /// there are no slots. Nothing here branches on what the marks say.
    pub(crate) fn expect(&self, id: u128) -> Option<Spot> {
        let [first, second] = self.homes(id);
        let [marks, others] = [self.marks_of(first)?, self.marks_of(second)?];
        let mark = mark(id) * ONES;
        // The highest bit of a byte is of the first group, the one below of the second.
        let marked = zeros(marks ^ mark) | (zeros(others ^ mark) >> 1);
        let bit = marked.trailing_zeros() as usize;
        let own = select_unpredictable(bit % 8 == 7, first, second) * GROUP + bit / 8;
        let filled = zeros(marks).trailing_zeros() as usize / 8;
        let other = first * GROUP + ((part(id) * filled) >> 8);
        let slot = select_unpredictable(marked == 0, other, own);
        memory::expect(self.slots().get(slot)?.first()?);
        let is_only = (marked & marked.wrapping_sub(1) == 0) & !self.has_strays(first);
        Some(Spot { slot, is_only })
    }

    /// The key of a public id, and whether it is one: if not, it is another key, or nobody's. What is read, and how long
    /// that takes, does not tell.
    pub(crate) fn find(&self, id: u128, at: &Spot) -> Option<(Entry, bool)> {
        let (entry, is_it) = self.look(self.slots().get(at.slot)?, id);
        if !(is_it | at.is_only)
            && let Some(slot) = self.slot_of(id)
        {
            return Some(self.look(slot, id));
        }
        Some((entry, is_it))
    }

    /// What a slot says, and whether it is of this id.
    fn look(&self, slot: &Slot, id: u128) -> (Entry, bool) {
        let (head, words) = cell(slot).read();
        let entry = Entry::unpack(head, words);
        let is_there = !matches!(entry.state, Stand::Empty | Stand::Removed);
        (entry, (entry.id == id) & is_there)
    }

    /// The slot of a public id, or the one where it would be.
    pub(crate) fn search(&self, id: u128) -> Search<'_> {
        match self.slot_of(id) {
            Some(slot) => Search::Found(slot),
            None => self.place_for(id).map_or(Search::Full, Search::Free),
        }
    }

    fn slot_of(&self, id: u128) -> Option<&Slot> {
        let (homes, mark) = (self.homes(id), mark(id) * ONES);
        let within = |group| {
            let marked = zeros(self.marks_of(group)? ^ mark);
            places(marked).find_map(|slot| self.slot(group, slot, id))
        };
        homes.into_iter().find_map(within).or_else(|| self.strays_of(homes[0]).find_map(within))
    }

    /// Where a key would be that is not there.
    fn place_for(&self, id: u128) -> Option<Place> {
        let [first, second] = self.homes(id);
        let free = |group| self.marks_of(group).map_or(0, zeros);
        let has_more = free(second).count_ones() > free(first).count_ones();
        let (own, mark) = (if has_more { second } else { first }, mark(id));
        let (group, strays_from) = match free(own) {
            0 => (self.from(first).find(|(_, marks)| zeros(*marks) != 0)?.0, Some(first)),
            _ => (own, None),
        };
        // The first of them: a group is filled from its beginning.
        let slot = places(free(group)).next()?;
        Some(Place { group, slot, mark, strays_from })
    }

    /// The groups that keys of a group strayed to, if any did: full ones, and the first that is not.
    fn strays_of(&self, group: usize) -> impl Iterator<Item = usize> {
        let full = || self.from(group).take_while(|(_, marks)| zeros(*marks) == 0).count();
        let reach = if self.has_strays(group) { full() + 1 } else { 0 };
        self.from(group).take(reach).map(|(group, _)| group)
    }

    /// Puts a key where there was none. Only one thread at a time may do this.
    pub(crate) fn fill(&self, at: &Place, head: u64, words: [u64; WORDS]) -> Option<()> {
        cell(self.slots().get(at.group * GROUP + at.slot)?).write(head, words);
        if let Some(group) = at.strays_from {
            self.strays().get(group / BITS)?.fetch_or(1 << (group % BITS), Ordering::Release);
        }
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
        self.behind_slots().get(..self.groups).unwrap_or_default()
    }

    /// The marks of a group. One is set after its slot is filled.
    fn marks_of(&self, group: usize) -> Option<u64> {
        self.marks().get(group).map(|marks| marks.load(Ordering::Acquire))
    }

    fn strays(&self) -> &[AtomicU64] {
        self.behind_slots().get(self.groups..).unwrap_or_default()
    }

    /// Whether a key whose first group this is may be in neither of its own.
    fn has_strays(&self, group: usize) -> bool {
        let bits = self.strays().get(group / BITS).map_or(0, |bits| bits.load(Ordering::Acquire));
        bits >> (group % BITS) & 1 == 1
    }

    fn behind_slots(&self) -> &[AtomicU64] {
        self.words.get().get(self.len() * (WORDS + 1)..).unwrap_or_default()
    }

    /// The groups of an id.
    fn homes(&self, id: u128) -> [usize; 2] {
        let first = spread(id);
        let second = (first ^ (first >> 32)).wrapping_mul(SPREAD);
        // The upper half of the product is below the number of groups.
        let group = |part: u64| (u128::from(part) * self.groups as u128) >> 64;
        [first, second].map(|part| usize::try_from(group(part)).unwrap_or(0))
    }

    /// Groups and their marks, from one on.
    fn from(&self, home: usize) -> impl Iterator<Item = (usize, u64)> {
        let (before, after) = self.marks().split_at_checked(home).unwrap_or_default();
        let order = (home..).zip(after).chain((0..).zip(before));
        order.map(|(group, marks)| (group, marks.load(Ordering::Acquire)))
    }
}

fn spread(id: u128) -> u64 {
    (lower(id) ^ lower(id >> 64).rotate_right(8)).wrapping_mul(SPREAD)
}

/// A part of 256, of bits that do not say in which group an id is.
fn part(id: u128) -> usize {
    usize::try_from((spread(id) >> 8) & 0xff).unwrap_or(0)
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

impl fmt::Debug for Image {
    /// Not its keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Image").field("slots", &self.len()).finish_non_exhaustive()
    }
}
