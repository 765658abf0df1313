//! What a verifier and the server that issues keys tell each other, as JSON. Version 1.
//!
//! ```text
//! GET  /v1/apis/{api}/feed/snapshot[?page=…]    Snapshot, page by page
//! GET  /v1/apis/{api}/feed/changes?after=SEQ    Changes
//! POST /v1/apis/{api}/feed/leases               Application → Grant
//! DELETE /v1/apis/{api}/feed/leases?node=NODE   the end of it
//! POST /v1/apis/{api}/feed/usage                Batch → Receipt
//! ```
//!
//! A verifier takes the snapshot, whose first page names the number that it stands for, and then the
//! changes after that number. Pages may be read at different moments: whatever changed in between comes
//! again as a change, and every change states the whole of one thing, so doing it twice changes nothing.
//! No key is in here: they are told by their digests. Of an API with keys that were issued elsewhere the snapshot holds a
//! secret all the same: the pepper of that API alone ([`Imported`]).

mod change;
mod digest;
mod grant;
#[cfg(feature = "http")]
mod http;
mod imported;
mod source;
mod thing;
mod usage;

pub use self::change::{Change, Changes, Snapshot, What};
pub use self::digest::KeyDigest;
pub use self::grant::{Application, Grant, Need, Share};
#[cfg(feature = "http")]
pub use self::http::{BadServer, HttpFeed};
pub use self::imported::{FeedPepper, Imported};
pub use self::source::{Feed, FeedError};
pub use self::thing::{Api, App, Key, Period, Quota, Rate, State};
pub use self::usage::{Batch, Place, Receipt, Row, Spent};

/// The version of everything here. Another one is refused.
pub const VERSION: u32 = 1;
