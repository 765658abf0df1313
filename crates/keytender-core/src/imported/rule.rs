//! Which of a key is hashed, how, and what of it leads to the hash.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// How many letters of a key may lead to its hash.
const MAX_FIRST: usize = 64;

/// How an issuer hashes its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hashing {
    /// SHA-256, without a salt.
    Sha256,
    /// SHA-512, without a salt.
    Sha512,
    /// HMAC-SHA256 with one secret for all keys.
    HmacSha256,
    /// bcrypt.
    Bcrypt,
    /// Argon2, mostly Argon2id.
    Argon2,
    /// PBKDF2 with HMAC-SHA256 or HMAC-SHA512.
    Pbkdf2,
}

impl Hashing {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Sha256, Self::Sha512, Self::HmacSha256, Self::Bcrypt, Self::Argon2, Self::Pbkdf2];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::HmacSha256 => "hmac-sha256",
            Self::Bcrypt => "bcrypt",
            Self::Argon2 => "argon2",
            Self::Pbkdf2 => "pbkdf2",
        }
    }

    /// The one of this word, if there is one.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "argon2id" => Some(Self::Argon2),
            _ => Self::ALL.into_iter().find(|one| one.as_str() == word),
        }
    }

    /// Whether each hash has a salt of its own, so that no key can be found by its hash.
    pub const fn is_salted(self) -> bool {
        matches!(self, Self::Bcrypt | Self::Argon2 | Self::Pbkdf2)
    }
}

/// Which part of a key is hashed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// All of it.
    #[default]
    Whole,
    /// What stands behind the first such sign.
    AfterFirst(char),
    /// What stands behind the last such sign.
    AfterLast(char),
}

/// What of a key leads to its hash: a part that is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Locator {
    /// What stands before the first such sign.
    BeforeFirst(char),
    /// What stands before the last such sign.
    BeforeLast(char),
    /// So many letters from the start.
    First(usize),
}

/// Not a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadRule {
    /// No such hash.
    #[error("a hash is one of sha256, sha512, hmac-sha256, bcrypt, argon2 and pbkdf2")]
    Hashing,
    /// No such part.
    #[error(
        "what is hashed is `whole`, or `after-first:` or `after-last:` and a sign, such as after-first:."
    )]
    Part,
    /// No such locator.
    #[error(
        "what leads to a hash is `before-first:` or `before-last:` and a sign, or `first:` and how many letters"
    )]
    Locator,
    /// A salted hash without a locator.
    #[error("a salted hash cannot be looked up: which part of a key leads to it?")]
    NoLocator,
    /// A locator of a hash that needs none.
    #[error("a hash without a salt is found by itself: no part of a key need lead to it")]
    UselessLocator,
}

impl Part {
    /// The part of a key, if it has one.
    pub fn of(self, key: &str) -> Option<&str> {
        let part = match self {
            Self::Whole => key,
            Self::AfterFirst(sign) => key.split_once(sign)?.1,
            Self::AfterLast(sign) => key.rsplit_once(sign)?.1,
        };
        (!part.is_empty()).then_some(part)
    }
}

impl Locator {
    /// What of a key leads to its hash, if it has that.
    pub fn of(self, key: &str) -> Option<&str> {
        let part = match self {
            Self::BeforeFirst(sign) => key.split_once(sign)?.0,
            Self::BeforeLast(sign) => key.rsplit_once(sign)?.0,
            // A part that is the whole key would be no secret.
            Self::First(letters) => key.get(..letters).filter(|part| part.len() < key.len())?,
        };
        (!part.is_empty()).then_some(part)
    }

    /// Whether a text can be what this locator finds.
    pub fn fits(self, text: &str) -> bool {
        let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_plain
            && match self {
                Self::BeforeFirst(sign) => !text.contains(sign),
                Self::BeforeLast(_) => true,
                Self::First(letters) => text.len() == letters,
            }
    }
}

impl FromStr for Part {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        match text.split_once(':') {
            None if text == "whole" => Ok(Self::Whole),
            Some(("after-first", sign)) => sign_of(sign).map(Self::AfterFirst).ok_or(BadRule::Part),
            Some(("after-last", sign)) => sign_of(sign).map(Self::AfterLast).ok_or(BadRule::Part),
            _ => Err(BadRule::Part),
        }
    }
}

impl FromStr for Locator {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        let found = match text.split_once(':').ok_or(BadRule::Locator)? {
            ("before-first", sign) => sign_of(sign).map(Self::BeforeFirst),
            ("before-last", sign) => sign_of(sign).map(Self::BeforeLast),
            ("first", count) => {
                let is_plain = count.bytes().all(|byte| byte.is_ascii_digit());
                let count = count.parse().ok().filter(|_| is_plain && !count.starts_with('0'));
                count.filter(|count| (1..=MAX_FIRST).contains(count)).map(Self::First)
            }
            _ => None,
        };
        found.ok_or(BadRule::Locator)
    }
}

/// A sign that stands between the parts of a key.
fn sign_of(text: &str) -> Option<char> {
    let mut letters = text.chars();
    let sign = letters.next().filter(char::is_ascii_punctuation)?;
    letters.next().is_none().then_some(sign)
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("whole"),
            Self::AfterFirst(sign) => write!(f, "after-first:{sign}"),
            Self::AfterLast(sign) => write!(f, "after-last:{sign}"),
        }
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeforeFirst(sign) => write!(f, "before-first:{sign}"),
            Self::BeforeLast(sign) => write!(f, "before-last:{sign}"),
            Self::First(letters) => write!(f, "first:{letters}"),
        }
    }
}

