//! Tokens of Keytender and of the APIs that it issues keys for:
//! `<brand>_<environment>_<id><secret><checksum>`, with a `_` between id and secret.
//!
//! ```text
//! acme_live_7Hk2mQ9xTz4B_0123456789ABCDEFGHIJKLMNOPQRSTUV2zoHDC
//! brand     id, 12       secret, 32                      checksum, 6
//! ```
//!
//! - brand: 2 to 10 of `a`–`z` and `0`–`9`, one an API; environment: `live` or `test`.
//! - id: public. Lookup needs no digest, and logs and reports of leaks may name it.
//! - secret: 32 letters of base 62, 190 bits (32 × log₂ 62 = 190.5). Only the SHA-256 of these 32
//!   ASCII letters is kept: nobody can go through 2^190 of them, so it needs no pepper and no slow hash.
//! - checksum: see below. What is mistyped or made up is refused before anything is looked up.
//!
//! All letters are of base 62 in the order `0`–`9`, `A`–`Z`, `a`–`z`. A token is 59 to 67 letters
//! long; a double click selects all of it, for `_` is part of a word.
//!
//! # The checksum
//!
//! CRC-32 as in zlib, gzip and PNG (CRC-32/ISO-HDLC, RFC 1952 section 8): polynomial `0x04C11DB7`,
//! reflected `0xEDB88320`; begun with `0xFFFFFFFF`; reflected in and out; at the end XOR
//! `0xFFFFFFFF`. It is taken over the ASCII bytes of everything before it, from the first letter of
//! the brand to the last of the secret, and written in base 62 as exactly 6 letters, the most
//! significant first, with `0` in front where it is short. In Python:
//!
//! ```python
//! import string, zlib
//! LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
//!
//! def checksum(before):
//!     number, text = zlib.crc32(before.encode("ascii")), ""
//!     for _ in range(6):
//!         number, digit = divmod(number, 62)
//!         text = LETTERS[digit] + text
//!     return text
//!
//! token = "acme_live_7Hk2mQ9xTz4B_0123456789ABCDEFGHIJKLMNOPQRSTUV2zoHDC"
//! assert checksum(token[:-6]) == token[-6:]
//! ```
//!
//! A change of up to four letters in a row before the checksum (32 bits), or of any within it, is
//! always found; any other but once in 2^32.
//! [`pattern`] is what secret scanners look for; the checksum then tells tokens from look-alikes.
//!
//! # Never
//!
//! Nothing here makes random bytes, and nothing shows a secret but [`Token::to_secret`]. The checksum
//! depends on the secret, so it is not shown either.

mod checksum;
mod digest;
mod letters;
mod parts;

use std::fmt;
use std::ops::RangeInclusive;

use thiserror::Error;
use zeroize::Zeroizing;

pub(crate) use self::checksum::{crc32, of as crc32_in_letters};
pub use self::digest::{BadDigest, Digest};
pub use self::parts::{BadBrand, BadTokenId, Brand, Environment, TokenId};

use self::letters::is_letter;
use self::parts::ID_LETTERS;
use crate::secret::Secret;

/// Letters of the secret: 190 bits.
const SECRET_LETTERS: usize = 32;
/// How long a token may be: 57 letters and a brand of 2 to 10.
pub const LENGTHS: RangeInclusive<usize> = 59..=67;
/// Bytes for a public id: 192 bits, of which 71 are needed.
const ID_BYTES: usize = 24;
/// Bytes for a secret: 320 bits, of which 190 are needed.
const SECRET_BYTES: usize = 40;
/// How many random bytes [`Token::make`] needs.
pub const RANDOM_BYTES: usize = ID_BYTES + SECRET_BYTES;

/// Why a text is not a token, in the order in which it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadToken {
    /// Too short or too long.
    #[error("not a token: a token has 59 to 67 letters")]
    Length,
    /// Brand, environment or a `_` is not where it belongs.
    #[error("not a token: a token begins like `acme_live_` and has a `_` after its id")]
    Prefix,
    /// Something else than letters of base 62 in id, secret or checksum.
    #[error("not a token: its id and secret are of the letters 0-9, A-Z and a-z")]
    Letters,
    /// Mistyped, cut or made up.
    #[error("not a token: the checksum does not fit, so a letter is wrong or missing")]
    Checksum,
}

/// A token whose form and checksum are right; whether it was ever issued, its digest tells.
#[derive(Clone)]
pub struct Token {
    brand: Brand,
    environment: Environment,
    id: TokenId,
    secret: Zeroizing<[u8; SECRET_LETTERS]>,
}

impl Token {
    /// A new token of random bytes, which must be of the system's generator, used once and then
    /// overwritten.
    ///
    /// The bytes are read as two large numbers, and these are reduced to 62^12 and 62^32. Both are so
    /// much larger that no id is likelier than another by more than one part in 2^120, and no secret
    /// by more than one in 2^129: no letter tells anything of another, and no draw has to be repeated.
    pub fn make(brand: Brand, environment: Environment, random: &[u8; RANDOM_BYTES]) -> Self {
        let mut id_bytes = [0; ID_BYTES];
        let mut secret_bytes = Zeroizing::new([0; SECRET_BYTES]);
        let targets = id_bytes.iter_mut().chain(secret_bytes.iter_mut());
        targets.zip(random).for_each(|(target, byte)| *target = *byte);
        let mut secret = Zeroizing::new([0; SECRET_LETTERS]);
        letters::reduce(secret_bytes.as_mut_slice(), secret.as_mut_slice());
        let mut id = [0; ID_LETTERS];
        letters::reduce(&mut id_bytes, &mut id);
        Self { brand, environment, id: TokenId::from_letters(id), secret }
    }

