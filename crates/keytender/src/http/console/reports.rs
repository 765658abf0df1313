//! Reports: every key as a file, now or at a moment, and what changed between two.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::text::printable;
use keytender_core::time::Time;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::{Choice, Field, Wrong};
use super::layout;
use super::visit::{Form, Visit};
use super::words::moment as when;
use crate::app::accounts;
use crate::app::inventory::{Inventory, Sight};
use crate::app::report::{self, Form as Format, Schedule};
use crate::app::view::{ChangeView, DifferenceList, DifferenceView};
use crate::error::Error;
use crate::http::api::reports::{file, kept_file};
use crate::http::extract::{Path, Query};
use crate::http::problem::Refusal;

const PATH: &str = "/reports";
/// How many keys that changed are shown; the API gives all.
const KEYS: usize = 500;

/// Which report is to be had as a file.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    format: Option<Format>,
    account: Option<String>,
    at: Option<String>,
}

/// Between which days something changed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Between {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
    account: Option<String>,
}

/// Asks which report.
pub(super) async fn page(visit: Visit, inventory: Inventory) -> Result<Response, Refusal> {
    let content = html! {
        h1 { "Reports" }
        p.dim { "The credential report: every key that you see, with its owner, age, last use and what is due." }
        h2 { "As a file" }
        (file_form(&visit, &inventory).await?)
        h2 { "What changed" }
        (compare_form(&visit, &inventory, &Between::default(), None).await?)
        @if inventory.sight == Sight::default() {
            h2 #kept { "Kept" }
            (kept_part(&visit, &inventory).await?)
        }
    };
    Ok(layout::page(&visit, PATH, "Reports", &content))
}

/// The reports that are kept, and how often one is made.
async fn kept_part(visit: &Visit, inventory: &Inventory) -> Result<Markup, Refusal> {
    let found = report::list(inventory).await?;
    let words = [
        (Schedule::Off, "Never by itself"),
        (Schedule::Daily, "Each day"),
        (Schedule::Weekly, "Each week"),
    ];
    let said = words.iter().find(|(one, _)| *one == found.schedule).map_or("", |(_, said)| *said);
    let options = words.map(|(one, said)| (one.as_str(), said));
    Ok(html! {
        p { "How often one is made and kept: " b { (said) } ". The newest 31 stay, for 400 days at most; the log has the digest of each." }
        @if visit.may(Scope::PolicyWrite) {
            form.stack method="post" action={ (PATH) "/schedule" } {
                (visit.proof())
                (Choice::new("schedule", "schedule", "How often", options).chosen(Some(found.schedule.as_str())))
                button.quiet type="submit" { "Change" }
            }
        }
        @if visit.may(Scope::TasksRun) {
            form method="post" action={ (PATH) "/kept" } {
                (visit.proof())
                button.quiet type="submit" { "Make one now" }
            }
        }
        @if found.reports.is_empty() {
            p { "None is kept." }
        } @else {
            table.cards {
                thead { tr {
                    th scope="col" { "Made" } th scope="col" { "By" } th scope="col" { "Size" } th scope="col" { "SHA-256" }
                } }
                tbody { @for one in &found.reports { tr {
                    th scope="row" { a.key href={ (PATH) "/kept/" (one.id) } { (when(one.made_at, inventory.now)) } }
                    td data-label="By" { @if one.scheduled { "the schedule" } @else { (printable(&one.made_by)) } }
                    td data-label="Size" { (one.bytes.div_ceil(1024)) " KiB" }
                    td data-label="SHA-256" { code { (one.sha256) } }
                } } }
            }
        }
    })
}

/// Gives one that is kept, as a file.
pub(super) async fn kept(
    inventory: Inventory,
    Path(report): Path<String>,
) -> Result<Response, Refusal> {
    kept_file(&inventory, &report).await
}

/// Makes one now and keeps it.
pub(super) async fn make(visit: Visit, inventory: Inventory) -> Result<Response, Refusal> {
    report::make(&inventory).await?;
    Ok(visit.done(&format!("{PATH}#kept"), "The report is made and kept."))
}

/// How often one is to be made.
#[derive(Debug, Deserialize)]
pub(super) struct How {
    schedule: Schedule,
}

/// Changes how often one is made.
pub(super) async fn set_schedule(
    visit: Visit,
    inventory: Inventory,
    Form(how): Form<How>,
) -> Result<Response, Refusal> {
    report::set_schedule(&inventory, how.schedule).await?;
    Ok(visit.done(&format!("{PATH}#kept"), "It is written."))
}

