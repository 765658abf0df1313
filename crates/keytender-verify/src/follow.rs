//! Keeps a verifier current: takes the snapshot and what follows, renews the lease, tells what was used.

mod thread;

use std::sync::Arc;

use thiserror::Error;

use crate::clock::Clock;
use crate::feed::{Application, Feed, FeedError, Grant, VERSION};
use crate::lease::Standing;
use crate::table::ApplyError;
use crate::verifier::Verifier;

pub use self::thread::Follower;

/// Keys told in a batch: less than a megabyte.
const BATCH_ROWS: usize = 2_000;
/// Answers of one kind that are taken in a turn. What is left waits for the next.
const MOST_ANSWERS: usize = 1_000;
/// Of a lease, so much is left unused: the clocks of two machines do not run alike. 4.5 s of 5.
const MARGIN: u32 = 10;

/// Why a turn ended early. What it had done by then is done.
#[derive(Debug, Error)]
pub enum FollowError {
    /// The server did not answer as it should.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// What it answered cannot be applied.
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// A verifier and the feed that it follows, turn by turn.
#[derive(Debug)]
pub struct Turns<F> {
    feed: F,
    verifier: Arc<Verifier>,
    clock: Clock,
    node: String,
}

impl<F: Feed> Turns<F> {
    /// A verifier named `node` that follows `feed`. The clock must be the one by which tokens are verified.
    pub fn new(feed: F, verifier: Arc<Verifier>, clock: Clock, node: &str) -> Self {
        Self { feed, verifier, clock, node: node.to_owned() }
    }

    /// Takes what is new, renews the lease, tells what was used.
    ///
    /// # Errors
    /// [`FollowError`]: the next turn tries again.
    pub fn take(&self) -> Result<(), FollowError> {
        self.catch_up()?;
        self.renew()?;
        self.tell()
    }

    /// Tells only what was used, before the program ends.
    ///
    /// # Errors
    /// [`FollowError`].
    pub fn tell(&self) -> Result<(), FollowError> {
        let Some(usage) = self.verifier.usage() else { return Ok(()) };
        for _ in 0..MOST_ANSWERS {
            // A batch that is told again says nothing of what was used since it was made.
            let is_late = usage.is_waiting();
            if !is_late {
                self.verifier.table().mark_quotas();
            }
            let Some(batch) = usage.batch(BATCH_ROWS) else { break };
            let receipt = self.feed.usage(&batch)?;
            usage.acknowledge(receipt.sequence);
            self.verifier.table().settle_quotas(&receipt.spent);
            // What is used meanwhile waits for the next turn, which first takes what has changed.
            if !is_late && batch.rows.len() < BATCH_ROWS {
                break;
            }
        }
        Ok(())
    }

    /// Tells what was used, and ends the lease: nothing is verified any more, and nobody waits for this verifier.
    ///
    /// # Errors
    /// [`FollowError`]: then the lease ends by itself.
    pub fn leave(&self) -> Result<(), FollowError> {
        self.verifier.lease().revoke();
        let told = self.tell();
        self.feed.leave(&self.node)?;
        told
    }

    fn catch_up(&self) -> Result<(), FollowError> {
        if self.verifier.table().seq().is_none() {
            self.begin()?;
        }
        match self.follow() {
            Err(
                FollowError::Feed(FeedError::Forgotten)
                | FollowError::Apply(ApplyError::Gap { .. }),
            ) => {
                self.begin()?;
                self.follow()
            }
            other => other,
        }
    }

    /// Takes a whole snapshot.
    fn begin(&self) -> Result<(), FollowError> {
        let mut loader = self.verifier.table().loader(0);
        let mut page = self.feed.snapshot(None)?;
        loop {
            loader.add(&page)?;
            let Some(next) = &page.next else { break };
            page = self.feed.snapshot(Some(next))?;
        }
        Ok(loader.finish()?)
    }

    /// Takes changes until there are no more.
    fn follow(&self) -> Result<(), FollowError> {
        let table = self.verifier.table();
        for _ in 0..MOST_ANSWERS {
            let applied = table.seq().ok_or(ApplyError::NoSnapshot)?;
            let changes = self.feed.changes(applied)?;
            table.apply(&changes)?;
            if changes.through <= applied {
                break;
            }
        }
        Ok(())
    }

    fn renew(&self) -> Result<(), FollowError> {
        let table = self.verifier.table();
        let applied_seq = table.seq().ok_or(ApplyError::NoSnapshot)?;
        // Read before the question is sent: the server counts from when it answers, so from later.
        let asked_at = self.clock.monotonic();
        let application = Application {
            version: VERSION,
            node: self.node.clone(),
            applied_seq,
            on_partition: self.verifier.lease().on_partition(),
            needs: table.needs(self.clock.now()),
        };
        let grant = self.feed.lease(&application)?;
        let Grant { version, valid_for_ms, head_seq, verifiers, shares } = grant;
        if version != VERSION {
            return Err(ApplyError::Version(version).into());
        }
        // The server was restored to what it was before: its next changes have numbers that are known already.
        if head_seq < applied_seq {
            self.begin()?;
        }
        // While it had no lease nobody waited for this verifier: what changed until it had one comes first.
        let standing = self.verifier.lease().standing(self.clock.monotonic());
        if head_seq > applied_seq && standing != Standing::Current {
            self.follow()?;
        }
        // Before anything is given out.
        table.set_verifiers(|_| verifiers);
        table.share(&shares, self.clock.now());
        let valid_for = std::time::Duration::from_millis(valid_for_ms);
        self.verifier.lease().grant(asked_at + valid_for - valid_for / MARGIN);
        Ok(())
    }
}