    /// Reads a token: length and prefix, then letters, then checksum. Nothing is allocated.
    ///
    /// # Errors
    /// [`BadToken`], which says the first thing that is wrong and repeats nothing of the text.
    pub fn parse(text: &str) -> Result<Self, BadToken> {
        let bytes = text.as_bytes();
        if !LENGTHS.contains(&bytes.len()) {
            return Err(BadToken::Length);
        }
        let parts = Parts::cut(bytes).ok_or(BadToken::Prefix)?;
        if !parts.are_letters() {
            return Err(BadToken::Letters);
        }
        if checksum::of(parts.before) != *parts.checksum {
            return Err(BadToken::Checksum);
        }
        Ok(Self {
            brand: parts.brand,
            environment: parts.environment,
            id: TokenId::from_letters(*parts.id),
            secret: Zeroizing::new(*parts.secret),
        })
    }

    /// What [`TokenId::to_bits`] will say of the id of this text, if it is a token: for whoever wants what is known of it
    /// at hand before it is read whole. Of what is no token it says anything, or nothing.
    pub fn bits_of_id(text: &str) -> Option<u128> {
        let (before, _) = text.as_bytes().split_last_chunk::<{ checksum::LETTERS }>()?;
        let (before, _) = before.split_last_chunk::<SECRET_LETTERS>()?;
        let (_, id) = before.strip_suffix(b"_")?.split_last_chunk()?;
        Some(TokenId::from_letters(*id).to_bits())
    }

    /// For which API.
    pub const fn brand(&self) -> Brand {
        self.brand
    }

    /// For which of its environments.
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// The public id.
    pub const fn id(&self) -> TokenId {
        self.id
    }

    /// What is kept of the secret.
    pub fn digest(&self) -> Digest {
        Digest::of(self.secret.as_slice())
    }

    /// Whether `known` is the digest of this token's secret. Takes the same time whatever the answer.
    pub fn verify(&self, known: &Digest) -> bool {
        self.digest() == *known
    }

    /// The whole text, to be shown once.
    pub fn to_secret(&self) -> Secret {
        // Of its whole length from the start: a text that grows leaves copies behind.
        let mut text = String::with_capacity(*LENGTHS.end());
        let (brand, environment) = (self.brand.as_str(), self.environment.as_str());
        for part in [brand, "_", environment, "_", self.id.as_str(), "_"] {
            text.push_str(part);
        }
        text.extend(self.secret.iter().copied().map(char::from));
        text.extend(checksum::of(text.as_bytes()).map(char::from));
        Secret::new(text)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("brand", &self.brand)
            .field("environment", &self.environment)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The pieces of a text that has the places of a token.
struct Parts<'a> {
    brand: Brand,
    environment: Environment,
    id: &'a [u8; ID_LETTERS],
    secret: &'a [u8; SECRET_LETTERS],
    checksum: &'a [u8; checksum::LETTERS],
    /// What the checksum is taken over.
    before: &'a [u8],
}

impl<'a> Parts<'a> {
    /// From the end, where every length is known. Prefix and separators are right if there is an
    /// answer.
    fn cut(text: &'a [u8]) -> Option<Self> {
        let (before, checksum) = text.split_last_chunk()?;
        let (rest, secret) = before.split_last_chunk()?;
        let (rest, id) = rest.strip_suffix(b"_")?.split_last_chunk()?;
        let (rest, environment) = rest.strip_suffix(b"_")?.split_last_chunk::<4>()?;
        let environment = Environment::from_bytes(environment)?;
        let brand = Brand::from_bytes(rest.strip_suffix(b"_")?)?;
        Some(Self { brand, environment, id, secret, checksum, before })
    }

    fn are_letters(&self) -> bool {
        // All of them are looked at, several at a time, rather than one by one up to the first that is none.
        let all = |letters: &[u8]| letters.iter().fold(true, |all, letter| all & is_letter(letter));
        all(self.id) & all(self.secret) & all(self.checksum)
    }
}

/// The regular expression that finds the tokens of `brand` in other text, for secret scanners. It
/// reads the same in every common dialect (RE2, PCRE, Python, Rust, ECMAScript).
///
/// It has no anchors, so that a token is found wherever it leaked (`%3Dacme_live_…`, `\nacme_live_…`);
/// whether a match is a token, its checksum tells ([`Token::parse`]).
pub fn pattern(brand: Brand) -> String {
    let [live, test] = Environment::ALL.map(Environment::as_str);
    let last = SECRET_LETTERS + checksum::LETTERS;
    format!("{brand}_(?:{live}|{test})_[0-9A-Za-z]{{{ID_LETTERS}}}_[0-9A-Za-z]{{{last}}}")
}

#[cfg(test)]
mod tests;
