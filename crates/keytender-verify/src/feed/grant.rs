//! Leases: how long a verifier may believe what it knows.

use keytender_core::id::AppId;
use serde::{Deserialize, Serialize};

use super::Rate;
use crate::lease::OnPartition;

/// A verifier says what it has applied, and asks for a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// [`VERSION`](super::VERSION).
    pub version: u32,
    /// The name of the node, of its own choice, the same after it starts again.
    pub node: String,
    /// Every change up to this number is enforced here.
    pub applied_seq: u64,
    /// What it does when its lease ends: for as long as it goes on, a revocation that it has not heard of is not proven.
    #[serde(default)]
    pub on_partition: OnPartition,
}

/// The lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// [`VERSION`](super::VERSION).
    pub version: u32,
    /// It holds so long, counted from before the application was sent.
    pub valid_for_ms: u64,
    /// The number of the latest change. Where it is before what a verifier has applied, the server was restored from
    /// a backup, and the verifier takes a snapshot.
    pub head_seq: u64,
    /// What this node may give out of the limits of apps from now on. Apps that are not named keep theirs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<Share>,
}

/// A node's part of the limit of an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The app.
    pub app: AppId,
    /// What the node may give out.
    pub rate: Rate,
}
