//! The log: who did what, to which thing, when and why; and whether it is whole.

use axum::response::Response;
use keytender_core::time::Time;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::form::{Field, Wrong};
use super::layout;
use super::listed::more;
use super::visit::Visit;
use super::words::moment;
use crate::app::inventory::Inventory;
use crate::app::log;
use crate::app::view::{ActView, VerifiedView};
use crate::error::Error;
use crate::http::extract::Query;
use crate::http::page as paging;
use crate::http::problem::Refusal;
use crate::store::acts;

const PATH: &str = "/log";
/// How many acts a page has.
const ACTS: u32 = 50;
/// The longest detail that is shown in full, in letters: a policy is an act's detail too.
const MAX_DETAIL: usize = 200;

/// Which acts are shown.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    actor: Option<String>,
    verb: Option<String>,
    target: Option<String>,
    since: Option<String>,
    after: Option<String>,
}

fn given(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or_default().trim()
}

impl Which {
    /// What is asked of the log.
    fn wanted(&self) -> Result<acts::Which, Error> {
        let text =
            |text: &Option<String>| Some(given(text).to_owned()).filter(|text| !text.is_empty());
        let since = text(&self.since).map(|text| Time::parse(&text)).transpose();
        let since = since.map_err(|_| Error::new("that is no day").hint("such as 2026-11-24"))?;
        Ok(acts::Which {
            target_id: text(&self.target),
            actor: text(&self.actor),
            verb: text(&self.verb),
            since,
        })
    }
}

/// Shows what was done.
pub(super) async fn page(
    visit: Visit,
    inventory: Inventory,
    Query(which): Query<Which>,
) -> Result<Response, Refusal> {
    let after = which.after.as_deref().map(paging::place).transpose()?;
    let (found, wrong) = match which.wanted() {
        Ok(wanted) => (log::list(&inventory, wanted, ACTS, after).await?, None),
        Err(error) => ((Vec::new(), None), Some(Wrong::of(error)?)),
    };
    let (shown, next) = found;
    let next = next.map(|place| paging::cursor(&place)).transpose()?;
    let asked = [
        ("actor", given(&which.actor)),
        ("verb", given(&which.verb)),
        ("target", given(&which.target)),
        ("since", given(&which.since)),
    ];
    let content = html! {
        h1 { "Log" }
        p.dim { "Everything that was done here, the newest first. Nothing is ever changed or taken out." }
        form method="post" action={ (PATH) "/verify" } {
            (visit.proof()) button.quiet type="submit" { "Prove that it is whole" }
        }
        (filters(&which))
        @if let Some(wrong) = &wrong { (wrong) }
        @if shown.is_empty() { p { "Nothing like this was done." } } @else { (table(&shown, &inventory)) }
        (more(PATH, &asked, next.as_deref()))
    };
    let page = layout::page(&visit, PATH, "Log", &content);
    Ok(match &wrong {
        Some(wrong) => wrong.on(page),
        None => page,
    })
}

fn filters(which: &Which) -> Markup {
    let line = |name, label, value| {
        html! {
            div.field { (Field::new("log", name, label).value(Some(value))) }
        }
    };
    html! {
        form.row method="get" action=(PATH) role="search" {
            (line("actor", "Who", given(&which.actor)))
            (line("verb", "What, such as key.", given(&which.verb)))
            (line("target", "To what: a key, or an id", given(&which.target)))
            div.field { (Field::new("log", "since", "Since").kind("date").value(Some(given(&which.since)))) }
            button.quiet type="submit" { "Show" }
        }
    }
}

fn table(shown: &[ActView], inventory: &Inventory) -> Markup {
    html! {
        table.cards.even {
            thead { tr {
                th scope="col" { "When" } th scope="col" { "Who" } th scope="col" { "What" }
                th scope="col" { "To what" } th scope="col" { "Why, and more" }
            } }
            tbody { @for act in shown { (row(act, inventory)) } }
        }
    }
}

fn row(act: &ActView, inventory: &Inventory) -> Markup {
    html! {
        tr {
            th scope="row" { (moment(act.at, inventory.now)) }
            td data-label="Who" { (act.actor) small { (act.origin) } }
            td data-label="What" {
                (act.verb)
                @match act.stage.as_str() {
                    "done" => {}
                    "failed" => { " " b.critical { "failed" } }
                    stage => { " (" (stage) ")" }
                }
            }
            td data-label="To what" { (target(act)) }
            td data-label="Why, and more" {
                @if let Some(why) = &act.why { (why) }
                (details(&act.details))
            }
        }
    }
}

fn target(act: &ActView) -> Markup {
    let page = match act.target_kind.as_str() {
        "key" => Some("/keys/"),
        "account" => Some("/accounts/"),
        "owner" => Some("/owners/"),
        "user" => Some("/users/"),
        "notice" => Some("/notices/"),
        _ => None,
    };
    let name = act.details.get("name").and_then(Value::as_str);
    html! {
        (act.target_kind) " "
        @match page {
            Some(page) => a href={ (page) (act.target) } { (name.unwrap_or(&act.target)) },
            None => (name.unwrap_or(&act.target)),
        }
        @if name.is_some() { small { (act.target) } }
    }
}

fn details(details: &Value) -> Markup {
    let shown = details.as_object().into_iter().flatten().filter(|(name, _)| *name != "name");
    html! {
        @for (name, value) in shown {
            @if !value.is_null() { small { (name) ": " (cut(value)) } }
        }
    }
}

fn cut(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.char_indices().nth(MAX_DETAIL) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Says whether the log is whole.
pub(super) async fn verify(visit: Visit, inventory: Inventory) -> Result<Response, Refusal> {
    log::seal(&inventory).await?;
    let verified = log::verify(&inventory).await?;
    let content = html! {
        p { a href=(PATH) { "Log" } }
        h1 { @if verified.is_whole { "The log is whole" } @else { "The log is not whole" } }
        (found(&verified, &inventory))
    };
    Ok(layout::page(&visit, PATH, "Is the log whole?", &content))
}

fn found(verified: &VerifiedView, inventory: &Inventory) -> Markup {
    html! {
        @match &verified.broken {
            Some(broken) => p.wrong role="alert" { (super::form::capital(broken)) "." },
            None => p.word role="status" { "Every act is as it was written, and none is missing." },
        }
        dl.facts {
            dt { "Acts that were sealed" } dd { (verified.acts) }
            dt { "Proved from outside" } dd {
                (verified.proved)
                @if let Some(at) = verified.proved_at { ", by the checkpoint of " (moment(at, inventory.now)) }
            }
            dt { "Checkpoints" } dd { code { (verified.checkpoints) } }
        }
        p.dim { "Checkpoints stand outside of the database: whoever can change it cannot change what they prove, as \
                 long as the file is somewhere else." }
    }
}
