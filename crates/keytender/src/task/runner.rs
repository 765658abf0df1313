//! Which tasks are to run now: asked of the database once in a while, and at once on a signal.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::{Job, Node, TaskName, event, run as one, span};
use crate::store::Result;
use crate::store::tasks::{Due, sync_of};

/// How many accounts one node asks at the same time: each has its own limits at its provider, and
/// takes the memory of its listing here.
const MAX_ACCOUNTS_AT_ONCE: usize = 4;

/// Runs tasks until `shutdown` is ready, and waits for those under way.
pub(super) async fn run(node: &Arc<Node>, shutdown: impl Future<Output = ()>) {
    let (stop, stopped) = watch::channel(false);
    let mut running = Running::default();
    tokio::select! {
        () = shutdown => {}
        () = rounds(node, &mut running, &stopped) => {}
    }
    // An error means that nothing runs.
    _ = stop.send(true);
    // Each run ends itself in that time and needs a moment more to write it down; whatever is left
    // then is dropped with the set.
    let ended = async { while running.tasks.join_next().await.is_some() {} };
    _ = timeout(node.timing.stop.saturating_mul(2), ended).await;
}

/// What runs in this process.
#[derive(Default)]
struct Running {
    tasks: JoinSet<()>,
    names: HashMap<Id, String>,
}

impl Running {
    fn has(&self, name: &str) -> bool {
        self.names.values().any(|known| known == name)
    }

    fn accounts(&self) -> usize {
        let is_sync = |name: &&String| matches!(Job::parse(name), Some(Job::Sync(_)));
        self.names.values().filter(is_sync).count()
    }

    fn start(&mut self, node: &Arc<Node>, due: Due, stopped: &watch::Receiver<bool>) {
        let name = due.name.clone();
        let run = one::attempt(Arc::clone(node), due, stopped.clone());
        self.names.insert(self.tasks.spawn(run).id(), name);
    }

    /// Waits until a run has ended after which others have their turn: one of an account.
    async fn next_account(&mut self) {
        loop {
            let Some(ended) = self.tasks.join_next_with_id().await else {
                return std::future::pending().await;
            };
            let name =
                self.names.remove(&ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id));
            let Some(name) = name else { continue };
            if ended.is_err() {
                event::broken(&name);
            }
            if matches!(Job::parse(&name), Some(Job::Sync(_))) {
                return;
            }
        }
    }
}

async fn rounds(node: &Arc<Node>, running: &mut Running, stopped: &watch::Receiver<bool>) {
    let mut is_prepared = false;
    let mut failures = 0_u32;
    loop {
        let round = round(node, running, stopped, &mut is_prepared).await;
        let pause = match round {
            Ok(()) => {
                failures = 0;
                node.timing.poll
            }
            Err(failure) => {
                event::not_read(failure);
                failures = failures.saturating_add(1);
                node.timing.pause(failures)
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            () = node.woken.notified() => {}
            () = running.next_account(), if failures == 0 => {}
        }
    }
}

/// Starts what is to run.
async fn round(
    node: &Arc<Node>,
    running: &mut Running,
    stopped: &watch::Receiver<bool>,
    is_prepared: &mut bool,
) -> Result<()> {
    if !*is_prepared {
        prepare(node).await?;
        *is_prepared = true;
    }
    for due in node.store.due_tasks().await? {
        let is_account = matches!(Job::parse(&due.name), Some(Job::Sync(_)));
        let is_full = is_account && running.accounts() >= MAX_ACCOUNTS_AT_ONCE;
        if !is_full && !running.has(&due.name) {
            running.start(node, due, stopped);
        }
    }
    Ok(())
}

/// Makes the tasks known, and lets none rest longer than this node's intervals say.
async fn prepare(node: &Node) -> Result<()> {
    let accounts = node.store.list_accounts().await?;
    let live = accounts.iter().filter(|account| account.kind.is_asked());
    let mut names: Vec<String> = live.map(|account| sync_of(account.id)).collect();
    let of_many = [TaskName::Sync, TaskName::Rotate];
    let others = TaskName::ALL.into_iter().filter(|task| !of_many.contains(task));
    names.extend(others.map(|task| task.as_str().to_owned()));
    let mut tx = node.store.db().begin().await?;
    tx.add_tasks(&names).await?;
    for task in TaskName::ALL {
        tx.shorten_rest(task.pattern(), span(node.intervals.of(task))).await?;
    }
    Ok(tx.commit().await?)
}
