//! Keys that others issued: how they are recognised, and what is kept of them.
//!
//! A key of ours names itself ([`Token`](crate::token::Token)). A key that was issued elsewhere does not, and may be weak,
//! so nothing is kept of it that could be guessed without a secret: its HMAC-SHA256 under a pepper. Whoever shows one is
//! recognised by that, if it is known; or, until it is used for the first time, by the hash that the issuer kept.
//!
//! ```text
//! native        HMAC(pepper, key)                                   the key is known
//! digests       HMAC(pepper, sha256(key)) …                         its unsalted hash is: found as fast
//! salted        a part of the key leads to a hash, which is tried   slow, once
//! ```
//!
//! A [`Rule`] says which of a key is hashed and what leads to its hash; [`Kept`] reads the hashes that others keep; a
//! [`Pepper`] makes of each the digest that is looked up.
//!
//! # Never
//!
//! Nothing here prints a key, a hash or a pepper.

mod digests;
mod kept;
mod pepper;
mod rule;

pub use self::digests::{Way, WaySecret};
pub use self::kept::{BadHash, Kept, Salted};
pub use self::pepper::{BadPepper, PEPPER_BYTES, Pepper, place};
pub use self::rule::{BadRule, Hashing, Locator, Part, Rule};

use std::ops::RangeInclusive;

/// How long a key may be that was issued elsewhere, in letters. Shorter ones could be tried one by one.
pub const LENGTHS: RangeInclusive<usize> = 8..=512;

/// Whether a text can be a key that was issued elsewhere: visible letters of ASCII, as they stand in a header.
pub fn is_key(text: &str) -> bool {
    LENGTHS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}
