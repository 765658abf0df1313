//! Principals, keys, the states of a key, and last use.
//!
//! The words are those of NIST SP 800-57 part 1 (section 7) for states, and AWS's for principals.
//! Every text is borrowed where it can be: an audit looks at millions of keys and keeps few.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::{Span, Time};

/// The states of a key, in the six words of NIST SP 800-57 and CycloneDX.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema, schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Made, not yet usable.
    PreActivation,
    /// Usable.
    Active,
    /// Refused for now; can be resumed.
    Suspended,
    /// Ended in order; never usable again.
    Deactivated,
    /// Ended because somebody else may know it.
    Compromised,
    /// Gone.
    Destroyed,
}

impl State {
    /// Every state, in the order of a key's life.
    pub const ALL: [Self; 6] = [
        Self::PreActivation,
        Self::Active,
        Self::Suspended,
        Self::Deactivated,
        Self::Compromised,
        Self::Destroyed,
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PreActivation => "pre-activation",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deactivated => "deactivated",
            Self::Compromised => "compromised",
            Self::Destroyed => "destroyed",
        }
    }
}

/// What kind of principal a key acts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PrincipalKind {
    /// The owner of the whole account.
    Root,
    /// A person, or what the provider calls a user.
    User,
    /// A service account, bot or project.
    App,
}

impl PrincipalKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Root, Self::User, Self::App];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::User => "user",
            Self::App => "app",
        }
    }
}

/// When a key, or a password, was last used. An error is `Unknown`, never `Never`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LastUse<'a> {
    /// It was seen in use.
    Used(Use<'a>),
    /// It was not used since this moment: its creation, or the start of the provider's recording.
    Never {
        /// From when on the provider would have recorded a use.
        since: Time,
    },
    /// Nobody can say.
    Unknown {
        /// Why not, for people.
        why: Cow<'a, str>,
    },
}

/// One use, as exactly as the provider tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use<'a> {
    /// When.
    pub at: Time,
    /// In which of the provider's regions; `None` if it does not say.
    pub region: Option<Cow<'a, str>>,
    /// Against which of the provider's services; `None` if it does not say.
    pub service: Option<Cow<'a, str>>,
}

impl<'a> LastUse<'a> {
    /// The last use at `at`, place not known.
    pub const fn at(at: Time) -> Self {
        Self::Used(Use { at, region: None, service: None })
    }

    /// Unknown, and why.
    pub const fn unknown(why: &'a str) -> Self {
        Self::Unknown { why: Cow::Borrowed(why) }
    }

    /// The moment of the last use, if there is one.
    pub const fn used_at(&self) -> Option<Time> {
        match self {
            Self::Used(used) => Some(used.at),
            Self::Never { .. } | Self::Unknown { .. } => None,
        }
    }

    /// The same, holding its own text.
    pub fn into_owned(self) -> LastUse<'static> {
        match self {
            Self::Used(used) => LastUse::Used(Use {
                at: used.at,
                region: used.region.map(own),
                service: used.service.map(own),
            }),
            Self::Never { since } => LastUse::Never { since },
            Self::Unknown { why } => LastUse::Unknown { why: own(why) },
        }
    }

    fn clamp(&mut self, now: Time) -> bool {
        match self {
            Self::Used(used) => clamp(&mut used.at, now),
            Self::Never { since } => clamp(since, now),
            Self::Unknown { .. } => false,
        }
    }
}

/// How a key stands to the other active keys of its principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondActive {
    /// It is the only active key, or the youngest, or not active itself.
    No,
    /// It is active and older than another active key, which was created at this moment.
    OlderThan(Time),
    /// The listing does not tell.
    Unknown,
}

