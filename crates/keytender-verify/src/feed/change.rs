//! The keys as they are, and how they change.

use keytender_core::id::{AppId, KeyId};
use keytender_core::token::TokenId;
use serde::{Deserialize, Serialize};

use super::{Api, App, Key, VERSION};

/// All there is to know, or a page of it. APIs come before their apps, and apps before their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// [`VERSION`].
    pub version: u32,
    /// Everything up to the change of this number is in it, later ones may be.
    pub seq: u64,
    /// APIs.
    #[serde(default)]
    pub apis: Vec<Api>,
    /// Apps.
    #[serde(default)]
    pub apps: Vec<App>,
    /// Keys; also those that no longer work, so that their owners are told why.
    #[serde(default)]
    pub keys: Vec<Key>,
    /// How to ask for the page that follows; none after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Snapshot {
    /// A page with nothing in it.
    pub const fn empty(seq: u64) -> Self {
        let next = None;
        Self { version: VERSION, seq, apis: Vec::new(), apps: Vec::new(), keys: Vec::new(), next }
    }
}

/// What changed after one number, through another.
///
/// Numbers are those of the server's log of changes, of which a feed may be a part; so they may have gaps.
/// That nothing is missing is what `after` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// [`VERSION`].
    pub version: u32,
    /// What is told begins after this number.
    pub after: u64,
    /// Nothing up to this number is left out.
    pub through: u64,
    /// In the order of their numbers. Several things may have changed as one.
    pub changes: Vec<Change>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its number.
    pub seq: u64,
    /// What it is.
    pub what: What,
}

/// What changes. Each states the whole of a thing, whatever was known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// An API is new or different.
    PutApi(Api),
    /// An app is new or different.
    PutApp(App),
    /// A key is new or different.
    PutKey(Key),
    /// A key is forgotten. To revoke one, put it as revoked.
    RemoveKey {
        /// Which.
        key: KeyId,
        /// The public id within its token.
        id: TokenId,
    },
    /// An app is forgotten, and no key of it works.
    RemoveApp {
        /// Which.
        app: AppId,
    },
}
