//! Leases: how long a verifier may believe what it knows.

use keytender_core::id::AppId;
use serde::{Deserialize, Serialize};

use crate::lease::OnPartition;
use crate::share::Part;

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
    /// The apps of whose limits it holds another part than an even one, or wants to; all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Need>,
}

/// How the limit of an app does at a verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Need {
    /// The app.
    pub app: AppId,
    /// How fast its keys ask there, refused or not.
    pub wanted: Part,
    /// What the verifier holds.
    pub held: Part,
    /// What was left of the burst in what it gave up since it said so last, of the whole burst.
    #[serde(default)]
    pub freed: Part,
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
    /// How many verifiers give out the limits of these apps, with this one: each holds an even part where nothing
    /// else is said.
    #[serde(default)]
    pub verifiers: u32,
    /// What this one holds of other apps' limits from now on. Apps that are not named keep theirs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<Share>,
}

/// A verifier's part of the limit of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The app.
    pub app: AppId,
    /// What it holds from now on.
    pub part: Part,
    /// What comes along of the burst, of the whole burst.
    #[serde(default)]
    pub more: Part,
}
