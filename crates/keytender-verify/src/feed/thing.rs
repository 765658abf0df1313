//! What there is to know: APIs, apps, keys.

use ipnet::IpNet;
use keytender_core::id::{AccountId, ApiId, AppId, KeyId};
use keytender_core::time::Time;
use keytender_core::token::{Brand, Environment, TokenId};
use serde::{Deserialize, Serialize};

use super::{Imported, KeyDigest};

/// An API for which keys are issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Api {
    /// Its id.
    pub api: ApiId,
    /// What its tokens begin with.
    pub brand: Brand,
    /// How keys of it are recognised that were issued elsewhere, if there are some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imported: Option<Imported>,
}

/// What keys belong to and share: limits, quotas, suspension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Its id.
    pub app: AppId,
    /// The customer whose it is.
    pub account: AccountId,
    /// For which API.
    pub api: ApiId,
    /// Whether no key of the app may be used.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_suspended: bool,
    /// Whether no key of the whole account may be used.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_account_suspended: bool,
    /// How often all keys together may be used; no limit if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<Rate>,
    /// How much all keys together may be used in a day or a month; at most one of each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<Quota>,
}

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// So often in a window. With 0, never.
    pub limit: u32,
    /// The length of the window, in seconds; 0 is read as 1.
    pub window_seconds: u32,
    /// So often at once; `limit` if there is none. 0 is read as 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burst: Option<u32>,
}

/// The time that a quota is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// A day.
    Day,
    /// A month.
    Month,
}

/// How much may be used in a time, and how much of it all verifiers together have used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// The time.
    pub period: Period,
    /// What may be used in it.
    pub limit: u64,
    /// What is used, as far as the server knows.
    pub used: u64,
    /// When the next such time begins.
    pub resets_at: Time,
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Made by a rotation and not used yet: its first use makes it active.
    Pending,
    /// It works.
    Active,
    /// It does not work for now.
    Suspended,
    /// It will never work again.
    Revoked,
    /// The same, because others know it.
    Compromised,
    /// Its time is over.
    Expired,
    /// Another key took its place, and the overlap is over.
    Superseded,
}

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// Its id.
    pub key: KeyId,
    /// The public id within its token, by which it is found; of a key that was issued elsewhere, the one that it was given.
    pub id: TokenId,
    /// The SHA-256 of its secret; of a key that was issued elsewhere, what it is found by.
    pub digest: KeyDigest,
    /// Whether it was issued elsewhere, and so is no token.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_imported: bool,
    /// Whose it is.
    pub app: AppId,
    /// In which environment of its API.
    pub environment: Environment,
    /// Where it stands.
    pub state: State,
    /// When it ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Time>,
    /// When it ends because another key took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_until: Option<Time>,
    /// What it may be used for. A key without scopes may only be used where none is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// From where it may be used; from everywhere if there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<IpNet>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The key that took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_by: Option<KeyId>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
const fn is_false(value: &bool) -> bool {
    !*value
}
