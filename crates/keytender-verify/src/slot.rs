//! One key in 64 bytes.
//!
//! ```text
//! head    40 bits  the upper 8 of the public id, 3 of the state, 1 for why it ends, 1 for its environment,
//!                  27 for its details
//! 0       64       the lower of the public id
//! 1–4    256       the SHA-256 of the secret, or what is kept of a key that was issued elsewhere
//! 5       63       the id of the key
//! 6       32 + 32  the second of its end, the place of its app
//! ```

use std::sync::atomic::AtomicU64;

use keytender_core::id::KeyId;
use keytender_core::imported::place;
use keytender_core::time::Time;
use keytender_core::token::{Digest, Environment};

use crate::feed::{Key, State};
use crate::seqlock::Cell;

/// The words of a slot beside its head.
pub(crate) const WORDS: usize = 7;
/// The largest place of details: 27 bits.
pub(crate) const MAX_DETAILS: u32 = (1 << 27) - 1;
/// Of the head: the key is for trying.
const TEST: u64 = 1 << 27;

/// A key that has no end. Ends after 2106-02-07 are brought forward to the second before.
const NO_END: u32 = u32::MAX;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// A slot. In memory that is mapped, it fills a line of the processor's cache, and shares it with none.
pub(crate) type Slot = [AtomicU64; WORDS + 1];

/// The cell that a slot is.
pub(crate) const fn cell(slot: &Slot) -> Cell<'_, WORDS> {
    let [head, words @ ..] = slot;
    Cell::new(head, words)
}

/// What a slot says of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The public id: 72 bits. Of a key that was issued elsewhere, a number that follows from what is kept of it.
    pub(crate) id: u128,
    pub(crate) state: Stand,
    /// Whether it ends because another key took its place.
    pub(crate) ends_by_overlap: bool,
    pub(crate) environment: Environment,
    pub(crate) details: u32,
    pub(crate) digest: Digest,
    pub(crate) key: KeyId,
    end: u32,
    pub(crate) app: u32,
}

/// The state of a key, and two of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    /// Nothing was ever here: a search ends.
    Empty,
    Pending,
    Active,
    Suspended,
    Revoked,
    Expired,
    Superseded,
    /// The key is forgotten: a search goes on.
    Removed,
}

impl Stand {
    const ALL: [Self; 8] = [
        Self::Empty,
        Self::Pending,
        Self::Active,
        Self::Suspended,
        Self::Revoked,
        Self::Expired,
        Self::Superseded,
        Self::Removed,
    ];

    fn from_bits(bits: u64) -> Self {
        usize::try_from(bits & 7)
            .ok()
            .and_then(|place| Self::ALL.get(place).copied())
            .unwrap_or(Self::Removed)
    }

    /// Of a slot's head.
    pub(crate) fn of_head(head: u64) -> Self {
        Self::from_bits(head >> 29)
    }
}

impl From<State> for Stand {
    fn from(state: State) -> Self {
        match state {
            State::Pending => Self::Pending,
            State::Active => Self::Active,
            State::Suspended => Self::Suspended,
            State::Revoked | State::Compromised => Self::Revoked,
            State::Expired => Self::Expired,
            State::Superseded => Self::Superseded,
        }
    }
}

impl Entry {
    /// Of a key whose app and details are at these places.
    pub(crate) fn new(key: &Key, app: u32, details: u32) -> Self {
        let seconds = |end: Option<Time>| end.map_or(NO_END, whole_seconds);
        let (expiry, overlap) = (seconds(key.expires_at), seconds(key.overlap_until));
        Self {
            id: if key.is_imported { place(&key.digest.0) } else { key.id.to_bits() },
            state: key.state.into(),
            ends_by_overlap: overlap < expiry,
            environment: key.environment,
            details,
            digest: key.digest.0,
            key: key.key,
            end: expiry.min(overlap),
            app,
        }
    }

    /// When the key ends, to the second.
    pub(crate) fn ends_at(&self) -> Option<Time> {
        (self.end != NO_END).then(|| Time::from_unix_seconds(self.end.into()))
    }

    /// Whether that is over. Without a branch: nobody can guess it.
    pub(crate) fn has_ended(&self, now: Time) -> bool {
        (i64::from(self.end) <= now.as_micros().div_euclid(MICROS_PER_SECOND))
            & (self.end != NO_END)
    }

    /// The head and words of its slot.
    pub(crate) fn pack(&self) -> (u64, [u64; WORDS]) {
        let upper = u64::try_from(self.id >> 64).unwrap_or_default();
        let end_kind = u64::from(self.ends_by_overlap);
        let head = (upper << 32)
            | ((self.state as u64) << 29)
            | (end_kind << 28)
            | if self.environment == Environment::Test { TEST } else { 0 }
            | u64::from(self.details);
        let [a, b, c, d] = words_of(self.digest);
        let last = (u64::from(self.end) << 32) | u64::from(self.app);
        (head, [lower(self.id), a, b, c, d, self.key.as_i64().cast_unsigned(), last])
    }

    /// What the head and words of a slot say.
    pub(crate) fn unpack(head: u64, words: [u64; WORDS]) -> Self {
        let [id, a, b, c, d, key, last] = words;
        Self {
            id: (u128::from(head >> 32) << 64) | u128::from(id),
            state: Stand::of_head(head),
            ends_by_overlap: head & (1 << 28) != 0,
            environment: if head & TEST == 0 { Environment::Live } else { Environment::Test },
            details: low_half(head) & MAX_DETAILS,
            digest: digest_of([a, b, c, d]),
            key: KeyId::from_i64(key.cast_signed()),
            end: low_half(last >> 32),
            app: low_half(last),
        }
    }
}

/// The lower 64 bits of a public id.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
pub(crate) const fn lower(id: u128) -> u64 {
    id as u64
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is asked for")]
const fn low_half(word: u64) -> u32 {
    word as u32
}

fn whole_seconds(time: Time) -> u32 {
    let seconds = time.as_micros().div_euclid(MICROS_PER_SECOND).max(0);
    u32::try_from(seconds).unwrap_or(NO_END).min(NO_END - 1)
}

fn words_of(digest: Digest) -> [u64; 4] {
    let bytes = digest.to_bytes();
    let (words, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|place| words.get(place).map_or(0, |word| u64::from_le_bytes(*word)))
}

fn digest_of(words: [u64; 4]) -> Digest {
    let mut bytes = [0; 32];
    let (chunks, _) = bytes.as_chunks_mut::<8>();
    chunks.iter_mut().zip(words).for_each(|(chunk, word)| *chunk = word.to_le_bytes());
    Digest::from_bytes(bytes)
}
