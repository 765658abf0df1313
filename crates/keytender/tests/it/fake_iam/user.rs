//! Who holds keys, and the keys.

use jiff::Timestamp;

/// Access keys a user may have: AWS's quota, which cannot be raised.
pub(crate) const KEYS_PER_USER: usize = 2;

const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The root user of an account.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    pub(crate) created: Timestamp,
    /// `None` is the older report's `not_supported`.
    pub(crate) password_enabled: Option<bool>,
    pub(crate) password_last_used: Option<Timestamp>,
    pub(crate) mfa: bool,
    pub(crate) keys: Vec<Key>,
}

/// A user of an account.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    /// Begins and ends with a slash.
    pub(crate) path: String,
    pub(crate) created: Timestamp,
    pub(crate) password: Option<Password>,
    pub(crate) mfa: bool,
    pub(crate) keys: Vec<Key>,
    pub(crate) tags: Vec<(String, String)>,
}

/// A user's console password.
#[derive(Debug, Clone)]
pub(crate) struct Password {
    /// `None` is the report's `no_information`.
    pub(crate) last_used: Option<Timestamp>,
    pub(crate) changed: Timestamp,
    /// `None` where the account's password policy has no maximum age.
    pub(crate) next_rotation: Option<Timestamp>,
}

/// An access key.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) active: bool,
    pub(crate) last_used: Option<LastUse>,
    /// Born after the report was made: missing from it, though the other calls know the key.
    pub(crate) hidden_from_report: bool,
}

/// When and where a key was last used.
#[derive(Debug, Clone)]
pub(crate) struct LastUse {
    pub(crate) at: Timestamp,
    /// `None` is `N/A`: a global service.
    pub(crate) region: Option<String>,
    pub(crate) service: Option<String>,
}

/// Who signed a request, or whom it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Principal {
    Root,
    User(String),
    /// The name of a role and of its session.
    Role(String),
}

impl Principal {
    /// The user's name; AWS names no user for root and for a role.
    pub(super) fn user_name(&self) -> Option<&str> {
        match self {
            Self::Root | Self::Role(_) => None,
            Self::User(name) => Some(name),
        }
    }
}

impl Root {
    /// A root user without keys, with a password (no use recorded) and MFA.
    pub(crate) fn new(created: Timestamp) -> Self {
        let password_enabled = Some(true);
        Self { created, password_enabled, password_last_used: None, mfa: true, keys: Vec::new() }
    }

    pub(crate) fn key(mut self, key: Key) -> Self {
        self.keys.push(key);
        self
    }

    pub(crate) fn without_mfa(self) -> Self {
        Self { mfa: false, ..self }
    }

    pub(crate) fn password_used(self, at: Timestamp) -> Self {
        Self { password_last_used: Some(at), ..self }
    }

    /// As in older reports: `not_supported` for the password.
    pub(crate) fn password_not_supported(self) -> Self {
        Self { password_enabled: None, ..self }
    }
}

impl User {
    /// A user without password, MFA and keys.
    pub(crate) fn new(name: &str, created: Timestamp) -> Self {
        let (name, path) = (name.to_owned(), "/".to_owned());
        Self { name, path, created, password: None, mfa: false, keys: Vec::new(), tags: Vec::new() }
    }

    pub(crate) fn tag(mut self, name: &str, value: &str) -> Self {
        self.tags.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `path` begins and ends with a slash.
    pub(crate) fn path(self, path: &str) -> Self {
        Self { path: path.to_owned(), ..self }
    }

    pub(crate) fn key(mut self, key: Key) -> Self {
        self.keys.push(key);
        self
    }

    pub(crate) fn mfa(self) -> Self {
        Self { mfa: true, ..self }
    }

    pub(crate) fn password(self, changed: Timestamp, last_used: Option<Timestamp>) -> Self {
        Self { password: Some(Password { last_used, changed, next_rotation: None }), ..self }
    }

    /// The stable id behind the name.
    pub(super) fn id(&self) -> String {
        format!("AIDA{}", letters(BASE32, 17, &self.name))
    }
}

impl Key {
    /// An active key that was never used.
    pub(crate) fn new(id: &str, created: Timestamp) -> Self {
        let id = id.to_owned();
        Self { id, created, active: true, last_used: None, hidden_from_report: false }
    }

    pub(crate) fn inactive(self) -> Self {
        Self { active: false, ..self }
    }

    pub(crate) fn used(self, at: Timestamp, region: &str, service: &str) -> Self {
        let (region, service) = (Some(region.to_owned()), Some(service.to_owned()));
        Self { last_used: Some(LastUse { at, region, service }), ..self }
    }

    /// Used at a global service: the region is `N/A`.
    pub(crate) fn used_globally(self, at: Timestamp, service: &str) -> Self {
        let service = Some(service.to_owned());
        Self { last_used: Some(LastUse { at, region: None, service }), ..self }
    }

    /// Born after the report was made.
    pub(crate) fn hidden_from_report(self) -> Self {
        Self { hidden_from_report: true, ..self }
    }
}

/// An access key id, the same for the same seed.
pub(super) fn key_id(seed: &str) -> String {
    format!("AKIA{}", letters(BASE32, 16, seed))
}

/// The secret of an access key, the same for the same id.
pub(super) fn secret(key_id: &str) -> String {
    letters(BASE64, 40, key_id)
}

/// Letters of an alphabet of 32 or 64, the same for the same seed: ids without randomness.
fn letters(alphabet: &str, length: usize, seed: &str) -> String {
    let mut state = seed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        alphabet.chars().nth(usize::try_from(state >> 32).unwrap() % alphabet.len()).unwrap()
    };
    (0..length).map(|_| next()).collect()
}
