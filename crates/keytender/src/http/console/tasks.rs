//! Tasks: what servers do by themselves, how each went, and when it comes next.

use axum::response::Response;
use keytender_core::access::Scope;
use maud::{Markup, html};
use serde::Deserialize;

use super::layout;
use super::listed::Listed;
use super::visit::{Form, Visit};
use super::words::moment;
use crate::app::inventory::Inventory;
use crate::app::tasks;
use crate::app::view::TaskView;
use crate::http::extract::Query;
use crate::http::problem::Refusal;

const PATH: &str = "/tasks";
/// What each task does; a sync is one of an account.
const ABOUT: [(&str, &str); 5] = [
    ("evaluate", "holds keys against the policy, and gives them owners"),
    ("notify", "tells owners what is due, and delivers what waits"),
    ("seal", "seals the log of acts"),
    ("report", "makes the credential report that is due by the schedule, and keeps it"),
    ("sweep", "forgets what is old and says nothing any more"),
];

/// The task that is to run.
#[derive(Debug, Deserialize)]
pub(super) struct Run {
    task: String,
}

/// Shows how every task stands.
pub(super) async fn page(
    visit: Visit,
    inventory: Inventory,
    Query(listed): Query<Listed>,
) -> Result<Response, Refusal> {
    let mut all = tasks::list(&inventory).await?;
    all.retain(|one| listed.finds(&[&one.name, one.account.as_deref().unwrap_or_default()]));
    let failing = all.iter().filter(|one| one.failures > 0).count();
    let (shown, next) = listed.page(all, |one| one.name.clone())?;
    let content = html! {
        h1 { "Tasks" }
        p.dim { "What the server does by itself; of several servers one does each." }
        @match failing {
            0 => {}
            1 => p.wrong { "1 task did not succeed the last time." },
            count => p.wrong { (count) " tasks did not succeed the last time." }
        }
        (listed.search(PATH, "Task or account"))
        @if shown.is_empty() { p { "None: the server has just started." } } @else {
            table.cards {
                thead { tr {
                    th scope="col" { "Task" } th scope="col" { "Last run" } th scope="col" { "Outcome" }
                    th scope="col" { "Next run" }
                    @if visit.may(Scope::TasksRun) { th scope="col" { span.unseen { "What to do" } } }
                } }
                tbody { @for one in &shown { (row(&visit, one, &inventory)) } }
            }
        }
        (listed.more(PATH, next.as_deref()))
    };
    Ok(layout::page(&visit, PATH, "Tasks", &content))
}

fn row(visit: &Visit, one: &TaskView, inventory: &Inventory) -> Markup {
    let now = inventory.now;
    let about = ABOUT.iter().find(|(name, _)| *name == one.name).map(|(_, about)| *about);
    html! {
        tr {
            th scope="row" {
                @match &one.account {
                    Some(account) => { "sync of " (account) }
                    None => (one.name),
                }
                @if let Some(about) = about { small { (about) } }
            }
            td data-label="Last run" {
                @match one.started_at { Some(at) => (moment(at, now)), None => "never" }
            }
            td data-label="Outcome" { (outcome(one)) }
            td data-label="Next run" {
                @if let Some(holder) = &one.holder { "runs now, on " (holder) }
                @else if one.is_asked { "asked for: as soon as can be" }
                @else if one.next_at <= now { "as soon as there is something to do" }
                @else { (moment(one.next_at, now)) }
            }
            @if visit.may(Scope::TasksRun) {
                td {
                    form method="post" action={ (PATH) "/run" } {
                        (visit.proof())
                        input type="hidden" name="task" value=(one.name);
                        button.quiet type="submit" aria-label={ "Run now: " (called(one)) } { "Run now" }
                    }
                }
            }
        }
    }
}

/// What people call a task.
fn called(one: &TaskView) -> String {
    one.account.as_ref().map_or_else(|| one.name.clone(), |account| format!("sync of {account}"))
}

fn outcome(one: &TaskView) -> Markup {
    html! {
        @match one.outcome.as_deref() {
            Some("failed") => b.critical { "failed" },
            Some(word) => (word),
            None => "–",
        }
        @if one.failures > 1 { small { (one.failures) " times in a row" } }
        @if let Some(error) = &one.error { small { (error) } }
    }
}

/// Asks for a run of a task as soon as can be.
pub(super) async fn run(
    visit: Visit,
    inventory: Inventory,
    Form(asked): Form<Run>,
) -> Result<Response, Refusal> {
    tasks::ask(&inventory, &asked.task).await?;
    Ok(visit.done(PATH, "It was asked for, and runs as soon as can be."))
}
