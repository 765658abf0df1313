//! What is kept of a secret.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

/// Bytes of a SHA-256 (FIPS 180-4).
const BYTES: usize = 32;

/// The SHA-256 of the secret letters of a token. Two are compared in constant time.
#[derive(Clone, Copy)]
pub struct Digest([u8; BYTES]);

/// Why a text is not a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a digest: expected 64 digits of 0-9 and a-f")]
pub struct BadDigest;

impl Digest {
    pub(super) fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Reads what [`to_hex`](Self::to_hex) wrote.
    ///
    /// # Errors
    /// [`BadDigest`] for anything else, capitals too: one digest has one text.
    pub fn parse(text: &str) -> Result<Self, BadDigest> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(BadDigest);
        }
        let mut bytes = [0; BYTES];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| BadDigest)?;
        Ok(Self(bytes))
    }

    /// Of its 32 bytes.
    pub const fn from_bytes(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub const fn to_bytes(self) -> [u8; BYTES] {
        self.0
    }

    /// As it is stored: 64 digits of 0-9 and a-f.
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl PartialEq for Digest {
    /// In constant time.
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sha256sum` of `0123456789ABCDEFGHIJKLMNOPQRSTUV`.
    const HEX: &str = "41ba696bc2822924f7cba0ce211bfddfe653ceb3c981255a1775bebf110bf42d";

    #[test]
    fn a_digest_is_the_sha_256_and_is_read_back() {
        let digest = Digest::of(b"0123456789ABCDEFGHIJKLMNOPQRSTUV");
        assert_eq!(digest.to_hex(), HEX);
        assert_eq!(Digest::parse(HEX), Ok(digest));
        assert_eq!(format!("{digest:?}"), "Digest");
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        let (long, capitals) = (format!("{HEX}00"), HEX.to_uppercase());
        let short = HEX.replacen("41", "", 1);
        let odd = HEX.replacen('4', "", 1);
        let other = HEX.replace('a', "g");
        for text in ["", &short, &odd, &long, &capitals, &other, "é"] {
            assert_eq!(Digest::parse(text), Err(BadDigest), "{text}");
        }
    }

    #[test]
    fn digests_that_differ_in_one_bit_differ() {
        let digest = Digest::of(b"a");
        for bit in 0..256 {
            let mut other = digest;
            other.0[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(digest, other);
        }
    }
}
