//! What was told by anybody, one batch after the other: after the answer, by one task, with rests.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::app::leaks::{self, Report, Taken, Teller};
use crate::clock;
use crate::error::Error;
use crate::http::state::State;
use crate::task::TaskName;

/// How many batches wait at most: of the largest, 32 MiB.
const WAITING: usize = 64;
/// So many times as long as a batch took the task rests: it never has more than a quarter of a processor.
const REST: i64 = 3;
/// The shortest rest.
const SHORTEST_REST: Duration = Duration::from_millis(20);
/// How often a batch is tried while the database does not do its part.
const TRIES: u32 = 10;
/// The pause between two tries.
const PAUSE: Duration = Duration::from_secs(5);

/// What was told, and by whom.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) teller: Teller,
    pub(super) reports: Vec<Report>,
}

/// Batches that wait.
#[derive(Debug)]
pub(super) struct Queue {
    sender: mpsc::Sender<Batch>,
    receiver: Mutex<Option<mpsc::Receiver<Batch>>>,
}

impl Queue {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        Self { sender, receiver: Mutex::new(Some(receiver)) }
    }

    /// Lets a batch wait; whether there was room.
    pub(super) fn put(&self, batch: Batch) -> bool {
        self.sender.try_send(batch).is_ok()
    }
}

/// Works on what is told until `stopping` says so; then on what waits, without rests.
pub(in crate::http) async fn work(state: &State, mut stopping: watch::Receiver<bool>) {
    let receiver = &state.door.queue.receiver;
    let taken = receiver.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(mut batches) = taken else { return };
    loop {
        let batch = tokio::select! {
            _ = stopping.wait_for(|is_told| *is_told) => break,
            batch = batches.recv() => batch,
        };
        let Some(batch) = batch else { return };
        let begun = clock::now();
        attempt(state, &batch, &mut stopping).await;
        let rest = clock::now().since(begun).as_micros().saturating_mul(REST);
        let rest = Duration::from_micros(u64::try_from(rest).unwrap_or(0)).max(SHORTEST_REST);
        tokio::select! {
            _ = stopping.wait_for(|is_told| *is_told) => break,
            () = sleep(rest) => {}
        }
    }
    batches.close();
    while let Some(batch) = batches.recv().await {
        attempt(state, &batch, &mut stopping).await;
    }
}

/// Works on a batch, again while the database does not do its part; once if the server ends.
async fn attempt(state: &State, batch: &Batch, stopping: &mut watch::Receiver<bool>) {
    for left in (0..TRIES).rev() {
        let Err(error) = take(state, &batch.teller, &batch.reports).await else { return };
        let cause = error.report();
        if left == 0 || *stopping.borrow() {
            tracing::error!(%cause, "keys that were told to be exposed could not be looked for");
            return;
        }
        tokio::select! {
            _ = stopping.wait_for(|is_told| *is_told) => {}
            () = sleep(PAUSE) => {}
        }
    }
}

/// Takes reports, and lets verifiers and notices hear of what is new.
pub(super) async fn take(
    state: &State,
    teller: &Teller,
    reports: &[Report],
) -> Result<Taken, Error> {
    let elsewhere = |text: &str| state.node.find_elsewhere(text);
    let now = clock::now();
    let taken =
        leaks::take(&state.store, &state.location, teller, reports, now, &elsewhere).await?;
    if taken.new > 0 {
        tracing::warn!(count = taken.new, told_by = %teller.name, "keys were found in public");
        state.node.follow().await?;
        state.node.wake();
        state.tasks.ask(TaskName::Notify).await?;
    }
    Ok(taken)
}
