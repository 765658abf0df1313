//! How long a verifier may believe what it knows.
//!
//! The server grants a lease for some seconds at a time. While it holds, the server counts on the verifier: a
//! revocation is proven only when every verifier that holds a lease has applied it. When it ends, the
//! verifier knows that it may be behind, and goes on or stops as it was told to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long a verifier goes on without the server. Longer than a restart of a database takes, shorter than
/// a revocation may be unheard of.
pub const SERVE_AT_MOST: Duration = Duration::from_secs(600);

/// No lease was granted yet.
const NEVER: u64 = 0;
/// The lease has no end.
const FOREVER: u64 = u64::MAX;

/// What a verifier does when its lease has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnPartition {
    /// It goes on with what it has, for at most [`SERVE_AT_MOST`], and says so in each verdict.
    #[default]
    Serve,
    /// It refuses, so that the end of the lease bounds how long a revoked key can work.
    Refuse,
}

/// How far a verifier can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It knows of every change that the server has acknowledged as enforced.
    Current,
    /// It may be behind.
    Stale,
    /// It must not answer.
    Ended,
}

/// The lease of a verifier.
#[derive(Debug)]
pub struct Lease {
    /// The monotonic nanosecond after which it no longer holds.
    valid_until: AtomicU64,
    on_partition: OnPartition,
}

impl Lease {
    /// One that must be granted before anything is verified.
    pub const fn new(on_partition: OnPartition) -> Self {
        Self { valid_until: AtomicU64::new(NEVER), on_partition }
    }

    /// One that never ends, for a verifier that is told of changes before they are acknowledged to anyone.
    pub const fn forever() -> Self {
        Self { valid_until: AtomicU64::new(FOREVER), on_partition: OnPartition::Serve }
    }

    /// It holds until then, on the monotonic clock. A moment before the one that was granted last changes
    /// nothing: answers may arrive out of order.
    pub fn grant(&self, valid_until: Duration) {
        self.valid_until.fetch_max(nanos(valid_until).max(1), Ordering::AcqRel);
    }

    /// What is done when it has ended.
    pub const fn on_partition(&self) -> OnPartition {
        self.on_partition
    }

    /// Nothing is verified until it is granted again.
    pub fn revoke(&self) {
        self.valid_until.store(NEVER, Ordering::Release);
    }

    /// How far the verifier can be trusted at a moment of the monotonic clock.
    pub fn standing(&self, monotonic: Duration) -> Standing {
        let valid_until = self.valid_until.load(Ordering::Acquire);
        let late = nanos(monotonic).saturating_sub(valid_until);
        match self.on_partition {
            _ if valid_until == NEVER => Standing::Ended,
            _ if late == 0 => Standing::Current,
            OnPartition::Serve if late <= nanos(SERVE_AT_MOST) => Standing::Stale,
            OnPartition::Serve | OnPartition::Refuse => Standing::Ended,
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(FOREVER - 1)
}
