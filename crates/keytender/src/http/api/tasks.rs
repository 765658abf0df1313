//! `/v1/tasks`: what the server does by itself.

use axum::http::StatusCode;

use super::owners::Paging;
use crate::app::inventory::Inventory;
use crate::app::tasks;
use crate::app::view::TaskList;
use crate::http::etag::Tagged;
use crate::http::extract::{Path, Query};
use crate::http::page;
use crate::http::problem::Refusal;

/// List tasks
///
/// Each with its last run, its next one, and why it failed.
#[utoipa::path(get, path = "/v1/tasks", tag = "tasks", params(Paging),
    responses((status = 200, body = TaskList, description = "A page of tasks")),
    security(("token" = ["tasks:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(paging): Query<Paging>,
) -> Result<Tagged<TaskList>, Refusal> {
    let all = tasks::list(&inventory).await?;
    let (tasks, next) =
        page::slice(all, paging.limit, paging.after.as_deref(), |one| one.name.clone())?;
    Ok(Tagged(TaskList { tasks, next }))
}

/// Ask for a run of a task
///
/// As soon as can be, by whichever server does it. `sync` is the sync of every account.
#[utoipa::path(post, path = "/v1/tasks/{task}/runs", tag = "tasks",
    params(("task" = String, Path, description = "Its name, such as `notify` or `sync:prod`")),
    responses((status = 202, description = "It was asked for")),
    security(("token" = ["tasks:run"])))]
pub(in crate::http) async fn run(
    inventory: Inventory,
    Path(task): Path<String>,
) -> Result<StatusCode, Refusal> {
    tasks::ask(&inventory, &task).await?;
    Ok(StatusCode::ACCEPTED)
}
