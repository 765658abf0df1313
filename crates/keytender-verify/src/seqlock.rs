//! A few words that change together: many readers, one writer, and no reader ever sees half of a change.
//!
//! The low bits of the head count the changes, and are odd while one is made. A reader copies the words and
//! looks at the head again: if it stayed the same, nothing changed in between. Readers write nothing, so they
//! do not slow each other down; only a reader of the very words that change waits, for the few stores of the
//! change.
//!
//! ```text
//! writer  head odd ─ fence(Release) ─ words ─────────────────── head even (Release)
//! reader  head even (Acquire) ─ words ─ fence(Acquire) ─ head again: the same?
//! ```
//!
//! The orders are those of H. Boehm, "Can seqlocks get along with programming language memory models?" (2012).

use super::atomic::{AtomicU64, Ordering, fence, pause};

/// Bits of the head that count. A reader is deceived only if 2^23 changes of one cell pass while it copies
/// eight words.
const COUNT_BITS: u32 = 24;
/// The bits that count.
const COUNT: u64 = (1 << COUNT_BITS) - 1;

/// A head of 40 bits and `N` words, which change together.
#[derive(Clone, Copy)]
pub(crate) struct Cell<'a, const N: usize> {
    head: &'a AtomicU64,
    words: &'a [AtomicU64; N],
}

impl<'a, const N: usize> Cell<'a, N> {
    /// The cell that these are, and nothing else.
    pub(crate) const fn new(head: &'a AtomicU64, words: &'a [AtomicU64; N]) -> Self {
        Self { head, words }
    }

    /// The head alone, as it is or, during a change, as it was.
    pub(crate) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire) >> COUNT_BITS
    }

    /// One word alone, maybe of a change that is being made; zero if there is no such word.
    pub(crate) fn peek(&self, place: usize) -> u64 {
        self.words.get(place).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    /// The head and the words as one change left them.
    pub(crate) fn read(&self) -> (u64, [u64; N]) {
        loop {
            let before = self.head.load(Ordering::Acquire);
            if before & 1 == 0 {
                let words = self.words.each_ref().map(|word| word.load(Ordering::Relaxed));
                fence(Ordering::Acquire);
                if self.head.load(Ordering::Relaxed) == before {
                    return (before >> COUNT_BITS, words);
                }
            }
            pause();
        }
    }

    /// Changes all of them. Only one thread at a time may do this to a cell.
    pub(crate) fn write(&self, head: u64, words: [u64; N]) {
        let old = self.head.load(Ordering::Relaxed);
        self.head.store(old | 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (word, new) in self.words.iter().zip(words) {
            word.store(new, Ordering::Relaxed);
        }
        let count = old.wrapping_add(2) & COUNT;
        self.head.store((head << COUNT_BITS) | count, Ordering::Release);
    }
}
