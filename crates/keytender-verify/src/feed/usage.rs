//! What was used.

use std::net::IpAddr;

use keytender_core::id::{AppId, KeyId};
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};

use super::Quota;

/// The keys that were used since the last batch that was acknowledged.
///
/// A count is of all uses since the epoch began, so the larger of two is the later one: a batch that
/// arrives twice or late changes nothing (`GREATEST` for each key, node and epoch; the sum over epochs and
/// nodes is the key's). Sequences of an epoch grow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// [`VERSION`](super::VERSION).
    pub version: u32,
    /// The name of the node.
    pub node: String,
    /// Of the file in which the node counts; another file has another one.
    pub epoch: i64,
    /// The number of the batch in the epoch, from 1. A batch that is sent again has the same.
    pub sequence: u64,
    /// One a key.
    pub rows: Vec<Row>,
}

/// How one key was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The key.
    pub key: KeyId,
    /// How often, since the epoch began.
    pub count: u64,
    /// The second of the last use.
    pub last_used_at: Time,
    /// From where it was last used, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// By which kind of program it was last used, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Where it was used since the last batch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<Place>,
}

/// A region and a service in which a key was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The second of the last use there.
    pub last_used_at: Time,
}

/// The server has a batch: it need not be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`VERSION`](super::VERSION).
    pub version: u32,
    /// The number of the batch.
    pub sequence: u64,
    /// What is used of quotas now, with this batch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub spent: Vec<Spent>,
}

/// What is used of a quota.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// The app.
    pub app: AppId,
    /// Its quota.
    pub quota: Quota,
}
