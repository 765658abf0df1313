//! Lets the lease of a long run last, until the run is over or the lease is lost.

use std::future::pending;
use std::pin::Pin;

use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep};

use super::{Node, Timing, span};
use crate::app::turn::Turn;
use crate::store::leases::Lease;
use crate::store::{Result, Store};

/// After a renewal that the database did not answer, the next comes in this part of the usual time.
const RETRIES: u32 = 4;

/// When a lease ends, by a clock that nobody sets. It begins when the database lets us write and
/// before it is asked for the lease: so it is over here before it is over there, and a wait for others
/// who write takes nothing from it.
pub(super) struct LeaseEnd(Pin<Box<Sleep>>);

impl LeaseEnd {
    pub(super) fn new(timing: &Timing) -> Self {
        Self(Box::pin(sleep(timing.lease)))
    }
}

/// Renews a lease for as long as it is there. It is a task of its own: a run that computes for long
/// does not hold it up.
pub(super) struct Keeper(JoinSet<()>);

impl Keeper {
    pub(super) fn start(node: &Node, lease: Lease, end: LeaseEnd, turn: Turn) -> Self {
        let (store, timing) = (node.store.clone(), node.timing);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            keep(&store, &lease, timing, end).await;
            turn.end();
        });
        Self(tasks)
    }

    /// Ready when the lease is lost.
    pub(super) async fn lost(&mut self) {
        if self.0.join_next().await.is_none() {
            pending::<()>().await;
        }
    }
}

/// Renews the lease until it is somebody else's, or has ended because the database did not answer.
async fn keep(store: &Store, lease: &Lease, timing: Timing, mut end: LeaseEnd) {
    loop {
        let renewed = tokio::select! {
            renewed = renew(store, lease, timing) => renewed,
            () = &mut end.0 => None,
        };
        match renewed {
            Some(next) => end = next,
            None => return,
        }
    }
}

/// The new end of the lease; `None` if it is somebody else's.
async fn renew(store: &Store, lease: &Lease, timing: Timing) -> Option<LeaseEnd> {
    sleep(timing.renewal).await;
    loop {
        match renew_once(store, lease, &timing).await {
            Ok(end) => return end,
            Err(_) => sleep(timing.renewal / RETRIES).await,
        }
    }
}

async fn renew_once(store: &Store, lease: &Lease, timing: &Timing) -> Result<Option<LeaseEnd>> {
    let tx = store.db().begin().await?;
    let end = LeaseEnd::new(timing);
    Ok(tx.renew_lease(lease, span(timing.lease)).await?.then_some(end))
}
