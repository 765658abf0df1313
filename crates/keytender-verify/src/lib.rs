//! Verifies the keys that Keytender issued, in process: from token to verdict, and every use counted.

mod app;
mod atomic;
pub mod clock;
mod details;
pub mod feed;
pub mod follow;
pub mod lease;
mod limit;
mod memory;
mod quota;
mod seqlock;
mod shelf;
mod slot;
pub mod table;
#[cfg(feature = "tower")]
pub mod tower;
pub mod usage;
pub mod verdict;
mod verifier;

pub use self::clock::{Clock, Now};
pub use self::details::Details;
pub use self::follow::{Follower, Turns};
pub use self::lease::{Lease, OnPartition};
pub use self::table::Table;
pub use self::usage::Usage;
pub use self::verdict::{Accepted, Left, Reason, Request, Verdict};
pub use self::verifier::Verifier;
