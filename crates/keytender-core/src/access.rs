//! Who may do what: roles, scopes, and what a token makes of them.
//!
//! A user has a role, a token of theirs has scopes. A token can only narrow its user's role: an
//! operation is allowed if its scope is in both.
//!
//! | scope | administrator | operator | auditor | owner |
//! |---|---|---|---|---|
//! | `accounts:read` | yes | yes | yes | – |
//! | `accounts:write` | yes | yes | – | – |
//! | `accounts:sync` | yes | yes | – | – |
//! | `accounts:admit` | yes | yes | – | – |
//! | `keys:read` | yes | yes | yes | own |
//! | `keys:write` | yes | yes | – | own |
//! | `keys:act` | yes | yes | – | own |
//! | `destinations:write` | yes | – | – | – |
//! | `keys:issue` | yes | yes | – | – |
//! | `keys:verify` | yes | yes | – | – |
//! | `apis:read` | yes | yes | yes | – |
//! | `apis:write` | yes | – | – | – |
//! | `apps:read` | yes | yes | yes | – |
//! | `apps:write` | yes | yes | – | – |
//! | `owners:read` | yes | yes | yes | own |
//! | `owners:write` | yes | yes | – | – |
//! | `findings:read` | yes | yes | yes | own |
//! | `policy:read` | yes | yes | yes | own |
//! | `policy:write` | yes | – | – | – |
//! | `channels:read` | yes | yes | yes | – |
//! | `channels:write` | yes | – | – | – |
//! | `notices:read` | yes | yes | yes | own |
//! | `notices:write` | yes | yes | – | – |
//! | `reports:read` | yes | yes | yes | own |
//! | `tasks:read` | yes | yes | yes | – |
//! | `tasks:run` | yes | yes | – | – |
//! | `log:read` | yes | yes | yes | – |
//! | `users:read` | yes | yes | yes | – |
//! | `users:write` | yes | – | – | – |
//! | `metrics:read` | yes | yes | yes | – |
//!
//! "own": the role sees only the keys that it answers for, and what concerns them
//! ([`Role::sees_only_own`]). Whoever lists for such a role must filter; this module knows no keys.

mod scope;

use serde::{Deserialize, Serialize};

pub use self::scope::{Scope, Scopes, UnknownScope};

/// What a customer of an API of ours may do at most, with what is its own: see its account, its apps and its
/// keys, add, stop and end apps, make keys, rotate, suspend, resume and revoke them, and see and say who is told of them.
pub const OF_CUSTOMERS: [Scope; 11] = [
    Scope::AccountsRead,
    Scope::AppsRead,
    Scope::AppsWrite,
    Scope::KeysRead,
    Scope::KeysWrite,
    Scope::KeysAct,
    Scope::KeysIssue,
    Scope::FindingsRead,
    Scope::NoticesRead,
    Scope::NoticesWrite,
    Scope::ReportsRead,
];

/// What a user is here for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// May do everything.
    Administrator,
    /// Tends keys; changes neither users, the policy, where notices and secrets go, nor our own APIs.
    Operator,
    /// Reads everything, changes nothing.
    Auditor,
    /// Tends the keys that they answer for.
    Owner,
}

impl Role {
    /// Every role, the mightiest first.
    pub const ALL: [Self; 4] = [Self::Administrator, Self::Operator, Self::Auditor, Self::Owner];

    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Operator => "operator",
            Self::Auditor => "auditor",
            Self::Owner => "owner",
        }
    }

    /// The role of this word, if there is one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == word)
    }

    /// What the role may do at most.
    pub fn scopes(self) -> Scopes {
        match self {
            Self::Administrator => Scopes::ALL,
            Self::Operator => {
                let denied = [
                    Scope::UsersWrite,
                    Scope::PolicyWrite,
                    Scope::ChannelsWrite,
                    Scope::DestinationsWrite,
                    Scope::ApisWrite,
                ];
                Scope::ALL.into_iter().filter(|scope| !denied.contains(scope)).collect()
            }
            Self::Auditor => Scope::ALL.into_iter().filter(|scope| scope.is_read()).collect(),
            Self::Owner => Scopes::from_iter([
                Scope::KeysRead,
                Scope::KeysWrite,
                Scope::KeysAct,
                Scope::FindingsRead,
                Scope::ReportsRead,
                Scope::PolicyRead,
                Scope::NoticesRead,
                Scope::OwnersRead,
            ]),
        }
    }

    /// Whether the role sees only its own keys and what concerns them.
    pub const fn sees_only_own(self) -> bool {
        matches!(self, Self::Owner)
    }
}

/// Which side of a key we are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Keys of other people's APIs, which we use.
    Held,
    /// Keys of our own API, which others use.
    Issued,
}

impl Side {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Held, Self::Issued];

    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Issued => "issued",
        }
    }

    /// The side of this word, if there is one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == word)
    }
}

/// What the bearer of one token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The role of the token's user.
    pub role: Role,
    /// The scopes of the token; more than the role's give nothing.
    pub scopes: Scopes,
    /// The side that the token is limited to, if it is.
    pub side: Option<Side>,
}

