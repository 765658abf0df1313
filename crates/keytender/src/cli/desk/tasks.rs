//! What servers do by themselves.

use reqwest::Method;

use super::Desk;
use crate::app::tasks;
use crate::app::view::{TaskList, TaskView};
use crate::client::part;
use crate::error::Error;

impl Desk<'_> {
    /// How every task stands, by name.
    pub(in crate::cli) async fn list_tasks(&self) -> Result<Vec<TaskView>, Error> {
        match self {
            Self::Here(inventory) => tasks::list(inventory).await,
            Self::There(server) => {
                server.all("/v1/tasks", &[], |page: TaskList| (page.tasks, page.next)).await
            }
        }
    }

    /// Asks for a run of a task.
    pub(in crate::cli) async fn ask_for_run(&self, name: &str) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => tasks::ask(inventory, name).await,
            Self::There(server) => {
                let place = format!("/v1/tasks/{}/runs", part(name));
                server.tell(Method::POST, &place, &()).await
            }
        }
    }
}
