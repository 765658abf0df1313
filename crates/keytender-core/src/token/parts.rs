//! The parts of a token that are no secret: brand, environment, id.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::letters::{is_letter, sextets};

/// Letters of a public id: 71 bits.
pub(super) const ID_LETTERS: usize = 12;
/// How long a brand may be.
const BRAND_LENGTHS: RangeInclusive<usize> = 2..=BRAND_LETTERS;
const BRAND_LETTERS: usize = 10;

/// The name of an API at the head of its tokens: 2 to 10 of `a`–`z` and `0`–`9`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Brand {
    /// The letters, then zeros.
    letters: [u8; BRAND_LETTERS],
}

/// Why a text is not a public id of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not the id of a token: expected 12 of the letters 0-9, A-Z and a-z")]
pub struct BadTokenId;

/// Why a text is not a brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a brand: write 2 to 10 of the letters a-z and 0-9, such as `acme`")]
pub struct BadBrand;

impl Brand {
    /// Reads a brand.
    ///
    /// # Errors
    /// [`BadBrand`] if it is too short, too long, or has another letter.
    pub fn parse(text: &str) -> Result<Self, BadBrand> {
        Self::from_bytes(text.as_bytes()).ok_or(BadBrand)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if !BRAND_LENGTHS.contains(&bytes.len()) || !bytes.iter().all(is_plain) {
            return None;
        }
        let mut letters = [0; BRAND_LETTERS];
        letters.iter_mut().zip(bytes).for_each(|(letter, byte)| *letter = *byte);
        Some(Self { letters })
    }

    /// The brand as it stands in a token.
    pub fn as_str(&self) -> &str {
        // Only ASCII was let in.
        std::str::from_utf8(&self.letters).unwrap_or_default().trim_end_matches('\0')
    }
}

/// Which of an API's environments a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// The real one.
    Live,
    /// One where nothing happens to real things.
    Test,
}

impl Environment {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Live, Self::Test];

    /// The word in a token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }

    /// The environment of this word, if there is one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::from_bytes(word.as_bytes())
    }

    pub(super) fn from_bytes(word: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str().as_bytes() == word)
    }
}

/// The public id of a token: 12 letters of base 62.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId([u8; ID_LETTERS]);

impl TokenId {
    /// Reads an id.
    pub fn parse(text: &str) -> Option<Self> {
        let letters = <[u8; ID_LETTERS]>::try_from(text.as_bytes()).ok()?;
        letters.iter().all(is_letter).then_some(Self(letters))
    }

    /// Of bytes that are known to be letters.
    pub(super) const fn from_letters(letters: [u8; ID_LETTERS]) -> Self {
        Self(letters)
    }

    /// The id as it stands in a token.
    pub fn as_str(&self) -> &str {
        // Only ASCII was let in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The id as a number below 2^72, 6 bits a letter: no two ids have the same. For tables of many
    /// keys; it is written nowhere.
    pub const fn to_bits(&self) -> u128 {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = self.0;
        let first = sextets([a, b, c, d, e, f, g, h]) as u128;
        let last = sextets([b'0', b'0', b'0', b'0', i, j, k, l]) as u128;
        (first << 24) | last
    }
}

/// Texts that are written as they stand in a token and read strictly.
macro_rules! texts {
    ($($name:ident by $parse:expr;)*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                $parse(&text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

texts! {
    Brand by Brand::parse;
    TokenId by |text: &str| TokenId::parse(text).ok_or(BadTokenId);
}

impl fmt::Display for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Brand({self})")
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brand_is_two_to_ten_small_letters_and_digits() {
        for text in ["ab", "k2", "42", "acme", "abcdefghij"] {
            assert_eq!(Brand::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "a", "abcdefghijk", "Acme", "ac_me", "ac-me", "ac me", "é", "ab\0"] {
            assert_eq!(Brand::parse(text), Err(BadBrand), "{text}");
        }
    }

    #[test]
    fn an_environment_is_one_of_two_words() {
        for environment in Environment::ALL {
            assert_eq!(Environment::parse(environment.as_str()), Some(environment));
        }
        for word in ["", "Live", "prod", "tes", "test_"] {
            assert_eq!(Environment::parse(word), None, "{word}");
        }
    }

    #[test]
    fn an_id_is_twelve_letters() {
        let id = TokenId::parse("7Hk2mQ9xTz4B").unwrap();
        assert_eq!((id.to_string(), format!("{id:?}")).0, "7Hk2mQ9xTz4B");
        for text in
            ["", "7Hk2mQ9xTz4", "7Hk2mQ9xTz4BB", "7Hk2mQ9xTz4_", "7Hk2mQ9xTzé", "7Hk2mQ9xTz4 "]
        {
            assert_eq!(TokenId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ids_have_numbers_of_their_own() {
        let bits = |text| TokenId::parse(text).unwrap().to_bits();
        assert_eq!(bits("000000000000"), 0);
        assert_eq!(bits("000000000Aaz"), (10 << 12) | (36 << 6) | 61);
        assert_eq!(bits("zzzzzzzzzzzz") >> 66, 61);
    }

    #[test]
    fn what_is_no_part_of_a_token_is_not_read_as_one() {
        let read = |text: &str| serde_json::from_str::<(Brand, Environment, TokenId)>(text);
        let text = r#"["acme","live","7Hk2mQ9xTz4B"]"#;
        assert_eq!(serde_json::to_string(&read(text).unwrap()).unwrap(), text);
        for (part, wrong) in [("acme", "Acme"), ("live", "prod"), ("4B", "4_")] {
            assert!(read(&text.replace(part, wrong)).is_err(), "{wrong}");
        }
    }
}
