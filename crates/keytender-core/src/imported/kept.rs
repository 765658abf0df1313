//! The hashes that issuers keep of their keys, as they write them.
//!
//! ```text
//! sha256, sha512,      the digest in hexadecimal or base64, of either alphabet, with or without padding;
//! hmac-sha256          before it may stand `sha256:`, or `sha256$$` as Django has it
//! bcrypt               $2b$12$… (also 2a, 2y); `bcrypt$` of Django before it
//! argon2               $argon2id$v=19$m=19456,t=2,p=1$SALT$HASH; `argon2$` of Django before it
//! pbkdf2               pbkdf2_sha256$600000$SALT$HASH (Django), $pbkdf2-sha256$29000$SALT$HASH (passlib),
//!                      $pbkdf2-sha256$i=600000,l=32$SALT$HASH (PHC); also with sha512
//! ```

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use thiserror::Error;

use super::rule::Hashing;

/// The costs that are taken: what is above would keep a processor busy for more than about a second. bcrypt.
const BCRYPT_COST: std::ops::RangeInclusive<u32> = 4..=15;
/// Argon2: KiB of memory; that times the passes.
const ARGON2_KIB: u32 = 256 * 1024;
const ARGON2_WORK: u64 = 1024 * 1024;
const ARGON2_LANES: u32 = 16;
/// PBKDF2; Django 6 takes 1,200,000.
const PBKDF2_ITERATIONS: u32 = 2_000_000;
/// Bytes of a salt, and of a hash.
const SALT_BYTES: std::ops::RangeInclusive<usize> = 4..=64;
const HASH_BYTES: std::ops::RangeInclusive<usize> = 16..=64;
/// The longest text of a hash.
const MAX_TEXT: usize = 512;
/// Letters of salt and hash together in bcrypt.
const BCRYPT_LETTERS: usize = 53;

const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(false);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);

/// A hash that an issuer kept.
#[derive(Clone, PartialEq, Eq)]
pub enum Kept {
    /// One without a salt.
    Digest(Hashing, Vec<u8>),
    /// One with a salt.
    Salted(Salted),
}

/// A salted hash, and what is needed to try a key.
#[derive(Clone, PartialEq, Eq)]
pub enum Salted {
    /// bcrypt, `$2b$…`.
    Bcrypt(String),
    /// Argon2, `$argon2id$…`.
    Argon2(String),
    /// PBKDF2.
    Pbkdf2 {
        /// With HMAC-SHA512 rather than HMAC-SHA256.
        is_sha512: bool,
        /// How often; at least once.
        iterations: u32,
        /// The salt.
        salt: Vec<u8>,
        /// What comes out.
        hash: Vec<u8>,
    },
}

/// Not a hash that can be taken. It repeats nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadHash {
    /// A bare digest of which nobody says how it was made.
    #[error("this does not say how it was hashed")]
    Unnamed,
    /// Something else than was said.
    #[error("this is no {} hash", _0.as_str())]
    Other(Hashing),
    /// A digest that is no text of bytes, or of another length.
    #[error("this is no {} digest in hexadecimal or base64", _0.as_str())]
    Digest(Hashing),
    /// A digest with a salt, which is no known form.
    #[error("a {} digest with a salt cannot be verified here", _0.as_str())]
    SaltedDigest(Hashing),
    /// bcrypt of something else than the key.
    #[error("bcrypt_sha256 of Django hashes the key twice: it cannot be verified here")]
    Prehashed,
    /// PBKDF2 with another function.
    #[error("of pbkdf2, only that with sha256 or sha512 is verified here")]
    Function,
    /// Damaged.
    #[error("this is a damaged {} hash", _0.as_str())]
    Damaged(Hashing),
    /// Too much work.
    #[error("to try a key against this {} hash would take too long", _0.as_str())]
    TooCostly(Hashing),
}

impl Kept {
    /// Reads a hash, of which it may be said how it was made.
    ///
    /// # Errors
    /// [`BadHash`] for what is none, or none that can be verified.
    pub fn parse(said: Option<Hashing>, text: &str) -> Result<Self, BadHash> {
        let found = Self::named(text);
        let kept = match (found, said) {
            (Some(kept), _) => kept?,
            (None, Some(said)) if said.is_salted() => return Err(BadHash::Other(said)),
            (None, Some(said)) => digest(said, text)?,
            (None, None) => return Err(BadHash::Unnamed),
        };
        match said {
            // An HMAC is a digest of the same length.
            Some(said) if said != kept.hashing() => Err(BadHash::Other(said)),
            _ => Ok(kept),
        }
    }

