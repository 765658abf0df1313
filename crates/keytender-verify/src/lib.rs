//! Verifies the keys that Keytender issued, in process: from token to verdict in memory, every use counted.
//!
//! An API embeds this to check the keys of its callers without a call for each. It holds all keys of the API, learns
//! of changes within a second, holds a lease so that the server can prove a revocation, and tells what was used. The
//! server of Keytender verifies with the same code.
//!
//! With the features `http` and `tower`, an API of axum does it like this:
//!
//! ```no_run
//! # #[cfg(all(feature = "http", feature = "tower"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::{path::Path, sync::Arc};
//! # use axum::{Extension, Router, routing::get};
//! # use keytender_core::secret::Secret;
//! # use keytender_verify::{Accepted, Clock, Follower, Lease, OnPartition, Table, Turns, Usage, Verifier};
//! # use keytender_verify::{feed::HttpFeed, tower::KeyLayer};
//! # let (api, token, random) = ("api_0000000000001".parse()?, Secret::new("…"), 0);
//! let usage = Usage::open(Path::new("/var/lib/acme/uses"), "node-1", 100_000, random)?.usage;
//! let lease = Lease::new(OnPartition::Serve);
//! let verifier = Arc::new(Verifier::new(Arc::new(Table::new()), lease).with_usage(usage));
//! let feed = HttpFeed::new("https://keys.example.com", api, token)?;
//! let clock = Clock::start();
//! let _follower = Follower::start(Turns::new(feed, Arc::clone(&verifier), clock, "node-1"))?;
//!
//! let hello = |Extension(key): Extension<Accepted>| async move { format!("hello, {}", key.app) };
//! let router: Router = Router::new().route("/", get(hello)).layer(KeyLayer::new(verifier, clock));
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "http", feature = "tower")))]
//! # fn main() {}
//! ```
//!
//! Without them it is a few calls:
//!
//! ```
//! use keytender_verify::{Clock, Lease, OnPartition, Reason, Request, Table, Verdict, Verifier};
//!
//! let verifier = Verifier::new(Table::new().into(), Lease::new(OnPartition::Refuse));
//! let request = Request { scopes: &["read"], ..Request::default() };
//! match verifier.verify("acme_live_…", &request, Clock::start().now()) {
//!     Verdict::Accepted(key) => println!("{} may", key.app),
//!     Verdict::Refused(reason) => assert_eq!(reason, Reason::Unavailable),
//! }
//! ```
//!
//! - [`verdict`]: what is asked of a token, and what is answered
//! - [`table`]: all keys in memory; one writer, any number of readers
//! - [`lease`]: how long a verifier may believe what it knows
//! - [`usage`]: every use, in a file that outlives the program
//! - [`feed`]: what a verifier and the server tell each other
//! - [`follow`]: keeps a verifier current
//! - [`share`]: how verifiers divide the limit of an app among them, and how exact that is
//! - [`clock`]: the moment of a verification, told by whoever asks
#![cfg_attr(feature = "tower", doc = "- [`tower`]: a layer around services of HTTP")]
//!
//! # What it promises
//!
//! - A bad token touches nothing but memory, and learns nothing but that it is bad.
//! - A use that was counted is not lost when the process is killed. Losing the machine loses what was not uploaded yet,
//!   a second's worth.
//! - Limits belong to apps: all keys of an app share them. After a start their windows begin anew; several
//!   verifiers divide them, within the bound that [`share`] states.
//! - Secrets are never kept, and never printed.

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
pub mod share;
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