/// How keys of one issuer are recognised: `sha256 whole`, or `bcrypt whole before-first:.`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rule {
    hashing: Hashing,
    part: Part,
    locator: Option<Locator>,
}

impl Rule {
    /// A rule of these.
    ///
    /// # Errors
    /// [`BadRule`] if a salted hash has no locator, or another one has.
    pub const fn new(
        hashing: Hashing,
        part: Part,
        locator: Option<Locator>,
    ) -> Result<Self, BadRule> {
        match (hashing.is_salted(), locator.is_some()) {
            (true, false) => Err(BadRule::NoLocator),
            (false, true) => Err(BadRule::UselessLocator),
            _ => Ok(Self { hashing, part, locator }),
        }
    }

    /// How it is hashed.
    pub const fn hashing(&self) -> Hashing {
        self.hashing
    }

    /// What is hashed.
    pub const fn part(&self) -> Part {
        self.part
    }

    /// What leads to the hash, if it is salted.
    pub const fn locator(&self) -> Option<Locator> {
        self.locator
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.hashing.as_str(), self.part)?;
        self.locator.map_or(Ok(()), |locator| write!(f, " {locator}"))
    }
}

impl FromStr for Rule {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        let mut words = text.split(' ');
        let hashing = Hashing::parse(words.next().unwrap_or_default()).ok_or(BadRule::Hashing)?;
        let part = words.next().ok_or(BadRule::Part)?.parse()?;
        let locator = words.next().map(str::parse).transpose()?;
        match words.next() {
            None => Self::new(hashing, part, locator),
            Some(_) => Err(BadRule::Locator),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_rule_is_read_as_it_is_written() {
        for text in [
            "sha256 whole",
            "sha512 after-last:_",
            "hmac-sha256 after-first:.",
            "bcrypt whole before-first:.",
            "argon2 after-first:- first:8",
            "pbkdf2 whole before-last:_",
        ] {
            assert_eq!(text.parse::<Rule>().unwrap().to_string(), text);
        }
        assert_eq!("argon2id whole first:6".parse::<Rule>(), "argon2 whole first:6".parse());
    }

    #[test]
    fn what_is_no_rule_is_refused_with_its_reason() {
        for (text, why) in [
            ("", BadRule::Hashing),
            ("md5 whole", BadRule::Hashing),
            ("sha256", BadRule::Part),
            ("sha256 half", BadRule::Part),
            ("sha256 after-first:", BadRule::Part),
            ("sha256 after-first:..", BadRule::Part),
            ("sha256 after-last:x", BadRule::Part),
            ("sha256 whole first:8", BadRule::UselessLocator),
            ("bcrypt whole", BadRule::NoLocator),
            ("bcrypt whole first:0", BadRule::Locator),
            ("bcrypt whole first:65", BadRule::Locator),
            ("bcrypt whole first:08", BadRule::Locator),
            ("bcrypt whole first:+8", BadRule::Locator),
            ("bcrypt whole before-first:é", BadRule::Locator),
            ("bcrypt whole behind:.", BadRule::Locator),
            ("bcrypt whole first:8 first:8", BadRule::Locator),
        ] {
            assert_eq!(text.parse::<Rule>(), Err(why), "{text}");
        }
    }

    #[test]
    fn parts_and_locators_are_those_of_the_key() {
        let key = "ab.cd.ef";
        assert_eq!(Part::Whole.of(key), Some(key));
        assert_eq!(Part::AfterFirst('.').of(key), Some("cd.ef"));
        assert_eq!(Part::AfterLast('.').of(key), Some("ef"));
        assert_eq!(Part::AfterLast('.').of("ab."), None);
        assert_eq!(Part::AfterFirst('_').of(key), None);
        assert_eq!(Locator::BeforeFirst('.').of(key), Some("ab"));
        assert_eq!(Locator::BeforeLast('.').of(key), Some("ab.cd"));
        assert_eq!(Locator::BeforeFirst('.').of(".cd"), None);
        assert_eq!(Locator::First(3).of(key), Some("ab."));
        assert_eq!(Locator::First(8).of(key), None, "all of the key");
        assert_eq!(Locator::First(9).of(key), None);
        assert_eq!(Locator::First(1).of("éa"), None, "half a letter");
    }

    proptest! {
        #[test]
        fn a_locator_that_is_found_fits(key in "[a-c._-]{0,12}", letters in 1_usize..8) {
            let locators =
                [Locator::BeforeFirst('.'), Locator::BeforeLast('_'), Locator::First(letters)];
            for locator in locators {
                if let Some(found) = locator.of(&key) {
                    prop_assert!(locator.fits(found), "{locator} of {key}");
                    prop_assert!(key.starts_with(found) && found.len() < key.len());
                }
            }
        }

        #[test]
        fn any_text_is_a_rule_that_is_written_so_or_none(text in "[a-z0-9:. _-]{0,40}") {
            if let Ok(rule) = text.parse::<Rule>() {
                prop_assert_eq!(rule.to_string().parse::<Rule>(), Ok(rule));
            }
        }
    }
}