    /// A hash that says itself how it was made; none of which it is not seen.
    fn named(text: &str) -> Option<Result<Self, BadHash>> {
        if text.starts_with("$2") {
            return Some(bcrypt(text));
        }
        if text.starts_with("$argon2") {
            return Some(argon2(text));
        }
        if let Some(rest) = text.strip_prefix("$pbkdf2-") {
            return Some(pbkdf2_phc(rest));
        }
        if let Some((word, rest)) = text.split_once('$').filter(|(word, _)| !word.is_empty()) {
            return match word {
                "bcrypt" => Some(bcrypt(rest)),
                "argon2" => Some(argon2(&format!("${rest}"))),
                "bcrypt_sha256" => Some(Err(BadHash::Prehashed)),
                "pbkdf2_sha256" => Some(pbkdf2_django(false, rest)),
                "pbkdf2_sha512" => Some(pbkdf2_django(true, rest)),
                "pbkdf2_sha1" => Some(Err(BadHash::Function)),
                "sha256" => Some(django_digest(Hashing::Sha256, rest)),
                "sha512" => Some(django_digest(Hashing::Sha512, rest)),
                _ => None,
            };
        }
        let (word, rest) = text.split_once(':')?;
        let hashing = Hashing::parse(word).filter(|hashing| !hashing.is_salted())?;
        Some(digest(hashing, rest))
    }

    /// How it was made.
    pub const fn hashing(&self) -> Hashing {
        match self {
            Self::Digest(hashing, _) => *hashing,
            Self::Salted(salted) => salted.hashing(),
        }
    }
}

impl Salted {
    /// How it was made.
    pub const fn hashing(&self) -> Hashing {
        match self {
            Self::Bcrypt(_) => Hashing::Bcrypt,
            Self::Argon2(_) => Hashing::Argon2,
            Self::Pbkdf2 { .. } => Hashing::Pbkdf2,
        }
    }

    /// One text for each: what [`Kept::parse`] reads, whatever form it came in.
    pub fn to_text(&self) -> String {
        match self {
            Self::Bcrypt(text) | Self::Argon2(text) => text.clone(),
            Self::Pbkdf2 { is_sha512, iterations, salt, hash } => {
                let function = if *is_sha512 { "sha512" } else { "sha256" };
                let [salt, hash] = [salt, hash].map(|bytes| STANDARD.encode(bytes));
                let [salt, hash] = [&salt, &hash].map(|text| text.trim_end_matches('='));
                format!("$pbkdf2-{function}$i={iterations}${salt}${hash}")
            }
        }
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kept({})", self.hashing().as_str())
    }
}

impl fmt::Debug for Salted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Salted({})", self.hashing().as_str())
    }
}

fn digest(hashing: Hashing, text: &str) -> Result<Kept, BadHash> {
    let bytes = if hashing == Hashing::Sha512 { 64 } else { 32 };
    let read = match text.len() == bytes * 2 {
        true => hex::decode(text).ok(),
        false => base64(text),
    };
    let read = read.filter(|read| read.len() == bytes).ok_or(BadHash::Digest(hashing))?;
    Ok(Kept::Digest(hashing, read))
}

/// `SALT$HASH`, of which only one without a salt is taken.
fn django_digest(hashing: Hashing, rest: &str) -> Result<Kept, BadHash> {
    match rest.split_once('$') {
        Some(("", text)) => digest(hashing, text),
        Some(_) => Err(BadHash::SaltedDigest(hashing)),
        None => Err(BadHash::Damaged(hashing)),
    }
}

/// Base64 of either alphabet, with or without padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    if text.len() > MAX_TEXT {
        return None;
    }
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

fn bcrypt(text: &str) -> Result<Kept, BadHash> {
    let damaged = BadHash::Damaged(Hashing::Bcrypt);
    let mut parts = text.split('$');
    let (before, version, cost, rest) = (parts.next(), parts.next(), parts.next(), parts.next());
    let is_known = before == Some("") && matches!(version, Some("2a" | "2b" | "2y"));
    let rest = rest.filter(|rest| rest.len() == BCRYPT_LETTERS).ok_or(damaged)?;
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"./".contains(&byte);
    if !is_known || parts.next().is_some() || !rest.bytes().all(is_letter) {
        return Err(damaged);
    }
    let cost = cost.filter(|cost| cost.len() == 2).and_then(number).ok_or(damaged)?;
    match BCRYPT_COST.contains(&cost) {
        true => Ok(Kept::Salted(Salted::Bcrypt(text.to_owned()))),
        false => Err(BadHash::TooCostly(Hashing::Bcrypt)),
    }
}

