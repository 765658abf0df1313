//! What is asked of a provider and of destinations, and what they answer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::quiet::{Cadence, UseSeen};
use crate::time::Time;

/// A call to the provider, or to a destination. Places are those of [`Plan::destinations`](super::Plan::destinations).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Call {
    /// Lists the keys, asks who the credential is, and reads each destination without changing it.
    Preflight,
    /// Makes a key; sent once.
    Create {
        /// Goes into its label, where the provider keeps one.
        marker: String,
    },
    /// Has the provider change the secret of the key; sent once.
    Rotate,
    /// Lists the keys.
    Look,
    /// Makes a cheap call with the new key.
    Try,
    /// Reads a destination, and writes the new secret if the old one stands there.
    Deliver {
        /// Which.
        at: usize,
    },
    /// Reads a destination, and writes the old secret if the new one stands there.
    Restore {
        /// Which.
        at: usize,
    },
    /// Tells whoever uses a destination to read it again.
    Reload {
        /// Which.
        at: usize,
    },
    /// Lists the keys with their last uses, and reads each destination.
    Observe,
    /// Stops a key, which can be undone.
    Disable {
        /// Its id at the provider.
        id: String,
    },
    /// Lets a key work again.
    Enable {
        /// Its id at the provider.
        id: String,
    },
    /// Ends a key for good; none there is as wanted.
    Delete {
        /// Its id at the provider.
        id: String,
    },
}

/// A keyed digest of what stands at a destination; never the secret.
pub type Print = String;

/// A key as the provider shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenKey {
    /// Its id at the provider.
    pub id: String,
    /// Its label, where the provider keeps one.
    pub label: Option<String>,
    /// How it stands.
    pub standing: Standing,
    /// When it was last used.
    pub last_use: UseSeen,
}

/// How a key stands at its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It works.
    Active,
    /// It does not, and can be let work again.
    Suspended,
    /// It never works again.
    Ended,
}

/// What a look at the provider and the destinations showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The keys of the principal.
    pub keys: Vec<SeenKey>,
    /// What stands at each destination; `None` where nothing does.
    pub prints: Vec<Option<Print>>,
    /// The largest gap between uses of the leaving key.
    pub cadence: Cadence,
}

/// Why a call did not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Refused, and so it will be again; nothing was changed.
    Refused,
    /// There is no room for another key; nothing was changed.
    Full,
    /// Not now; nothing was changed.
    Later,
    /// Nobody knows whether it was done.
    Lost,
}

/// What a call answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// To [`Call::Preflight`]: what there is, and why a destination cannot be written, by its place.
    Preflighted(Seen, BTreeMap<usize, String>),
    /// To [`Call::Create`] and [`Call::Rotate`]. The secret is kept by whoever hands this over, in the same
    /// transaction.
    Made {
        /// The id of the new key.
        id: String,
        /// When it ends by itself.
        expires_at: Option<Time>,
        /// What each destination will give back once it holds it.
        print: Print,
    },
    /// To [`Call::Look`].
    Looked(Vec<SeenKey>),
    /// To [`Call::Try`]: whether the new key was taken.
    Tried(bool),
    /// To [`Call::Deliver`] and [`Call::Restore`]: it stands there now.
    Written,
    /// To [`Call::Deliver`] and [`Call::Restore`]: neither of the two stands there; it was not touched.
    Foreign,
    /// To [`Call::Observe`].
    Observed(Seen),
    /// To the others.
    Did,
    /// It was not done, or nobody knows.
    Failed(Fault, String),
}
