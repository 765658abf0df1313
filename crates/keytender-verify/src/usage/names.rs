//! Names that many uses share: of programs, regions and services. Each has a number, and is written once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arc_swap::ArcSwap;

use super::file::{File, NAME_WORDS};
use super::word::mix;
use crate::memory::Words;

/// Bytes of a name: what is left of 64 beside its length and check.
const NAME_BYTES: usize = (NAME_WORDS - 1) * 8;

/// The names, by their texts and by their numbers.
pub(super) struct Names {
    words: Words,
    known: ArcSwap<Known>,
    is_one_lost: AtomicBool,
}

#[derive(Clone, Default)]
struct Known {
    numbers: HashMap<Arc<str>, u16>,
    /// At the place of its number; number 0 is none, and so is one that was damaged.
    texts: Vec<Option<Arc<str>>>,
}

impl Known {
    fn push(&mut self, text: Option<Arc<str>>) {
        if let (Some(text), Ok(number)) = (&text, u16::try_from(self.texts.len())) {
            self.numbers.insert(Arc::clone(text), number);
        }
        self.texts.push(text);
    }
}

impl Names {
    /// Reads them; and says how many are damaged.
    pub(super) fn read(words: Words) -> (Self, usize) {
        let mut known = Known::default();
        let mut damaged = 0;
        let (entries, _) = words.get().as_chunks::<NAME_WORDS>();
        let loaded =
            entries.iter().map(|entry| entry.each_ref().map(|word| word.load(Ordering::Relaxed)));
        let last = loaded.clone().rposition(|entry| entry != [0; NAME_WORDS]).unwrap_or(0);
        for (number, entry) in loaded.take(last + 1).enumerate() {
            let text = unpack(entry);
            damaged += usize::from(number > 0 && text.is_none());
            known.push(text);
        }
        let known = ArcSwap::from_pointee(known);
        (Self { words, known, is_one_lost: AtomicBool::new(false) }, damaged)
    }

    /// The number of a name that is known.
    pub(super) fn find(&self, text: &str) -> Option<u16> {
        self.known.load().numbers.get(text).copied()
    }

    /// The number of a name; 0 if it is one too many, or too long. Who has the file is the only one who adds.
    pub(super) fn add(&self, _file: &File, text: &str) -> u16 {
        if let Some(number) = self.find(text) {
            return number;
        }
        let mut known = Known::clone(&self.known.load());
        let number = known.texts.len();
        let entry = self.words.get().as_chunks::<NAME_WORDS>().0.get(number);
        let (Some(entry), true, Ok(found)) =
            (entry, text.len() <= NAME_BYTES, u16::try_from(number))
        else {
            self.is_one_lost.store(true, Ordering::Relaxed);
            return 0;
        };
        store(entry, pack(text));
        known.push(Some(text.into()));
        self.known.store(Arc::new(known));
        found
    }

    /// The name of a number.
    pub(super) fn text(&self, number: u16) -> Option<Arc<str>> {
        self.known.load().texts.get(usize::from(number))?.clone()
    }

    /// Whether a name was not noted.
    pub(super) fn is_one_lost(&self) -> bool {
        self.is_one_lost.load(Ordering::Relaxed)
    }

    /// Writes all of them into another file, under the same numbers.
    pub(super) fn copy_to(&self, other: &Words) {
        let (entries, _) = other.get().as_chunks::<NAME_WORDS>();
        let known = self.known.load();
        for (entry, text) in entries.iter().zip(&known.texts) {
            if let Some(text) = text {
                store(entry, pack(text));
            }
        }
    }
}

fn store(entry: &[AtomicU64; NAME_WORDS], words: [u64; NAME_WORDS]) {
    // The check comes last, so that what is not whole is not taken for whole.
    for (word, new) in entry.iter().zip(words).rev() {
        word.store(new, Ordering::Relaxed);
    }
}

fn pack(text: &str) -> [u64; NAME_WORDS] {
    let mut bytes = [0; NAME_BYTES];
    bytes.iter_mut().zip(text.bytes()).for_each(|(place, byte)| *place = byte);
    let mut words = [0; NAME_WORDS];
    let (chunks, _) = bytes.as_chunks::<8>();
    words
        .iter_mut()
        .skip(1)
        .zip(chunks)
        .for_each(|(word, chunk)| *word = u64::from_le_bytes(*chunk));
    words[0] = check(&words, text.len());
    words
}

fn unpack(words: [u64; NAME_WORDS]) -> Option<Arc<str>> {
    let len = usize::try_from(words[0] & 0xff).ok()?;
    if len == 0 || check(&words, len) != words[0] {
        return None;
    }
    let bytes: Vec<u8> = words.iter().skip(1).flat_map(|word| word.to_le_bytes()).collect();
    std::str::from_utf8(bytes.get(..len)?).ok().map(Arc::from)
}

/// The length, and what follows from the text.
fn check(words: &[u64; NAME_WORDS], len: usize) -> u64 {
    let sum = words.iter().skip(1).fold(0, |sum, word| mix(sum ^ word));
    (sum & !0xff) | len as u64
}