fn argon2(text: &str) -> Result<Kept, BadHash> {
    let damaged = BadHash::Damaged(Hashing::Argon2);
    let parts: Vec<&str> = text.split('$').collect();
    let ["", "argon2id" | "argon2i" | "argon2d", "v=16" | "v=19", costs, salt, hash] = *parts
    else {
        return Err(damaged);
    };
    let mut said = costs.split(',');
    let mut cost = |name: &str| number(said.next()?.strip_prefix(name)?.strip_prefix('=')?);
    let (kib, passes, lanes) =
        (cost("m").ok_or(damaged)?, cost("t").ok_or(damaged)?, cost("p").ok_or(damaged)?);
    let (salt, hash) = (base64(salt).ok_or(damaged)?, base64(hash).ok_or(damaged)?);
    let is_whole = SALT_BYTES.contains(&salt.len()) && HASH_BYTES.contains(&hash.len());
    // RFC 9106, section 3.1.
    let is_possible = passes > 0 && lanes > 0 && u64::from(kib) >= 8 * u64::from(lanes);
    if said.next().is_some() || !is_whole || !is_possible || salt.len() < 8 {
        return Err(damaged);
    }
    let work = u64::from(kib) * u64::from(passes);
    match kib <= ARGON2_KIB && work <= ARGON2_WORK && lanes <= ARGON2_LANES {
        true => Ok(Kept::Salted(Salted::Argon2(text.to_owned()))),
        false => Err(BadHash::TooCostly(Hashing::Argon2)),
    }
}

/// `ITERATIONS$SALT$HASH`; the salt is taken as it is written.
fn pbkdf2_django(is_sha512: bool, rest: &str) -> Result<Kept, BadHash> {
    let parts: Vec<&str> = rest.split('$').collect();
    let [iterations, salt, hash] = *parts else {
        return Err(BadHash::Damaged(Hashing::Pbkdf2));
    };
    pbkdf2(is_sha512, number(iterations), Some(salt.as_bytes().to_vec()), base64(hash))
}

/// `sha256$ITERATIONS$SALT$HASH`, both in base64; passlib writes `.` for `+`.
fn pbkdf2_phc(rest: &str) -> Result<Kept, BadHash> {
    let parts: Vec<&str> = rest.split('$').collect();
    let [function, iterations, salt, hash] = *parts else {
        return Err(BadHash::Damaged(Hashing::Pbkdf2));
    };
    let is_sha512 = match function {
        "sha256" => false,
        "sha512" => true,
        _ => return Err(BadHash::Function),
    };
    let mut said = iterations.split(',');
    let first = said.next().unwrap_or_default();
    let count = number(first.strip_prefix("i=").unwrap_or(first));
    let bytes = |text: &str| base64(&text.replace('.', "+"));
    let (salt, hash) = (bytes(salt), bytes(hash));
    let length = said.next().map(|said| said.strip_prefix("l=").and_then(number));
    let is_so_long = length.is_none_or(|length| {
        length.and_then(|length| usize::try_from(length).ok()) == hash.as_ref().map(Vec::len)
    });
    match said.next().is_none() && is_so_long {
        true => pbkdf2(is_sha512, count, salt, hash),
        false => Err(BadHash::Damaged(Hashing::Pbkdf2)),
    }
}

fn pbkdf2(
    is_sha512: bool,
    iterations: Option<u32>,
    salt: Option<Vec<u8>>,
    hash: Option<Vec<u8>>,
) -> Result<Kept, BadHash> {
    let damaged = BadHash::Damaged(Hashing::Pbkdf2);
    let iterations = iterations.filter(|count| *count > 0).ok_or(damaged)?;
    let salt = salt.filter(|salt| SALT_BYTES.contains(&salt.len())).ok_or(damaged)?;
    let hash = hash.filter(|hash| HASH_BYTES.contains(&hash.len())).ok_or(damaged)?;
    match iterations <= PBKDF2_ITERATIONS {
        true => Ok(Kept::Salted(Salted::Pbkdf2 { is_sha512, iterations, salt, hash })),
        false => Err(BadHash::TooCostly(Hashing::Pbkdf2)),
    }
}

/// A number in digits alone.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
