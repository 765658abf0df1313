//! Where a feed comes from.

use std::error::Error;

use thiserror::Error;

use super::{Application, Batch, Changes, Grant, Receipt, Snapshot};

/// A server that issues keys, as a verifier knows it. Its calls wait for their answers, with a time limit.
pub trait Feed: Send {
    /// A page of the snapshot: the first, or the one that another page names.
    ///
    /// # Errors
    /// [`FeedError`].
    fn snapshot(&self, page: Option<&str>) -> Result<Snapshot, FeedError>;

    /// The next changes after a number; if there are none, none up to the same number.
    ///
    /// # Errors
    /// [`FeedError`]; [`FeedError::Forgotten`] if the server no longer has all of them.
    fn changes(&self, after: u64) -> Result<Changes, FeedError>;

    /// A lease.
    ///
    /// # Errors
    /// [`FeedError`].
    fn lease(&self, application: &Application) -> Result<Grant, FeedError>;

    /// Takes uses.
    ///
    /// # Errors
    /// [`FeedError`].
    fn usage(&self, batch: &Batch) -> Result<Receipt, FeedError>;

    /// Ends the lease of a node, which verifies no more: nobody waits for it.
    ///
    /// # Errors
    /// [`FeedError`].
    fn leave(&self, node: &str) -> Result<(), FeedError>;
}

/// Why the server did not answer as it should.
#[derive(Debug, Error)]
pub enum FeedError {
    /// It cannot be reached, or did not answer in time.
    #[error("could not reach the server")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// It does not let this verifier in.
    #[error("the server refused with {0}: check the token of this verifier and its scopes")]
    Refused(u16),
    /// It has trouble of its own.
    #[error("the server failed with {0}")]
    Failed(u16),
    /// It no longer has the changes that were asked for: only a snapshot helps.
    #[error("the server has forgotten the changes that were asked for")]
    Forgotten,
    /// Its answer is not what was asked for.
    #[error("the answer of the server cannot be read")]
    Unreadable(#[source] Box<dyn Error + Send + Sync>),
}
