//! What each task does. How long it rests then is what it gives back.

use std::time::Duration;

use keytender_core::id::AccountId;
use keytender_core::time::Span;

use super::{Job, Node, TaskName, span};
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::notify::Hours;
use crate::app::turn::Turn;
use crate::app::{accounts, evaluate, issued, log, notify, report, rotate, sweep, sync};
use crate::clock;
use crate::error::Error;
use crate::store;
use crate::store::tasks::Run;

/// The shortest rest of an evaluation: keys whose moments lie close together are judged at once.
const SHORTEST_REST: Duration = Duration::from_secs(1);

/// Whether there is anything to do: what costs nothing to find out is not worth a run.
pub(super) async fn is_needed(node: &Node, job: Job) -> store::Result<bool> {
    match job {
        Job::Seal => node.store.has_unsealed_acts().await,
        Job::Report => Ok(report::schedule(&node.store).await? != report::Schedule::Off),
        Job::Rotations => Ok(rotate::automatic::is_wanted(&node.store).await.unwrap_or(true)),
        Job::Sync(_) | Job::Evaluate | Job::Notify | Job::Rotate(_) | Job::Sweep => Ok(true),
    }
}

/// Does what is to be done.
pub(super) async fn perform(node: &Node, job: Job, run: &Run, turn: &Turn) -> Result<Span, Error> {
    let inventory = node.inventory(clock::now());
    let rest = span(node.intervals.of(job.task()));
    match job {
        Job::Sync(account) => look(node, &inventory, account, run, turn).await,
        Job::Evaluate => {
            issued::retire(&inventory).await?;
            evaluate::run_in(&inventory.store, inventory.now, turn).await?;
            let next = inventory.store.next_evaluation().await.map_err(cannot_read)?;
            let until = next.map_or(rest, |next| next.since(clock::now()));
            Ok(rest.min(until.max(span(SHORTEST_REST))))
        }
        Job::Notify => notify::run(&inventory, Hours::Working, turn).await.map(|_| rest),
        Job::Seal => log::seal(&inventory).await.map(|()| rest),
        Job::Rotations => Box::pin(rotate::automatic::run(&inventory, turn)).await.map(|_| rest),
        Job::Rotate(id) => {
            Box::pin(rotate::run(&inventory, id, turn, span(node.timing.call()))).await
        }
        Job::Report => report::run(&inventory).await.map(|next| next.unwrap_or(rest).min(rest)),
        Job::Sweep => sweep::run(&inventory, turn).await.map(|_| rest),
    }
}

/// Brings one account up to date, unless somebody has just done so by hand.
async fn look(
    node: &Node,
    inventory: &Inventory,
    id: AccountId,
    run: &Run,
    turn: &Turn,
) -> Result<Span, Error> {
    let Inventory { store, now, .. } = inventory;
    let rest = span(node.intervals.sync);
    let all = store.list_accounts().await.map_err(cannot_read)?;
    // One that was removed takes its task along.
    let Some(mut account) = all.into_iter().find(|account| account.id == id) else {
        return Ok(rest);
    };
    if !run.is_asked && run.failures == 0 {
        let seen = store.last_seen(id).await.map_err(cannot_read)?;
        let age = seen.map_or(rest, |seen| now.since(seen));
        if age < rest {
            return Ok(Span::from_micros(rest.as_micros() - age.as_micros()));
        }
    }
    accounts::unlock(inventory, std::slice::from_mut(&mut account)).await?;
    let report = sync::one(inventory, account, &|_, _| (), turn).await?;
    if report.changes > 0 {
        node.ask(TaskName::Evaluate.pattern()).await?;
    }
    Ok(rest)
}
