//! Scopes: a noun and a verb each. Every operation needs one.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::text::printable;

macro_rules! scopes {
    ($count:literal: $($(#[$about:meta])* $name:ident $word:literal;)*) => {
        /// What an operation needs.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Scope {
            $($(#[$about])* #[serde(rename = $word)] $name,)*
        }

        impl Scope {
            /// Every scope, in the order in which they are written.
            pub const ALL: [Self; $count] = [$(Self::$name),*];

            /// The word on the wire and in the database.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for Scope {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        let words = Self::ALL.into_iter().map(Self::as_str);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for Scope {}

scopes! { 30:
    /// See accounts and how their syncs went.
    AccountsRead "accounts:read";
    /// Add, change and remove accounts.
    AccountsWrite "accounts:write";
    /// Have an account asked for its keys.
    AccountsSync "accounts:sync";
    /// Let a customer of an API manage its own keys: by a token of its own, or by a link to its key page.
    AccountsAdmit "accounts:admit";
    /// See keys; never secrets.
    KeysRead "keys:read";
    /// Add keys, name them, give them owners, keep them until a day.
    KeysWrite "keys:write";
    /// Disable, enable, delete and rotate keys at their provider.
    KeysAct "keys:act";
    /// Say where the secrets of held keys are used: there new ones are written.
    DestinationsWrite "destinations:write";
    /// Make keys of our own APIs, rotate and revoke them.
    KeysIssue "keys:issue";
    /// Ask whether a key of our own APIs is good.
    KeysVerify "keys:verify";
    /// See our own APIs.
    ApisRead "apis:read";
    /// Add, change and remove our own APIs.
    ApisWrite "apis:write";
    /// See the apps of our APIs' customers.
    AppsRead "apps:read";
    /// Add and change these apps.
    AppsWrite "apps:write";
    /// See owners and what they claim.
    OwnersRead "owners:read";
    /// Add, change and remove owners and claims.
    OwnersWrite "owners:write";
    /// See what is wrong with keys.
    FindingsRead "findings:read";
    /// See the policy.
    PolicyRead "policy:read";
    /// Change the policy.
    PolicyWrite "policy:write";
    /// See by which ways notices go out.
    ChannelsRead "channels:read";
    /// Add, change and remove these ways.
    ChannelsWrite "channels:write";
    /// See who was told what.
    NoticesRead "notices:read";
    /// Send notices, and take them back.
    NoticesWrite "notices:write";
    /// Make and see reports.
    ReportsRead "reports:read";
    /// See how the server's tasks stand.
    TasksRead "tasks:read";
    /// Have a task run now.
    TasksRun "tasks:run";
    /// See who did what.
    LogRead "log:read";
    /// See users and the ids of their tokens.
    UsersRead "users:read";
    /// Add, change and suspend users, and give out tokens.
    UsersWrite "users:write";
    /// See the server's figures.
    MetricsRead "metrics:read";
}

impl Scope {
    /// The scope of this word, if there is one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == word)
    }

    /// Whether nothing can be changed with it.
    pub fn is_read(self) -> bool {
        self.as_str().ends_with(":read")
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// Why a text is not a set of scopes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("there is no scope `{}`: known are {}", printable(word), Scopes::ALL)]
pub struct UnknownScope {
    /// The first word that is no scope.
    pub word: String,
}

/// A set of scopes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Scopes(u32);

impl Scopes {
    /// No scope: nothing is allowed.
    pub const EMPTY: Self = Self(0);
    /// Every scope.
    pub const ALL: Self = Self((1 << Scope::ALL.len()) - 1);

    /// Reads words that are separated by spaces, in any order, as RFC 6749 section 3.3 writes them.
    /// A text without a word is the empty set.
    ///
    /// # Errors
    /// [`UnknownScope`] names the first word that is none.
    pub fn parse(text: &str) -> Result<Self, UnknownScope> {
        let words = text.split(' ').filter(|word| !word.is_empty());
        words
            .map(|word| Scope::parse(word).ok_or_else(|| UnknownScope { word: word.to_owned() }))
            .collect()
    }

    /// Whether a scope is in it.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether all of it is in `other`.
    pub const fn is_subset_of(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its scopes, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Display for Scopes {
    /// Its words in the order of [`Scope::ALL`], a space between them: a set has one text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, scope) in self.iter().enumerate() {
            f.write_str(if place == 0 { "" } else { " " })?;
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_written_in_one_order() {
        let scopes = Scopes::parse(" log:read  keys:act keys:read log:read ").unwrap();
        assert_eq!(scopes.to_string(), "keys:read keys:act log:read");
        assert_eq!(Scopes::parse(&scopes.to_string()), Ok(scopes));
        assert_eq!(Scopes::parse(&Scopes::ALL.to_string()), Ok(Scopes::ALL));
        assert_eq!(Scopes::parse(""), Ok(Scopes::EMPTY));
        assert!(Scopes::EMPTY.is_empty() && !Scopes::ALL.is_empty());
    }

    #[test]
    fn a_word_that_is_no_scope_is_named() {
        for word in ["keys:delete", "keys", "Keys:read", "keys:read,log:read", "*", "log:read\t"] {
            let refused = Scopes::parse(&format!("keys:read {word} also:wrong")).unwrap_err();
            assert_eq!(refused, UnknownScope { word: word.to_owned() });
            assert!(refused.to_string().contains(&*printable(word)), "{refused}");
            assert!(!refused.to_string().contains(char::is_control), "{refused}");
        }
    }

    #[test]
    fn every_scope_is_one_bit_and_one_word() {
        assert_eq!(Scope::ALL.into_iter().collect::<Scopes>(), Scopes::ALL);
        for scope in Scope::ALL {
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
            let alone = Scopes::from_iter([scope]);
            assert_eq!(alone.iter().collect::<Vec<_>>(), [scope]);
            assert!(alone.is_subset_of(Scopes::ALL) && !Scopes::ALL.is_subset_of(alone));
            let wire = serde_json::to_string(&scope).unwrap();
            assert_eq!(wire, format!("\"{}\"", scope.as_str()));
            assert_eq!(serde_json::from_str::<Scope>(&wire).unwrap(), scope);
        }
        assert!(serde_json::from_str::<Scope>("\"keys:delete\"").is_err());
    }

    #[test]
    fn only_reading_changes_nothing() {
        assert!(Scope::LogRead.is_read());
        for scope in [Scope::KeysWrite, Scope::KeysAct, Scope::TasksRun, Scope::AccountsSync] {
            assert!(!scope.is_read());
        }
    }
}
