//! How one key was used, in 64 bytes.
//!
//! ```text
//! word   of a key                            of a key and place
//! 0      the key, and 1 bit that says so     the same
//! 1      the seal: 32 bits of where the record belongs, 30 that follow from key and place, 1 that tells the two apart
//! 2      count                               the place
//! 3      second and program of the last use  second of the last use there
//! 4      count that was acknowledged         second that was acknowledged
//! 5, 6   address of the last use
//! 7      follows from the address
//! ```

use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};

use keytender_core::id::KeyId;
use keytender_core::token::TokenId;

use super::word;

/// Words of a record.
pub(super) const WORDS: usize = 8;
/// The bit of word 0 that says that there is a record.
const TAKEN: u64 = 1 << 63;

/// Bits of a seal: there is a record; it is of a key and a place.
const SEALED: u64 = 1;
const OF_PLACE: u64 = 2;

/// What a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) key: u64,
    pub(super) place: u32,
    /// Where the record of the key belongs, as a part of 2^32. It follows from the public id of the token, so that
    /// memory can be asked for the record before it is known which key it is.
    pub(super) home: u32,
}

/// A use.
pub(super) struct Use {
    pub(super) second: u32,
    pub(super) agent: u16,
    pub(super) address: Option<IpAddr>,
}

/// What a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) name: Name,
    /// The count; of a place, the place.
    pub(super) count: u64,
    pub(super) second: u32,
    pub(super) agent: u16,
    /// The count or second that was acknowledged.
    pub(super) acknowledged: u64,
    pub(super) address: Option<IpAddr>,
}

/// What is at the place of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Record(Content),
    Damage,
}

/// The words of a record.
pub(super) struct Record<'a> {
    words: &'a [AtomicU64; WORDS],
}

/// The number of a region and a service; 0 if there is neither.
pub(super) fn place(region: u16, service: u16) -> u32 {
    (u32::from(region) << 16) | u32::from(service)
}

impl Name {
    pub(super) fn new(key: KeyId, id: TokenId, place: u32) -> Self {
        Self { key: key.as_i64().cast_unsigned() & !TAKEN, place, home: home(id.to_bits()) }
    }

    /// What tells it from all others. Never 0.
    pub(super) const fn seal(&self) -> u64 {
        let follows = word::mix(word::mix(self.key | TAKEN) ^ self.place as u64) >> 32;
        let kind = if self.place == 0 { SEALED } else { SEALED | OF_PLACE };
        ((self.home as u64) << 32) | (follows & !(SEALED | OF_PLACE)) | kind
    }

    /// Where the search for it begins, as a part of 2^64: of a key at its home, of its places anywhere.
    pub(super) const fn start(&self) -> u64 {
        if self.place == 0 { (self.home as u64) << 32 } else { word::mix(self.seal()) }
    }
}

/// Where the record of a key belongs whose token has this public id.
pub(super) fn home(bits: u128) -> u32 {
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0);
    u32::try_from(word::mix(half(bits) ^ half(bits >> 64).rotate_right(8)) >> 32).unwrap_or(0)
}

impl<'a> Record<'a> {
    pub(super) const fn new(words: &'a [AtomicU64; WORDS]) -> Self {
        Self { words }
    }

    /// Whether there is a record.
    pub(super) fn is_taken(&self) -> bool {
        self.words[0].load(Ordering::Acquire) != 0
    }

    /// Whether it is the one with this name.
    pub(super) fn is(&self, name: &Name, seal: u64) -> bool {
        self.words[1].load(Ordering::Relaxed) == seal
            && self.words[0].load(Ordering::Relaxed) == name.key | TAKEN
    }

    /// Makes an empty record of this name. Only one thread at a time may do this.
    pub(super) fn make(&self, name: &Name) {
        let (seal, place) = (name.seal(), u64::from(name.place));
        let words = [0, seal, word::write(place, salt(seal, 2)), 0, 0, 0, 0, 0];
        self.store(words);
        // Last: until then there is none.
        self.words[0].store(name.key | TAKEN, Ordering::Release);
    }

    /// Makes a record of what another one said.
    pub(super) fn put(&self, content: &Content) {
        self.make(&content.name);
        let seal = content.name.seal();
        if content.name.place == 0 {
            self.words[2].store(word::write(content.count, salt(seal, 2)), Ordering::Relaxed);
        }
        self.words[3].store(
            word::write(last(content.second, content.agent), salt(seal, 3)),
            Ordering::Relaxed,
        );
        self.words[4].store(word::write(content.acknowledged, salt(seal, 4)), Ordering::Relaxed);
        if let Some(address) = content.address {
            self.put_address(address, seal);
        }
    }

