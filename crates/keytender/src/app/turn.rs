//! A turn: the right to do a long act now, and whether it should end early.
//!
//! People at the command line need no turn; the tasks of a server take theirs by a lease. A long
//! act asks [`Turn::is_over`] between two writes, and commits what it wrote with
//! [`Turn::commit`], which refuses when the lease is somebody else's by now.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::store::db::Tx;
use crate::store::leases::Lease;
use crate::store::{Failure, Result};

/// The right to do a long act now.
#[derive(Clone, Debug, Default)]
pub struct Turn {
    lease: Option<Lease>,
    is_over: Arc<AtomicBool>,
}

impl Turn {
    /// A turn for as long as it takes: nobody else waits for it.
    pub fn free() -> Self {
        Self::default()
    }

    /// A turn under a lease.
    pub fn under(lease: Lease) -> Self {
        Self { lease: Some(lease), is_over: Arc::default() }
    }

    /// Whether the act should end at this point, and leave the rest to the next.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Lets the act end at its next safe point.
    pub fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// Makes everything stay that `tx` did.
    ///
    /// The lease is asked for last: until then it can be renewed, however long the writing takes.
    ///
    /// # Errors
    /// [`Failure::Lost`] when the lease is somebody else's; then nothing stays.
    pub async fn commit(&self, mut tx: Tx) -> Result<()> {
        if let Some(lease) = &self.lease
            && !tx.holds(lease).await?
        {
            return Err(Failure::Lost);
        }
        Ok(tx.commit().await?)
    }
}