/// One key: what is known of it, and the facts that policies ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// Who issued it: `aws`, `github`, …
    pub provider: Cow<'a, str>,
    /// The provider's id of the account.
    pub account: Option<Cow<'a, str>>,
    /// Who it acts for; `<root_account>` for the root of an AWS account.
    pub principal: Option<Cow<'a, str>>,
    /// What kind of principal that is.
    pub principal_kind: Option<PrincipalKind>,
    /// The provider's own full name of the principal (AWS: its ARN).
    pub principal_ref: Option<Cow<'a, str>>,
    /// The public id of the key, never its secret.
    pub id: Option<Cow<'a, str>>,
    /// What kind of key it is, by the name in its provider's descriptor.
    pub key_type: Option<Cow<'a, str>>,
    /// The resources that it stands in, the outermost first, by their ids at the provider: needed to act.
    pub within: Vec<String>,
    /// Its place, 1 or 2, in a report that has no ids.
    pub slot: Option<u8>,
    /// The name that people gave it.
    pub label: Option<Cow<'a, str>>,
    /// Its state.
    pub state: State,
    /// The provider's own word for the state.
    pub provider_state: Option<Cow<'a, str>>,
    /// When the secret came to be or last changed: age counts from here.
    pub created_at: Option<Time>,
    /// Since when it is known to exist: where nobody tells when it was made, it is at least so old.
    pub seen_since: Option<Time>,
    /// When it stops by itself; `None` if it does not, or if that is not known.
    pub expires_at: Option<Time>,
    /// When it was last used.
    pub last_used: LastUse<'a>,
    /// Since when it is suspended, by our own record.
    pub suspended_since: Option<Time>,
    /// The largest gap between two of its uses, if its history is long enough to know.
    pub cadence: Option<Span>,
    /// How it stands to its principal's other keys.
    pub second_active: SecondActive,
    /// Whether a rotation or hold of ours concerns it.
    pub rotation_open: bool,
    /// Whether somebody answers for it; `None` where the source knows no owners.
    pub has_owner: Option<bool>,
    /// The provider's tags; `None` where they were not read.
    pub tags: Option<BTreeMap<String, String>>,
    /// Whether it was found where a secret must not be, or reported as leaked; `None` where nobody
    /// looked.
    pub exposed: Option<bool>,
}

impl<'a> Key<'a> {
    /// An active key of `provider` of which nothing else is known.
    pub fn new(provider: impl Into<Cow<'a, str>>) -> Self {
        Self {
            provider: provider.into(),
            account: None,
            principal: None,
            principal_kind: None,
            principal_ref: None,
            id: None,
            key_type: None,
            within: Vec::new(),
            slot: None,
            label: None,
            state: State::Active,
            provider_state: None,
            created_at: None,
            seen_since: None,
            expires_at: None,
            last_used: LastUse::unknown("nothing is recorded"),
            suspended_since: None,
            cadence: None,
            second_active: SecondActive::No,
            rotation_open: false,
            has_owner: None,
            tags: None,
            exposed: None,
        }
    }

    /// How old the secret is; where nobody tells when it was made, at least.
    pub fn age(&self, now: Time) -> Option<Span> {
        self.born_at().map(|born| now.since(born))
    }

    /// When the secret came to be, or since when it is known to exist.
    pub fn born_at(&self) -> Option<Time> {
        self.created_at.or(self.seen_since)
    }

    /// Its age for people, `3 years`; `at least 4 months` where nobody tells when it was made.
    pub fn age_in_words(&self, now: Time) -> Option<String> {
        let words = self.age(now)?.in_words();
        Some(if self.created_at.is_some() { words } else { format!("at least {words}") })
    }

    /// From when on it lies idle: its last use, or, if it was never used, the start of watching;
    /// never before the secret last changed. `None` if the last use is unknown.
    pub fn idle_from(&self) -> Option<Time> {
        let from = match &self.last_used {
            LastUse::Used(used) => used.at,
            LastUse::Never { since } => *since,
            LastUse::Unknown { .. } => return None,
        };
        Some(self.created_at.map_or(from, |created| created.max(from)))
    }

    /// Sets stamps that lie after `now` to `now`; true if there was one.
    pub fn clamp_to(&mut self, now: Time) -> bool {
        let created = self.created_at.as_mut().is_some_and(|created| clamp(created, now));
        let used = self.last_used.clamp(now);
        created || used
    }

    /// The same key, holding its own text.
    pub fn into_owned(self) -> Key<'static> {
        Key {
            provider: own(self.provider),
            account: self.account.map(own),
            principal: self.principal.map(own),
            principal_kind: self.principal_kind,
            principal_ref: self.principal_ref.map(own),
            id: self.id.map(own),
            key_type: self.key_type.map(own),
            within: self.within,
            slot: self.slot,
            label: self.label.map(own),
            state: self.state,
            provider_state: self.provider_state.map(own),
            created_at: self.created_at,
            seen_since: self.seen_since,
            expires_at: self.expires_at,
            last_used: self.last_used.into_owned(),
            suspended_since: self.suspended_since,
            cadence: self.cadence,
            second_active: self.second_active,
            rotation_open: self.rotation_open,
            has_owner: self.has_owner,
            tags: self.tags,
            exposed: self.exposed,
        }
    }
}