    /// Counts a use, and says how many there are.
    pub(super) fn count(&self, this: &Use) -> u64 {
        let seal = self.words[1].load(Ordering::Relaxed);
        let count = self.count_one(salt(seal, 2));
        if self.note_last(this.second, this.agent, seal)
            && let Some(address) = this.address
        {
            self.put_address(address, seal);
        }
        count
    }

    /// Notes a use at a place.
    pub(super) fn note(&self, second: u32) {
        self.note_last(second, 0, self.words[1].load(Ordering::Relaxed));
    }

    /// How many uses there are.
    pub(super) fn counted(&self) -> u64 {
        word::number(self.words[2].load(Ordering::SeqCst))
    }

    /// It was acknowledged up to this count, or second.
    pub(super) fn acknowledge(&self, number: u64) {
        let seal = self.words[1].load(Ordering::Relaxed);
        self.words[4].store(word::write(number, salt(seal, 4)), Ordering::Relaxed);
    }

    /// What is here.
    pub(super) fn read(&self) -> Found {
        let words = self.words.each_ref().map(|word| word.load(Ordering::SeqCst));
        match words {
            [0, _, _, 0, 0, 0, 0, 0] => Found::Nothing,
            _ => content(words).map_or(Found::Damage, Found::Record),
        }
    }

    fn store(&self, words: [u64; WORDS]) {
        self.words.iter().zip(words).for_each(|(word, new)| word.store(new, Ordering::Relaxed));
    }

    fn count_one(&self, salt: u64) -> u64 {
        let mut known = self.words[2].load(Ordering::Relaxed);
        loop {
            let count = word::number(known) + 1;
            let new = word::write(count, salt);
            // In one order with the marks: see `Pieces::mark`.
            match self.words[2].compare_exchange_weak(
                known,
                new,
                Ordering::SeqCst,
                Ordering::Relaxed,
            ) {
                Ok(_) => return count,
                Err(other) => known = other,
            }
        }
    }

    /// Notes the second of a use, if it is a later one; whether it was this thread that did.
    fn note_last(&self, second: u32, agent: u16, seal: u64) -> bool {
        let mut known = self.words[3].load(Ordering::Relaxed);
        while known == 0 || word::number(known) >> 16 < u64::from(second) {
            let new = word::write(last(second, agent), salt(seal, 3));
            match self.words[3].compare_exchange_weak(
                known,
                new,
                Ordering::SeqCst,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(other) => known = other,
            }
        }
        false
    }

    /// Whoever reads half of two addresses sees that they do not belong together, and has none.
    fn put_address(&self, address: IpAddr, seal: u64) {
        let (upper, lower) = halves(address);
        self.words[5].store(upper, Ordering::Relaxed);
        self.words[6].store(lower, Ordering::Relaxed);
        self.words[7].store(address_seal(upper, lower, seal), Ordering::Relaxed);
    }
}

impl Content {
    /// Whether there is something that was not acknowledged.
    pub(super) const fn is_new(&self) -> bool {
        let reached = if self.name.place == 0 { self.count } else { self.second as u64 };
        reached > self.acknowledged
    }
}

fn content(words: [u64; WORDS]) -> Option<Content> {
    let [key, seal, counted, last, acknowledged, upper, lower, address] = words;
    let key = (key & TAKEN != 0).then_some(key & !TAKEN)?;
    let count = word::read(counted, salt(seal, 2))?;
    let place = if seal & OF_PLACE == 0 { 0 } else { u32::try_from(count).ok()? };
    let name = Name { key, place, home: u32::try_from(seal >> 32).ok()? };
    let last = word::read(last, salt(seal, 3)).filter(|_| name.seal() == seal)?;
    Some(Content {
        name,
        count,
        second: u32::try_from(last >> 16).ok()?,
        agent: u16::try_from(last & 0xffff).ok()?,
        acknowledged: word::read(acknowledged, salt(seal, 4))?,
        address: (address_seal(upper, lower, seal) == address).then(|| whole(upper, lower)),
    })
}

const fn salt(seal: u64, place: u32) -> u64 {
    seal.rotate_left(place)
}

const fn last(second: u32, agent: u16) -> u64 {
    ((second as u64) << 16) | agent as u64
}

const fn address_seal(upper: u64, lower: u64, seal: u64) -> u64 {
    word::mix(word::mix(upper ^ seal) ^ lower) | 1
}

fn halves(address: IpAddr) -> (u64, u64) {
    let bits = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    };
    let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).unwrap_or(0);
    (half(bits >> 64), half(bits))
}

fn whole(upper: u64, lower: u64) -> IpAddr {
    let bits = (u128::from(upper) << 64) | u128::from(lower);
    IpAddr::V6(Ipv6Addr::from_bits(bits)).to_canonical()
}
