//! The secret without which nobody can try keys against what is kept of them.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use super::rule::Rule;
use crate::id::ApiId;
use crate::token::Digest;

/// Bytes of a pepper: 256 bits, as many as HMAC-SHA256 makes use of.
pub const PEPPER_BYTES: usize = 32;
/// What no public id of a token has: a letter of base 62 is less than 63.
const ELSEWHERE: u128 = 63 << 66;

/// A pepper. Each API has one of its own, derived from one that stays at the server.
#[derive(Clone, PartialEq, Eq)]
pub struct Pepper(Zeroizing<[u8; PEPPER_BYTES]>);

/// Not a pepper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a pepper: expected 64 digits of 0-9 and a-f")]
pub struct BadPepper;

impl Pepper {
    /// Of these bytes, of the system's generator.
    pub fn from_bytes(bytes: [u8; PEPPER_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads what [`to_hex`](Self::to_hex) wrote.
    ///
    /// # Errors
    /// [`BadPepper`] for anything else.
    pub fn parse(text: &str) -> Result<Self, BadPepper> {
        let mut bytes = Zeroizing::new([0; PEPPER_BYTES]);
        hex::decode_to_slice(text, bytes.as_mut_slice()).map_err(|_| BadPepper)?;
        Ok(Self(bytes))
    }

    /// The text of it, for whoever may have it.
    pub fn to_hex(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0.as_slice()))
    }

    /// The one of an API: it tells nothing of this one, nor of another API's.
    #[must_use]
    pub fn of_api(&self, api: ApiId) -> Self {
        Self::from_bytes(self.keyed("api", &api.as_i64().to_be_bytes()).to_bytes())
    }

    /// What is kept of a key.
    pub fn native(&self, key: &str) -> Digest {
        self.keyed("key", key.as_bytes())
    }

    /// What is kept of an unsalted hash until its key is used. Hashes of two rules are never taken for each other.
    pub fn of_digest(&self, rule: &Rule, hash: &[u8]) -> Digest {
        self.keyed(&rule.to_string(), hash)
    }

    /// What stands for a salted hash until its key is used.
    pub fn of_salted(&self, rule: &Rule, locator: &str, hash: &str) -> Digest {
        self.keyed(&format!("{rule} {locator}"), hash.as_bytes())
    }

    /// The HMAC of bytes for a purpose, which holds no NUL.
    fn keyed(&self, purpose: &str, bytes: &[u8]) -> Digest {
        // Keys of every length are taken (RFC 2104, section 2).
        let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(self.0.as_slice()) else {
            return Digest::from_bytes([0; 32]);
        };
        hmac.update(purpose.as_bytes());
        hmac.update(b"\0");
        hmac.update(bytes);
        Digest::from_bytes(hmac.finalize().into_bytes().into())
    }
}

/// Where a key that was issued elsewhere stands among those of public ids: a number below 2^72 that is the id of none.
pub fn place(digest: &Digest) -> u128 {
    let bytes = digest.to_bytes();
    let number = bytes.iter().take(9).fold(0, |number, byte| (number << 8) | u128::from(*byte));
    ELSEWHERE | (number & ((1 << 66) - 1))
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::TokenId;

    fn pepper() -> Pepper {
        Pepper::from_bytes([7; PEPPER_BYTES])
    }

    /// Computed with Python's `hmac.new(bytes([7] * 32), b"key\0" + …, "sha256")`.
    #[test]
    fn a_digest_is_the_hmac_of_purpose_and_key() {
        let hex = "2dce6ce7c61c5491be2d63bf3764a8e6acfe18e09902080d0d1489e30429d5d9";
        assert_eq!(pepper().native("a key that others issued").to_hex(), hex);
    }

    #[test]
    fn digests_differ_by_pepper_purpose_and_rule() {
        let rule = |text: &str| text.parse::<Rule>().unwrap();
        let own = pepper().of_api(ApiId::from_i64(1));
        let other = pepper().of_api(ApiId::from_i64(2));
        let all = [
            pepper().native("key"),
            own.native("key"),
            other.native("key"),
            own.of_digest(&rule("sha256 whole"), b"key"),
            own.of_digest(&rule("sha256 after-first:."), b"key"),
            own.of_digest(&rule("sha512 whole"), b"key"),
            own.of_salted(&rule("bcrypt whole first:2"), "ke", "key"),
            own.of_salted(&rule("bcrypt whole first:3"), "key", "key"),
        ];
        for (place, one) in all.iter().enumerate() {
            assert!(all.iter().skip(place + 1).all(|other| one != other), "{place}");
        }
    }

    #[test]
    fn a_pepper_is_read_back_and_never_shown() {
        let text = pepper().to_hex();
        assert_eq!(Pepper::parse(&text), Ok(pepper()));
        assert_eq!(Pepper::parse(&text.replace('0', "g")), Err(BadPepper));
        assert_eq!(Pepper::parse(""), Err(BadPepper));
        assert_eq!(format!("{:?}", pepper()), "Pepper");
    }

    #[test]
    fn no_token_stands_where_a_key_from_elsewhere_does() {
        let last = TokenId::parse("zzzzzzzzzzzz").unwrap().to_bits();
        for byte in [0, 1, 255] {
            let place = place(&Digest::from_bytes([byte; 32]));
            assert!(place > last && place < 1 << 72, "{byte}");
        }
    }
}