/// Who keys act for inside an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal<'a> {
    /// Who issues the keys.
    pub provider: Cow<'a, str>,
    /// The provider's id of the account.
    pub account: Cow<'a, str>,
    /// The name; `<root_account>` for the root of an AWS account.
    pub name: Cow<'a, str>,
    /// What kind of principal it is.
    pub kind: PrincipalKind,
    /// Whether it can sign in with a password; `None` if the provider does not say.
    pub has_password: Option<bool>,
    /// When the password was last used; `None` if it has none.
    pub password_last_used: Option<LastUse<'a>>,
    /// Whether a second factor is asked for at sign-in.
    pub mfa: Option<bool>,
}

impl Principal<'_> {
    /// When it was last active: the latest use of its password and of `keys`.
    pub fn last_active<'k>(&self, keys: impl IntoIterator<Item = &'k Key<'k>>) -> Option<Time> {
        let password = self.password_last_used.as_ref().and_then(LastUse::used_at);
        let keys = keys.into_iter().filter_map(|key| key.last_used.used_at());
        keys.chain(password).max()
    }

    /// Sets stamps that lie after `now` to `now`; true if there was one.
    pub fn clamp_to(&mut self, now: Time) -> bool {
        self.password_last_used.as_mut().is_some_and(|used| used.clamp(now))
    }

    /// The same principal, holding its own text.
    pub fn into_owned(self) -> Principal<'static> {
        Principal {
            provider: own(self.provider),
            account: own(self.account),
            name: own(self.name),
            kind: self.kind,
            has_password: self.has_password,
            password_last_used: self.password_last_used.map(LastUse::into_owned),
            mfa: self.mfa,
        }
    }
}

/// Tells each of a principal's keys how it stands to the others; `keys` are all of them.
pub fn mark_second_active(keys: &mut [Option<Key<'_>>; 2]) {
    if let [Some(one), Some(two)] = keys
        && one.state == State::Active
        && two.state == State::Active
    {
        (one.second_active, two.second_active) = match (one.created_at, two.created_at) {
            // Of two keys of one second the first counts as the older.
            (Some(a), Some(b)) if a <= b => (SecondActive::OlderThan(b), SecondActive::No),
            (Some(a), Some(_)) => (SecondActive::No, SecondActive::OlderThan(a)),
            _ => (SecondActive::Unknown, SecondActive::Unknown),
        };
    }
}

fn clamp(time: &mut Time, now: Time) -> bool {
    let is_later = *time > now;
    if is_later {
        *time = now;
    }
    is_later
}

fn own(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(created: &str) -> Key<'static> {
        Key { created_at: Some(Time::parse(created).unwrap()), ..Key::new("aws") }
    }

    #[test]
    fn a_new_secret_is_not_idle_because_of_its_predecessor() {
        let mut key = key("2026-11-01");
        key.last_used = LastUse::at(Time::parse("2026-01-01").unwrap());
        assert_eq!(key.idle_from(), key.created_at);
    }

    #[test]
    fn unknown_use_is_no_idleness() {
        let mut key = key("2026-11-01");
        key.last_used = LastUse::unknown("access denied");
        assert_eq!(key.idle_from(), None);
    }

    #[test]
    fn the_older_of_two_active_keys_is_told_so() {
        let mut keys = [Some(key("2026-10-01")), Some(key("2026-11-01"))];
        mark_second_active(&mut keys);
        let [Some(older), Some(younger)] = &keys else { panic!() };
        assert_eq!(older.second_active, SecondActive::OlderThan(younger.created_at.unwrap()));
        assert_eq!(younger.second_active, SecondActive::No);
    }

    #[test]
    fn a_suspended_key_beside_an_active_one_is_no_second() {
        let mut keys = [Some(key("2026-10-01")), Some(key("2026-11-01"))];
        keys[1].as_mut().unwrap().state = State::Suspended;
        mark_second_active(&mut keys);
        assert_eq!(keys[0].as_ref().unwrap().second_active, SecondActive::No);
    }

    #[test]
    fn a_stamp_of_tomorrow_counts_as_now() {
        let now = Time::parse("2026-11-24").unwrap();
        let mut key = key("2026-11-25");
        assert!(key.clamp_to(now));
        assert_eq!(key.created_at, Some(now));
        assert!(!key.clamp_to(now));
    }
}
