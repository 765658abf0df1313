//! Words of a file, mapped into memory.

#![expect(unsafe_code, reason = "the one place where bytes of a file are seen as numbers")]

use std::fs::File;
use std::io;
use std::sync::atomic::AtomicU64;

use memmap2::{MmapOptions, MmapRaw};

/// Bytes of a word.
pub(super) const WORD: u64 = 8;

/// Words, in a file or, where a file cannot be had, only in memory.
pub(super) enum Words {
    /// What is stored here outlives the program.
    Mapped(Map),
    /// What is stored here does not.
    Heap(Box<[AtomicU64]>),
}

/// Words of a file.
pub(super) struct Map {
    raw: MmapRaw,
    words: usize,
}

impl Map {
    /// Maps words of a file from `offset` (bytes, a multiple of 4,096) on. All of them must be in the file:
    /// whoever touches one that is not is ended by the system.
    pub(super) fn new(file: &File, offset: u64, words: usize) -> io::Result<Self> {
        let bytes = words.checked_mul(size_of::<AtomicU64>()).ok_or(io::ErrorKind::InvalidInput)?;
        let raw = MmapOptions::new().offset(offset).len(bytes).map_raw(file)?;
        Ok(Self { raw, words })
    }

    fn words(&self) -> &[AtomicU64] {
        let start = self.raw.as_mut_ptr().cast::<AtomicU64>();
        assert!(start.is_aligned() && self.raw.len() >= self.words * size_of::<AtomicU64>());
        // SAFETY: the mapping is as long as `words` words and begins at a multiple of their alignment (both are
        // checked above), can be read and written (`map_raw`), and stays where it is until `self`, from which the
        // slice borrows, is dropped. Nothing else in this program refers to it: `raw` is private, and only shared
        // references to atomic words are made of it. Every pattern of bits is a word. What another process writes
        // into the file is seen as a change of atomic words.
        unsafe { std::slice::from_raw_parts(start, self.words) }
    }
}

impl Words {
    /// So many words in memory alone.
    pub(super) fn heap(words: usize) -> Self {
        Self::Heap((0..words).map(|_| AtomicU64::new(0)).collect())
    }

    pub(super) fn get(&self) -> &[AtomicU64] {
        match self {
            Self::Mapped(map) => map.words(),
            Self::Heap(words) => words,
        }
    }

    pub(super) const fn is_saved(&self) -> bool {
        matches!(self, Self::Mapped(_))
    }
}
