//! Ids of what Keytender keeps: 63 random bits, written as a word for the kind and 13 letters,
//! `key_0dj2c8xk3v9q4`.
//!
//! Random, so that they tell nothing, cannot be guessed from each other and spread over a
//! database; a kind each, so that an account's id cannot be taken for a key's.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// Crockford's base 32: no letter that looks like another.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 13 letters of 5 bits hold the 63 bits.
const LETTERS: usize = 13;

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not an id of this kind: expected `{prefix}_` and 13 letters and digits")]
pub struct BadId {
    /// The word that stands before the underscore.
    pub prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$about:meta])* $name:ident $prefix:literal;)*) => {$(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// The word before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// From 64 random bits, of which 63 are kept.
            pub const fn from_random(bits: u64) -> Self {
                Self((bits >> 1).cast_signed())
            }

            /// As the databases keep it.
            pub const fn from_i64(number: i64) -> Self {
                Self(number)
            }

            /// As the databases keep it.
            pub const fn as_i64(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, Letters(self.0.cast_unsigned()))
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let letters = text.strip_prefix($prefix).and_then(|rest| rest.strip_prefix('_'));
                letters.and_then(number).map(Self).ok_or(BadId { prefix: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// An account at a provider.
    AccountId "acc";
    /// A principal of an account.
    PrincipalId "pri";
    /// A key.
    KeyId "key";
    /// Somebody who answers for keys.
    OwnerId "own";
    /// One bringing up to date of one account.
    SyncId "syn";
    /// A credential report that is kept.
    ReportId "rep";
    /// A message to somebody about keys.
    NoticeId "not";
    /// A way by which notices go out.
    ChannelId "cha";
    /// An act in the log.
    ActId "act";
    /// Somebody who may use Keytender.
    UserId "usr";
    /// A browser in which somebody is signed in.
    SessionId "ses";
    /// Something by which a user proves who they are.
    AuthenticatorId "aut";
    /// An API of one's own, for which keys are issued.
    ApiId "api";
    /// What a customer of such an API builds; its keys share limits and quotas.
    AppId "app";
    /// A held key that is replaced by another.
    RotationId "rot";
    /// A place where the secret of a held key is used.
    DestinationId "dst";
    /// An index of APIs that was imported.
    CatalogIndexId "cat";
}

struct Letters(u64);

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in (0..LETTERS).rev() {
            let digit = usize::try_from((self.0 >> (place * 5)) & 31).unwrap_or(0);
            let letter = ALPHABET.get(digit).copied().unwrap_or(b'0');
            fmt::Write::write_char(f, char::from(letter))?;
        }
        Ok(())
    }
}

fn number(letters: &str) -> Option<i64> {
    if letters.len() != LETTERS {
        return None;
    }
    letters.bytes().try_fold(0_i64, |number, letter| {
        let digit = ALPHABET.iter().position(|known| *known == letter.to_ascii_lowercase())?;
        number.checked_mul(32)?.checked_add(i64::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back() {
        for bits in [0, 1, 2, 0x1234_5678_9abc_def0, u64::MAX] {
            let id = KeyId::from_random(bits);
            assert_eq!(id.to_string().parse(), Ok(id));
            assert!(id.as_i64() >= 0);
        }
    }

    #[test]
    fn what_is_no_id_of_the_kind_is_refused() {
        let other = AccountId::from_random(7).to_string();
        for text in
            ["", "key_", "key_012345678901", "key_uuuuuuuuuuuuu", "key_zzzzzzzzzzzzz", &other]
        {
            assert_eq!(text.parse::<KeyId>(), Err(BadId { prefix: "key" }), "{text}");
        }
    }
}
