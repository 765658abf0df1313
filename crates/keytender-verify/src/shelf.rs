//! A list that only grows: read without a lock while it does, and nothing in it ever moves.
//!
//! Its pieces double in size, so a place says in which piece it is.

use std::sync::OnceLock;

/// Entries of the first piece, a power of two.
const FIRST: u32 = 64;
/// Pieces: 64, 64, 128, 256 … reach all places of 32 bits.
const PIECES: usize = 27;

/// A list that only grows.
#[derive(Debug)]
pub(crate) struct Shelf<T> {
    pieces: [OnceLock<Box<[T]>>; PIECES],
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { pieces: std::array::from_fn(|_| OnceLock::new()) }
    }
}

impl<T: Default> Shelf<T> {
    /// What is at `place`, if anything ever was there or beside it.
    pub(crate) fn get(&self, place: u32) -> Option<&T> {
        let (piece, within) = split(place);
        self.pieces.get(piece)?.get()?.get(within)
    }

    /// What is at `place`, made empty if nothing is there yet.
    pub(crate) fn get_or_make(&self, place: u32) -> Option<&T> {
        let (piece, within) = split(place);
        let len =
            if piece == 0 { FIRST } else { FIRST.checked_shl(u32::try_from(piece).ok()? - 1)? };
        self.pieces.get(piece)?.get_or_init(|| (0..len).map(|_| T::default()).collect()).get(within)
    }
}

/// The piece of a place, and where it is in it.
fn split(place: u32) -> (usize, usize) {
    let piece = (u32::BITS - (place / FIRST).leading_zeros()) as usize;
    let start = if piece == 0 { 0 } else { FIRST << (piece - 1) };
    (piece, (place - start) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_each_other_piece_by_piece() {
        let mut expected = (0, 0);
        for place in 0..100_000 {
            if place >= 64 && u32::is_power_of_two(place) {
                expected = (expected.0 + 1, 0);
            }
            assert_eq!(split(place), expected, "{place}");
            expected.1 += 1;
        }
        assert_eq!(split(u32::MAX).0, PIECES - 1);
    }

    #[test]
    fn what_was_put_somewhere_is_there() {
        let shelf = Shelf::<OnceLock<u32>>::default();
        assert!(shelf.get(0).is_none());
        for place in 0..1_000 {
            shelf.get_or_make(place).unwrap().set(place).unwrap();
        }
        assert!((0..1_000).all(|place| shelf.get(place).unwrap().get() == Some(&place)));
        assert!(shelf.get(1_023).unwrap().get().is_none());
        assert!(shelf.get(1_024).is_none());
    }
}
