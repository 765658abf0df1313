//! One run of a task, from its lease to its end.

use std::sync::Arc;

use keytender_core::time::Span;
use tokio::sync::watch;
use tokio::time::sleep;

use super::keeper::{Keeper, LeaseEnd};
use super::{Job, Node, event, span, work};
use crate::app::turn::Turn;
use crate::clock;
use crate::error::Error;
use crate::store;
use crate::store::tasks::{Due, End, Outcome, Run};

/// Runs a task if it is still to run and nobody else does, and writes how that ended.
pub(super) async fn attempt(node: Arc<Node>, due: Due, stop: watch::Receiver<bool>) {
    let Some(job) = Job::parse(&due.name) else { return };
    if let Err(failure) = begin(&node, job, &due, stop).await {
        event::not_kept(&due.name, failure);
    }
}

async fn begin(node: &Node, job: Job, due: &Due, stop: watch::Receiver<bool>) -> store::Result<()> {
    if !due.is_asked && !work::is_needed(node, job).await? {
        return Ok(());
    }
    let tx = node.store.db().begin().await?;
    let end = LeaseEnd::new(&node.timing);
    let lease = span(node.timing.lease);
    let Some(run) = tx.begin_run(&due.name, &node.holder, lease).await? else {
        return Ok(());
    };
    event::started(&due.name);
    let begun = clock::now();
    let ended = perform(node, job, &run, end, stop).await;
    let is_kept = node.store.end_run(&run, &ended).await?;
    let took = clock::now().since(begun);
    match is_kept {
        true => event::finished(&due.name, &ended, took),
        false => event::lost(&due.name, took),
    }
    Ok(())
}

/// Does the work as long as the lease lasts and the node goes on.
async fn perform(
    node: &Node,
    job: Job,
    run: &Run,
    end: LeaseEnd,
    stop: watch::Receiver<bool>,
) -> End {
    let turn = Turn::under(run.lease.clone());
    let mut keeper = Keeper::start(node, run.lease.clone(), end, turn.clone());
    let done = tokio::select! {
        done = work::perform(node, job, run, &turn) => Some(done),
        () = over(node, &mut keeper, stop, &turn) => None,
    };
    match done {
        Some(done) => of(node, job, run, &turn, done),
        None => stopped(),
    }
}

/// Ready when the work has had its time to a safe point and did not reach one: it is dropped, and
/// what it has not committed is undone.
async fn over(node: &Node, keeper: &mut Keeper, mut stop: watch::Receiver<bool>, turn: &Turn) {
    tokio::select! {
        // An error means that the runner is gone, and this run with it.
        _ = stop.wait_for(|is_stopped| *is_stopped) => {}
        () = keeper.lost() => {}
    }
    turn.end();
    sleep(node.timing.stop).await;
}

fn of(node: &Node, job: Job, run: &Run, turn: &Turn, done: Result<Span, Error>) -> End {
    match done {
        // A look at an account is whole or nothing; the others may have left something.
        Ok(_) if turn.is_over() && !matches!(job, Job::Sync(_)) => stopped(),
        Ok(rest) => End { outcome: Outcome::Done, error: None, rest },
        Err(error) => {
            let rest = span(node.timing.pause(run.failures.saturating_add(1)));
            End { outcome: Outcome::Failed, error: Some(event::told(&error)), rest }
        }
    }
}

/// The rest is to be done at once, by whoever is there.
fn stopped() -> End {
    End { outcome: Outcome::Stopped, error: None, rest: Span::default() }
}
