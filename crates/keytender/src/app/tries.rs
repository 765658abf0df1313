//! Whoever guesses must wait, whichever node they ask: how often a password, a code or a passkey may be tried.
//!
//! What is counted of a name is counted before it is tried, so that many at once gain nothing. What is
//! counted of an address beside it is counted once it was wrong: whoever knows their password costs a row.

use keytender_core::time::Span;

use super::inventory::{cannot_read, cannot_write};
use super::ticket;
use crate::error::Error;
use crate::store::Store;
use crate::store::tries::Allowed;

/// How many may be tried at once for one name, and from one address.
pub const AT_ONCE: u32 = 10;
/// How many seconds until another may be tried.
pub const SECONDS: u32 = 20;

const ALLOWED: Allowed =
    Allowed { at_once: AT_ONCE, each: Span::from_micros(SECONDS as i64 * 1_000_000) };

/// Counts a try of `who`; how long they must wait if it is one too many.
///
/// # Errors
/// When the database does not do its part.
pub async fn count(store: &Store, who: &str) -> Result<Option<Span>, Error> {
    store.count_try(&ticket::digest_of(who), ALLOWED).await.map_err(cannot_write)
}

/// How long `who` must wait until another try; `None` if they need not.
///
/// # Errors
/// When the database does not answer.
pub async fn wait(store: &Store, who: &str) -> Result<Option<Span>, Error> {
    store.try_wait(&ticket::digest_of(who), ALLOWED).await.map_err(cannot_read)
}

/// Counts a try of `who` that was wrong.
///
/// # Errors
/// When the database does not do its part.
pub async fn note(store: &Store, who: &str) -> Result<(), Error> {
    store.note_try(&ticket::digest_of(who), ALLOWED).await.map_err(cannot_write)
}
