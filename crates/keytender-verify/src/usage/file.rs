//! The file itself: its head, and where its parts are.

use std::fs;
use std::io::{self, Write as _};
use std::sync::atomic::Ordering;

use super::{record, word};
use crate::memory::{WORD, Words};

/// Bytes of the head: one page, so that what follows can be mapped.
pub(super) const HEAD_BYTES: u64 = 4_096;
/// Words of the head that are used.
const HEAD_WORDS: usize = 8;
/// Names that there can be; the first has no place.
pub(super) const NAMES: usize = 4_096;
/// Words of a name.
pub(super) const NAME_WORDS: usize = 8;
/// Bytes of a record.
const RECORD_BYTES: u64 = record::WORDS as u64 * WORD;
/// Pieces of records: each doubles the file, so there are never as many.
pub(super) const PIECES: usize = 40;
/// Zeros are written so many at a time.
const BLOCK_BYTES: usize = 1 << 20;

/// How a file of uses begins: `KTUSAGE2`.
const MAGIC: u64 = u64::from_le_bytes(*b"KTUSAGE2");

/// A file of uses.
pub(super) struct File {
    pub(super) handle: fs::File,
    head: Words,
    /// Records of the first piece.
    first: u64,
}

/// Why a head cannot be read.
pub(super) enum BadHead {
    NotOne,
    Damaged,
}

/// What a head says.
pub(super) struct Head {
    pub(super) epoch: u64,
    pub(super) first: u64,
    pub(super) pieces: u64,
    pub(super) sequence: u64,
}

impl Head {
    /// Reads the head of a file.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, BadHead> {
        let (words, _) = bytes.as_chunks::<8>();
        let words = words.first_chunk::<HEAD_WORDS>().ok_or(BadHead::NotOne)?;
        let [magic, epoch, first, check, pieces, sequence, ..] = words.map(u64::from_le_bytes);
        if magic != MAGIC {
            return Err(BadHead::NotOne);
        }
        let pieces = word::read(pieces, 4).filter(|pieces| (1..=PIECES as u64).contains(pieces));
        let sequence = word::read(sequence, 5).ok_or(BadHead::Damaged)?;
        let is_whole = check == Self::check(epoch, first) && first > 0 && first.is_multiple_of(64);
        let pieces = pieces.filter(|_| is_whole).ok_or(BadHead::Damaged)?;
        Ok(Self { epoch, first, pieces, sequence })
    }

    const fn check(epoch: u64, first: u64) -> u64 {
        word::mix(word::mix(epoch ^ MAGIC) ^ first)
    }
}

impl File {
    /// Writes a new file with room for so many records (a multiple of 64) in its first piece.
    pub(super) fn create(
        mut handle: fs::File,
        epoch: u64,
        first: u64,
        sequence: u64,
    ) -> io::Result<Self> {
        write_zeros(&mut handle, 0, piece_start(first, 0) + first * RECORD_BYTES)?;
        let file = Self::map(handle, first)?;
        let (pieces, sequence) = (word::write(1, 4), word::write(sequence, 5));
        let words = [MAGIC, epoch, first, Head::check(epoch, first), pieces, sequence];
        file.head
            .get()
            .iter()
            .zip(words)
            .for_each(|(word, new)| word.store(new, Ordering::Relaxed));
        Ok(file)
    }

    /// Maps the head of a file that is there.
    pub(super) fn map(handle: fs::File, first: u64) -> io::Result<Self> {
        let head = Words::of_file(&handle, 0, HEAD_WORDS)?;
        Ok(Self { handle, head, first })
    }

    /// Where the names are.
    pub(super) fn names(&self) -> io::Result<Words> {
        Words::of_file(&self.handle, HEAD_BYTES, NAMES * NAME_WORDS)
    }

    /// A piece that is in the file.
    pub(super) fn piece(&self, piece: usize) -> io::Result<Words> {
        let records = usize::try_from(piece_records(self.first, piece));
        let records = records.map_err(|_| io::ErrorKind::FileTooLarge)?;
        let words = records.checked_mul(record::WORDS).ok_or(io::ErrorKind::FileTooLarge)?;
        Words::of_file(&self.handle, piece_start(self.first, piece), words)
    }

    /// Makes the next piece, with a place on the disk for every record; in memory alone if there is none.
    pub(super) fn grow(&mut self, piece: usize) -> Words {
        let records = piece_records(self.first, piece);
        let grown =
            write_zeros(&mut self.handle, piece_start(self.first, piece), records * RECORD_BYTES);
        match grown.and_then(|()| self.piece(piece)) {
            Ok(words) => {
                self.set(4, word::write(piece as u64 + 1, 4));
                words
            }
            Err(_) => Words::new(usize::try_from(self.first).unwrap_or(0) * record::WORDS),
        }
    }

    /// Notes the number of the last batch.
    pub(super) fn set_sequence(&self, sequence: u64) {
        self.set(5, word::write(sequence, 5));
    }

    fn set(&self, place: usize, value: u64) {
        if let Some(word) = self.head.get().get(place) {
            word.store(value, Ordering::Relaxed);
        }
    }
}

/// Records of a piece: as many as all before it.
pub(super) const fn piece_records(first: u64, piece: usize) -> u64 {
    if piece == 0 { first } else { first << (piece - 1) }
}

/// Where a piece begins.
pub(super) const fn piece_start(first: u64, piece: usize) -> u64 {
    let before = if piece == 0 { 0 } else { piece_records(first, piece) };
    HEAD_BYTES + (NAMES * NAME_WORDS) as u64 * WORD + before * RECORD_BYTES
}

/// Written, not only made longer: a disk that is full then says so here, and not by ending the program at some
/// later store.
fn write_zeros(file: &mut fs::File, start: u64, mut bytes: u64) -> io::Result<()> {
    io::Seek::seek(file, io::SeekFrom::Start(start))?;
    let block = vec![0; BLOCK_BYTES];
    while bytes > 0 {
        let len = usize::try_from(bytes).unwrap_or(BLOCK_BYTES).min(BLOCK_BYTES);
        file.write_all(block.get(..len).unwrap_or_default())?;
        bytes -= len as u64;
    }
    Ok(())
}
