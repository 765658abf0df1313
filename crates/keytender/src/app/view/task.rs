//! The tasks of servers, in JSON.

use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::tasks::{Outcome, Task};

/// Something that a server does by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskView {
    /// Its name: `evaluate`, `notify`, `seal`, `sweep`, and `sync:` with an account's id.
    #[schema(example = "notify")]
    pub name: String,
    /// Of a sync, what people call the account.
    pub account: Option<String>,
    /// When its last run began.
    pub started_at: Option<Time>,
    /// When its last run ended.
    pub finished_at: Option<Time>,
    /// How it ended: `done`, `failed`, or `stopped` with its server.
    pub outcome: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// How many runs have failed since the last that did not.
    pub failures: u32,
    /// When it is to run next; in the past: as soon as there is something to do.
    pub next_at: Time,
    /// Whether somebody asked for a run that was not made yet.
    pub is_asked: bool,
    /// Which server runs it now.
    pub holder: Option<String>,
}

impl TaskView {
    /// The view of a task, of the account of this name.
    pub fn of(task: Task, account: Option<String>) -> Self {
        Self {
            name: task.name,
            account,
            started_at: task.started_at,
            finished_at: task.finished_at,
            outcome: task.outcome.map(Outcome::as_str).map(str::to_owned),
            error: task.error,
            failures: task.failures,
            next_at: task.next_at,
            is_asked: task.is_asked,
            holder: task.holder,
        }
    }
}

/// A page of tasks.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TaskList {
    /// The tasks, by name.
    pub tasks: Vec<TaskView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