impl Grant {
    /// Whether an operation of this scope is allowed: the role has it and the token has it.
    pub fn allows(&self, scope: Scope) -> bool {
        self.effective().contains(scope)
    }

    /// The same for a customer of an API of ours: of its scopes those that make sense for one, and nothing that
    /// is held.
    #[must_use]
    pub fn of_customer(self) -> Self {
        let scopes = self.scopes.and(Scopes::from_iter(OF_CUSTOMERS));
        Self { scopes, side: Some(Side::Issued), ..self }
    }

    /// All that is allowed.
    pub fn effective(&self) -> Scopes {
        self.role.scopes().and(self.scopes)
    }

    /// Whether keys of this side are within reach.
    pub fn reaches(&self, side: Side) -> bool {
        self.side.is_none_or(|own| own == side)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the table at the head of this file, cell by cell.
    fn table() -> Vec<Vec<String>> {
        let lines = include_str!("access.rs").lines().map_while(|line| line.strip_prefix("//!"));
        let rows = lines.filter_map(|line| line.trim().strip_prefix('|')?.strip_suffix('|'));
        rows.map(|row| row.split('|').map(|cell| cell.trim().replace('`', "")).collect()).collect()
    }

    #[test]
    fn the_table_and_the_roles_say_the_same() {
        let table = table();
        let roles = Role::ALL.map(Role::as_str);
        assert_eq!(table[0], [&["scope"], roles.as_slice()].concat());
        let rows = &table[2..];
        let scopes: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(scopes, Scope::ALL.map(Scope::as_str));
        for (row, scope) in rows.iter().zip(Scope::ALL) {
            for (cell, role) in row[1..].iter().zip(Role::ALL) {
                let expected = match (role.scopes().contains(scope), role.sees_only_own()) {
                    (true, false) => "yes",
                    (true, true) => "own",
                    (false, _) => "–",
                };
                assert_eq!(cell, expected, "{} of {}", scope.as_str(), role.as_str());
            }
            assert_eq!(row.len(), 1 + Role::ALL.len());
        }
    }

    #[test]
    fn a_token_only_narrows_its_role() {
        for role in Role::ALL {
            for scope in Scope::ALL {
                let may = role.scopes().contains(scope);
                let grant = |scopes| Grant { role, scopes, side: None };
                assert_eq!(grant(Scopes::ALL).allows(scope), may);
                assert_eq!(grant(Scopes::from_iter([scope])).allows(scope), may);
                assert!(!grant(Scopes::EMPTY).allows(scope));
                let others = Scope::ALL.into_iter().filter(|other| *other != scope).collect();
                assert!(!grant(others).allows(scope));
                assert!(grant(others).effective().is_subset_of(role.scopes()));
            }
        }
    }

    #[test]
    fn a_token_of_one_side_does_not_reach_the_other() {
        let grant = |side| Grant { role: Role::Auditor, scopes: Scopes::ALL, side };
        assert!(Side::ALL.into_iter().all(|side| grant(None).reaches(side)));
        assert!(grant(Some(Side::Held)).reaches(Side::Held));
        assert!(!grant(Some(Side::Held)).reaches(Side::Issued));
        assert!(!grant(Some(Side::Issued)).reaches(Side::Held));
    }

    #[test]
    fn a_customers_token_only_narrows_what_it_was_given() {
        for role in Role::ALL {
            for scopes in [Scopes::ALL, Scopes::EMPTY, Scopes::from_iter([Scope::KeysRead])] {
                let grant = Grant { role, scopes, side: None }.of_customer();
                assert!(grant.scopes.is_subset_of(scopes));
                assert!(grant.scopes.is_subset_of(Scopes::from_iter(OF_CUSTOMERS)));
                assert_eq!(grant.side, Some(Side::Issued));
                for never in [Scope::UsersWrite, Scope::AccountsAdmit, Scope::KeysVerify] {
                    assert!(!grant.allows(never));
                }
            }
        }
    }

    #[test]
    fn words_are_the_same_everywhere() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
            let wire = serde_json::to_string(&role).unwrap();
            assert_eq!(wire, format!("\"{}\"", role.as_str()));
            assert_eq!(serde_json::from_str::<Role>(&wire).unwrap(), role);
        }
        for side in Side::ALL {
            assert_eq!(Side::parse(side.as_str()), Some(side));
            let wire = serde_json::to_string(&side).unwrap();
            assert_eq!(wire, format!("\"{}\"", side.as_str()));
            assert_eq!(serde_json::from_str::<Side>(&wire).unwrap(), side);
        }
        for word in ["", "Owner", "admin", "root", "Held", "both"] {
            assert_eq!((Role::parse(word), Side::parse(word)), (None, None), "{word}");
            let wire = format!("\"{word}\"");
            assert!(serde_json::from_str::<Role>(&wire).is_err());
            assert!(serde_json::from_str::<Side>(&wire).is_err());
        }
    }
}
