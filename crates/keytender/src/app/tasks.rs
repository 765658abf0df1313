//! What servers do by themselves, as people see it.

use std::collections::HashMap;

use super::inventory::{Inventory, cannot_read, cannot_write};
use super::view::TaskView;
use crate::error::Error;
use crate::store::tasks::sync_of;

/// How every task stands, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn list(inventory: &Inventory) -> Result<Vec<TaskView>, Error> {
    let accounts = inventory.store.list_accounts().await.map_err(cannot_read)?;
    let mut names: HashMap<String, String> =
        accounts.into_iter().map(|account| (sync_of(account.id), account.name)).collect();
    let tasks = inventory.store.list_tasks().await.map_err(cannot_read)?;
    Ok(tasks
        .into_iter()
        .map(|task| {
            let account = names.remove(&task.name);
            TaskView::of(task, account)
        })
        .collect())
}

/// Asks for a run as soon as can be, by whichever server does the task: `sync` for every account, or
/// `sync:` and an account's name or id.
///
/// # Errors
/// When there is no such task.
pub async fn ask(inventory: &Inventory, name: &str) -> Result<(), Error> {
    let all = list(inventory).await?;
    let is_meant = |task: &&TaskView| {
        let account = name.strip_prefix("sync:");
        task.name == name || (account.is_some() && task.account.as_deref() == account)
    };
    let pattern = match (name, all.iter().find(is_meant)) {
        ("sync", _) => "sync:%",
        (_, Some(task)) => &task.name,
        (_, None) => {
            return Err(Error::not_found(format!("there is no task `{name}`"))
                .hint("keytender tasks list shows the tasks"));
        }
    };
    inventory.store.ask_for_runs(pattern).await.map(drop).map_err(cannot_write)
}