/// The names of accounts, for whoever sees them.
async fn account_choice(
    visit: &Visit,
    inventory: &Inventory,
    form: &str,
    chosen: Option<&str>,
) -> Result<Markup, Refusal> {
    if !visit.may(Scope::AccountsRead) {
        return Ok(html! {});
    }
    let all = accounts::list(inventory).await?;
    let names = all.into_iter().map(|one| (one.name.clone(), one.name));
    let names = std::iter::once((String::new(), "all that you see".to_owned())).chain(names);
    Ok(html! { (Choice::new(form, "account", "Account", names).chosen(chosen)) })
}

async fn file_form(visit: &Visit, inventory: &Inventory) -> Result<Markup, Refusal> {
    let mut forms =
        vec![("wide", "CSV, one row a key, for spreadsheets"), ("json", "JSON, for programs")];
    if inventory.sight == Sight::default() {
        forms.push(("aws", "CSV as AWS writes it: of one account of AWS, or of our own users"));
    }
    Ok(html! {
        form.stack method="get" action={ (PATH) "/file" } {
            (Choice::new("file", "format", "Form", forms))
            (account_choice(visit, inventory, "file", None).await?)
            (Field::new("file", "at", "As of").kind("date")
                .about("As it was when that day began, in UTC. Empty: now."))
            button type="submit" { "Download" }
        }
    })
}

async fn compare_form(
    visit: &Visit,
    inventory: &Inventory,
    typed: &Between,
    wrong: Option<&Wrong>,
) -> Result<Markup, Refusal> {
    Ok(html! {
        form.stack method="get" action={ (PATH) "/changes" } {
            @if let Some(wrong) = wrong { (wrong) }
            (Field::new("compare", "from", "From").kind("date").value(Some(&typed.from)).required())
            (Field::new("compare", "to", "To").kind("date").value(Some(&typed.to)).required()
                .about("Both days as they began, in UTC."))
            (account_choice(visit, inventory, "compare", typed.account.as_deref()).await?)
            button.quiet type="submit" { "Compare" }
        }
    })
}

fn moment(text: &str) -> Result<Time, Error> {
    Time::parse(text).map_err(|_| Error::new("that is no day").hint("such as 2026-11-24"))
}

/// The report as a file.
pub(super) async fn download(
    inventory: Inventory,
    Query(which): Query<Which>,
) -> Result<Response, Refusal> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let at = given(&which.at).map(|text| moment(&text)).transpose()?;
    let account = given(&which.account);
    file(&inventory, which.format.unwrap_or_default(), account.as_deref(), at).await
}

/// Shows what changed between two days.
pub(super) async fn changes(
    visit: Visit,
    inventory: Inventory,
    Query(between): Query<Between>,
) -> Result<Response, Refusal> {
    let found = compared(&inventory, &between).await;
    let (found, wrong) = match found {
        Ok(found) => (Some(found), None),
        Err(error) => (None, Some(Wrong::of(error)?)),
    };
    let content = html! {
        p { a href=(PATH) { "Reports" } }
        h1 { "What changed" }
        (compare_form(&visit, &inventory, &between, wrong.as_ref()).await?)
        @if let Some(found) = &found { (differences(found)) }
    };
    let page = layout::page(&visit, PATH, "What changed", &content);
    Ok(match &wrong {
        Some(wrong) => wrong.on(page),
        None => page,
    })
}

async fn compared(inventory: &Inventory, between: &Between) -> Result<DifferenceList, Error> {
    let account = between.account.as_deref().filter(|name| !name.is_empty());
    report::compare(inventory, account, moment(&between.from)?, moment(&between.to)?).await
}

fn differences(found: &DifferenceList) -> Markup {
    let count = found.keys.len();
    html! {
        @if count == 0 { p role="status" { "No key changed." } } @else {
            table.cards {
                caption { @if count == 1 { "1 key changed" } @else { (count) " keys changed" } }
                thead { tr { th scope="col" { "Key" } th scope="col" { "Account" } th scope="col" { "What" } } }
                tbody { @for one in found.keys.iter().take(KEYS) { (row(one)) } }
            }
            @if count > KEYS { p.dim { "And " (count - KEYS) " more: the API gives all." } }
        }
    }
}

fn row(one: &DifferenceView) -> Markup {
    html! {
        tr {
            th scope="row" {
                a.key href={ "/keys/" (one.key) } { (one.name) }
                @if !one.id.is_empty() { br; small { code { (one.id) } } }
            }
            td data-label="Account" { (one.account_name) }
            td data-label="What" { @for change in &one.changes { div { (changed(change)) } } }
        }
    }
}

fn changed(change: &ChangeView) -> Markup {
    let text = |text: &str| if text.is_empty() { "–".to_owned() } else { text.to_owned() };
    html! {
        b { (change.what) } " "
        @match change.what.as_str() {
            "new" => (change.after),
            "gone" => { "was " (change.before) }
            _ => { (text(&change.before)) " → " (text(&change.after)) }
        }
    }
}
