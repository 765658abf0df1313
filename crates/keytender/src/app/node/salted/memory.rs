//! What was tried lately, so that nothing is tried twice and nobody tries without end.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use keytender_core::id::KeyId;
use keytender_core::imported::Rule;
use keytender_core::token::Digest;

/// How often wrong keys are tried against one hash in a [`WINDOW`].
const WRONG_AT_MOST: u32 = 10;
/// In which they are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// How many keys that were wrong, or right, are remembered at least; twice as many at most.
const REMEMBERED: usize = 10_000;

/// What was tried lately. Keys are told by their HMAC, as the database would keep it.
#[derive(Debug, Default)]
pub(super) struct Memory {
    wrong: HashSet<[u8; 32]>,
    wrong_before: HashSet<[u8; 32]>,
    right: HashMap<[u8; 32], (KeyId, Digest)>,
    tries: HashMap<KeyId, Tries>,
    swept_at: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    since: Duration,
    wrong: u32,
}

/// What is known of a key that is shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It was right: whose it is, and what is kept of it.
    Right(KeyId, Digest),
    /// It was wrong.
    Wrong,
    /// Too many others were wrong.
    TooOften,
    /// Nothing.
    New,
}

impl Memory {
    /// What is known of a key that leads to the hashes of `keys`.
    pub(super) fn look(&self, print: &Digest, keys: &[(KeyId, Rule)], now: Duration) -> Seen {
        let print = print.to_bytes();
        if let Some((key, digest)) = self.right.get(&print) {
            return Seen::Right(*key, *digest);
        }
        if self.wrong.contains(&print) || self.wrong_before.contains(&print) {
            return Seen::Wrong;
        }
        let is_often = |key: &KeyId| {
            self.tries
                .get(key)
                .is_some_and(|tries| tries.is_of(now) && tries.wrong >= WRONG_AT_MOST)
        };
        match keys.iter().any(|(key, _)| is_often(key)) {
            true => Seen::TooOften,
            false => Seen::New,
        }
    }

    /// A key was right.
    pub(super) fn note_right(&mut self, print: &Digest, key: KeyId, digest: Digest) {
        if self.right.len() >= REMEMBERED {
            self.right.clear();
        }
        self.right.insert(print.to_bytes(), (key, digest));
        self.tries.remove(&key);
    }

    /// A key was none of these.
    pub(super) fn note_wrong(&mut self, print: &Digest, keys: &[(KeyId, Rule)], now: Duration) {
        if self.wrong.len() >= REMEMBERED {
            self.wrong_before = std::mem::take(&mut self.wrong);
        }
        self.wrong.insert(print.to_bytes());
        if now.saturating_sub(self.swept_at) >= WINDOW {
            self.swept_at = now;
            self.tries.retain(|_, tries| tries.is_of(now));
        }
        for (key, _) in keys {
            let tries = self.tries.entry(*key).or_insert(Tries { since: now, wrong: 0 });
            if !tries.is_of(now) {
                *tries = Tries { since: now, wrong: 0 };
            }
            tries.wrong = tries.wrong.saturating_add(1);
        }
    }

    /// Other keys are known now: what was wrong may be right.
    pub(super) fn forget_wrong(&mut self) {
        self.wrong.clear();
        self.wrong_before.clear();
    }

    /// What is kept of a key has changed: what was right before is no more.
    pub(super) fn forget_right(&mut self, keys: &HashSet<KeyId>) {
        self.right.retain(|_, (key, _)| !keys.contains(key));
    }
}

impl Tries {
    fn is_of(self, now: Duration) -> bool {
        now.saturating_sub(self.since) < WINDOW
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(number: u64) -> Digest {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Digest::from_bytes(bytes)
    }

    fn led_to(key: i64) -> Vec<(KeyId, Rule)> {
        vec![(KeyId::from_i64(key), "bcrypt whole first:4".parse().unwrap())]
    }

    const START: Duration = Duration::from_secs(100);

    #[test]
    fn the_same_wrong_key_is_tried_once() {
        let mut memory = Memory::default();
        assert_eq!(memory.look(&print(1), &led_to(1), START), Seen::New);
        memory.note_wrong(&print(1), &led_to(1), START);
        assert_eq!(memory.look(&print(1), &led_to(1), START), Seen::Wrong);
        assert_eq!(memory.look(&print(2), &led_to(1), START), Seen::New);
        memory.forget_wrong();
        assert_eq!(memory.look(&print(1), &led_to(1), START), Seen::New);
    }

    #[test]
    fn wrong_keys_of_one_hash_are_tried_ten_times_a_minute() {
        let mut memory = Memory::default();
        for number in 0..10 {
            assert_eq!(memory.look(&print(number), &led_to(1), START), Seen::New);
            memory.note_wrong(&print(number), &led_to(1), START);
        }
        assert_eq!(memory.look(&print(10), &led_to(1), START), Seen::TooOften);
        assert_eq!(memory.look(&print(10), &led_to(2), START), Seen::New, "of another hash");
        let both = [led_to(1), led_to(2)].concat();
        assert_eq!(memory.look(&print(10), &both, START), Seen::TooOften);
        assert_eq!(memory.look(&print(10), &led_to(1), START + WINDOW), Seen::New);
    }

    #[test]
    fn a_right_key_is_known_until_something_else_is_kept_of_it() {
        let mut memory = Memory::default();
        let (key, digest) = (KeyId::from_i64(1), print(7));
        memory.note_right(&print(1), key, digest);
        assert_eq!(memory.look(&print(1), &led_to(1), START), Seen::Right(key, digest));
        memory.forget_right(&HashSet::from([KeyId::from_i64(2)]));
        assert_eq!(memory.look(&print(1), &led_to(1), START), Seen::Right(key, digest));
        memory.forget_right(&HashSet::from([key]));
        assert_eq!(memory.look(&print(1), &led_to(1), START), Seen::New);
    }

    #[test]
    fn it_remembers_no_more_than_so_much() {
        let mut memory = Memory::default();
        for number in 0..100_000 {
            memory.note_wrong(&print(number), &led_to(i64::try_from(number).unwrap()), START);
            memory.note_right(&print(number), KeyId::from_i64(1), print(0));
        }
        assert!(memory.wrong.len() + memory.wrong_before.len() <= 2 * REMEMBERED);
        assert!(memory.right.len() <= REMEMBERED);
        memory.note_wrong(&print(0), &led_to(0), START + WINDOW);
        assert_eq!(memory.tries.len(), 1, "tries are forgotten after a minute");
    }
}
