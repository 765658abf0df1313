//! The records, in pieces of which each is as large as all before it.
//!
//! A record is found by its name: open addressing within a piece, and piece after piece. One that is there is
//! found and counted without a lock; to add one, its thread holds the file.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::file::{File, PIECES};
use super::record::{Found, Name, Record, WORDS};
use crate::memory::{self, Words};

/// How full a piece may be, in percent: a search that finds nothing looks at 8 records on average.
pub(super) const FULLEST_PERCENT: u32 = 75;

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position {
    piece: usize,
    record: usize,
}

/// All records.
pub(super) struct Pieces {
    pieces: [OnceLock<Piece>; PIECES],
    /// The group of marks that is taken next: who asks for a few at a time comes to all of them.
    next: AtomicUsize,
}

impl Default for Pieces {
    fn default() -> Self {
        Self { pieces: std::array::from_fn(|_| OnceLock::new()), next: AtomicUsize::new(0) }
    }
}

/// Some records, and which of them have changed.
struct Piece {
    words: Words,
    /// A bit for each record.
    changed: Box<[AtomicU64]>,
    taken: AtomicUsize,
}

impl Piece {
    fn new(words: Words) -> Self {
        let records = words.get().len() / WORDS;
        let changed = (0..records.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        Self { words, changed, taken: AtomicUsize::new(0) }
    }

    fn records(&self) -> &[[AtomicU64; WORDS]] {
        self.words.get().as_chunks::<WORDS>().0
    }

    /// Where a search begins.
    fn start(&self, part: u64) -> usize {
        let product = u128::from(part) * self.records().len() as u128;
        usize::try_from(product >> 64).unwrap_or(0)
    }

    /// Where the record is, or else where it could be.
    fn search(&self, name: &Name, seal: u64) -> (Option<usize>, bool) {
        let (records, home) = (self.records(), self.start(name.start()));
        let (before, after) = records.split_at_checked(home).unwrap_or_default();
        let places = (home..records.len()).chain(0..home);
        for (place, words) in places.zip(after.iter().chain(before)) {
            let record = Record::new(words);
            if !record.is_taken() {
                return (Some(place), false);
            }
            if record.is(name, seal) {
                return (Some(place), true);
            }
        }
        (None, false)
    }

    fn is_full(&self) -> bool {
        let most = self.records().len() / 100 * FULLEST_PERCENT as usize;
        self.taken.load(Ordering::Relaxed) >= most
    }
}

impl Pieces {
    /// Puts a piece behind the others, with what is in it.
    pub(super) fn push(&self, words: Words) {
        let next = self.pieces.iter().find(|piece| piece.get().is_none());
        if let Some(next) = next {
            next.get_or_init(|| Piece::new(words));
        }
    }

    /// Notes what is taken and new in all pieces, after they were read from a file.
    pub(super) fn look_through(&self) {
        for (position, found) in self.all() {
            if let (Some(piece), Found::Record(content)) = (self.piece(position), found) {
                piece.taken.fetch_add(1, Ordering::Relaxed);
                if content.is_new() {
                    self.mark(position);
                }
            }
        }
    }

    /// The record of a name.
    pub(super) fn find(&self, name: &Name) -> Option<Position> {
        let seal = name.seal();
        // The last is the largest, and has as many records as all before it.
        (0..self.count()).rev().find_map(|piece| {
            match self.pieces.get(piece)?.get()?.search(name, seal) {
                (Some(record), true) => Some(Position { piece, record }),
                _ => None,
            }
        })
    }

    /// Asks memory for where the record of a key most likely is, and does not wait for it.
    pub(super) fn expect(&self, home: u32) {
        let last = self.count().checked_sub(1).and_then(|last| self.pieces.get(last)?.get());
        let record = last.and_then(|piece| piece.records().get(piece.start(u64::from(home) << 32)));
        if let Some([first, ..]) = record {
            memory::expect(first);
        }
    }

    fn count(&self) -> usize {
        self.pieces.iter().take_while(|piece| piece.get().is_some()).count()
    }

    /// The record of a name, made if there is none; none if no more can be made. Who has the file is the only one
    /// who adds.
    pub(super) fn add(&self, file: &mut File, name: &Name) -> Option<Position> {
        if let Some(found) = self.find(name) {
            return Some(found);
        }
        let count = self.count();
        let last = count.checked_sub(1)?;
        let is_full = self.pieces.get(last)?.get()?.is_full();
        let piece = if is_full { count } else { last };
        let records = self.pieces.get(piece)?.get_or_init(|| Piece::new(file.grow(piece)));
        let (Some(record), false) = records.search(name, name.seal()) else { return None };
        Record::new(records.records().get(record)?).make(name);
        records.taken.fetch_add(1, Ordering::Relaxed);
        Some(Position { piece, record })
    }

    /// Does something with a record.
    pub(super) fn with<T>(&self, at: Position, act: impl FnOnce(&Record<'_>) -> T) -> Option<T> {
        Some(act(&Record::new(self.piece(at)?.records().get(at.record)?)))
    }

    /// Notes that a record has changed. The change comes first, then the mark; who collects takes the mark first
    /// and then reads. All of it is in one order, so no change stays unseen.
    pub(super) fn mark(&self, at: Position) {
        let Some(word) = self.piece(at).and_then(|piece| piece.changed.get(at.record / 64)) else {
            return;
        };
        let bit = 1 << (at.record % 64);
        if word.load(Ordering::SeqCst) & bit == 0 {
            word.fetch_or(bit, Ordering::SeqCst);
        }
    }

    /// Takes the marks of records, 64 at a time, until `act` has enough of them; from where it had enough before.
    pub(super) fn take_marks(&self, mut act: impl FnMut(Position) -> bool) {
        let pieces = || self.pieces.iter().map_while(OnceLock::get).enumerate();
        let groups = || {
            pieces().flat_map(|(piece, records)| {
                records.changed.iter().enumerate().map(move |(group, word)| (piece, group, word))
            })
        };
        let first = self.next.load(Ordering::Relaxed);
        let order = groups().enumerate().skip(first).chain(groups().enumerate().take(first));
        for (place, (piece, group, word)) in order {
            if word.load(Ordering::Relaxed) == 0 {
                continue;
            }
            let bits = word.swap(0, Ordering::SeqCst);
            let mut goes_on = true;
            for bit in (0..64).filter(|bit| bits & (1 << bit) != 0) {
                goes_on &= act(Position { piece, record: group * 64 + bit });
            }
            if !goes_on {
                self.next.store(place + 1, Ordering::Relaxed);
                return;
            }
        }
    }

    /// Everything that is at the place of a record.
    pub(super) fn all(&self) -> impl Iterator<Item = (Position, Found)> {
        self.pieces.iter().map_while(OnceLock::get).enumerate().flat_map(|(piece, records)| {
            let records = records.records().iter().enumerate();
            records
                .map(move |(record, words)| (Position { piece, record }, Record::new(words).read()))
        })
    }

    /// Records that are only in memory.
    pub(super) fn unsaved(&self) -> usize {
        let pieces =
            self.pieces.iter().map_while(OnceLock::get).filter(|piece| !piece.words.is_saved());
        pieces.map(|piece| piece.taken.load(Ordering::Relaxed)).sum()
    }

    fn piece(&self, at: Position) -> Option<&Piece> {
        self.pieces.get(at.piece)?.get()
    }
}
