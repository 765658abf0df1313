//! Words of memory that many threads see: of a file, or of the system, in large pages where it has them; and how
//! memory is asked for one before it is needed.

#![expect(
    unsafe_code,
    reason = "the one place where mapped bytes are seen as numbers, and where memory is asked ahead"
)]

use std::fs::File;
use std::io;
use std::sync::atomic::AtomicU64;

use memmap2::{MmapMut, MmapOptions, MmapRaw};

/// Bytes of a word.
pub(crate) const WORD: u64 = 8;
/// From this size on, memory is asked for in large pages: they are of 2 MiB.
#[cfg(target_os = "linux")]
const LARGE_BYTES: usize = 4 << 20;

/// Words, all 0 at first unless they are of a file.
pub(crate) enum Words {
    /// Of a file: what is stored here outlives the program.
    File(Map),
    /// Of the system, without a file.
    Pages(Map),
    /// A few, or what is left where the system has no pages.
    Heap(Box<[AtomicU64]>),
}

/// Words that are mapped.
pub(crate) struct Map {
    raw: MmapRaw,
    words: usize,
}

impl Map {
    fn words(&self) -> &[AtomicU64] {
        let start = self.raw.as_mut_ptr().cast::<AtomicU64>();
        assert!(start.is_aligned() && self.raw.len() / size_of::<AtomicU64>() >= self.words);
        // SAFETY: the mapping is as long as `words` words and begins at a multiple of their alignment (both are
        // checked above), can be read and written (`map_raw` and `map_anon` make it so), and stays where it is until
        // `self`, from which the slice borrows, is dropped. Nothing else in this program refers to it: `raw` is
        // private, and only shared references to atomic words are made of it. Every pattern of bits is a word. What
        // another process writes into a file is seen as a change of atomic words.
        unsafe { std::slice::from_raw_parts(start, self.words) }
    }
}

impl Words {
    /// Words of a file from `offset` (bytes, a multiple of 4,096) on. All of them must be in the file: whoever touches
    /// one that is not is ended by the system.
    pub(crate) fn of_file(file: &File, offset: u64, words: usize) -> io::Result<Self> {
        let raw = MmapOptions::new().offset(offset).len(bytes(words)?).map_raw(file)?;
        Ok(Self::File(Map { raw, words }))
    }

    /// Words in memory.
    pub(crate) fn new(words: usize) -> Self {
        Self::pages(words)
            .unwrap_or_else(|_| Self::Heap((0..words).map(|_| AtomicU64::new(0)).collect()))
    }

    fn pages(words: usize) -> io::Result<Self> {
        let raw = MmapRaw::from(MmapMut::map_anon(bytes(words)?)?);
        // A search in a large table then waits for the key, and not also for where its page is. The system may not
        // have any; that is as well.
        #[cfg(target_os = "linux")]
        if raw.len() >= LARGE_BYTES {
            let _ = raw.advise(memmap2::Advice::HugePage);
        }
        Ok(Self::Pages(Map { raw, words }))
    }

    pub(crate) fn get(&self) -> &[AtomicU64] {
        match self {
            Self::File(map) | Self::Pages(map) => map.words(),
            Self::Heap(words) => words,
        }
    }

    /// Whether what is stored here outlives the program.
    pub(crate) const fn is_saved(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

impl Default for Words {
    /// None.
    fn default() -> Self {
        Self::Heap(Box::default())
    }
}

/// Asks memory for a word and what is beside it, and does not wait for it.
pub(crate) fn expect(word: &AtomicU64) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 has the instruction (it is of SSE). It is a hint that changes nothing and reads nothing
        // into the program, and it never fails, whatever the address; this one is of a living reference.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(word).cast()) };
    }
    // What is read and not looked at is waited for by nobody either, as long as the processor has room for it.
    #[cfg(not(target_arch = "x86_64"))]
    std::hint::black_box(word.load(std::sync::atomic::Ordering::Relaxed));
}

fn bytes(words: usize) -> io::Result<usize> {
    let bytes = words.checked_mul(size_of::<AtomicU64>()).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}
