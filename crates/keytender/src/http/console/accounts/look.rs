//! Looks at an account that somebody asks for now: for its keys, or for what may be done there.

use axum::response::Response;
use maud::{Markup, html};

use super::one::{From, show};
use super::{PATH, place};
use crate::app::inventory::Inventory;
use crate::app::view::{AbilityView, CheckView, SyncedView};
use crate::app::{accounts, sync, tasks};
use crate::error::{Error, Kind};
use crate::http::console::form::Wrong;
use crate::http::console::layout;
use crate::http::console::visit::Visit;
use crate::http::extract::Path;
use crate::http::problem::Refusal;
use crate::store::accounts::AccountKind;

/// Looks at an account now, or has its organization looked at, which takes longer.
pub(in crate::http::console) async fn now(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let account = accounts::view(&inventory, &word).await?;
    if !account.kind.is_asked() {
        let error = Error::new(format!("`{}` is not asked for its keys", account.name));
        return Err(error.hint("they are told by hand").into());
    }
    if account.kind == AccountKind::Organization {
        match tasks::ask(&inventory, &format!("sync:{}", account.id)).await {
            Ok(()) => {
                let word = "It was asked for: the members are looked at one after the other.";
                return Ok(visit.done(&place(&account), word));
            }
            // The server has not taken notice of it yet.
            Err(error) if error.of_kind() == Kind::NotFound => {}
            Err(error) => return Err(error.into()),
        }
    }
    let named = std::slice::from_ref(&account.id);
    let looks = sync::looks(&inventory, named, &|_, _| {}).await?;
    let look = looks.unwrap_or_default().into_iter().next();
    match look.as_ref().and_then(|look| look.error.clone()) {
        Some(error) => {
            let wrong = Wrong::of(Error::new(error).kind(Kind::Provider))?;
            let account = accounts::view(&inventory, &account.id).await?;
            let page = show(&visit, &inventory, &account, &From::default(), Some(&wrong)).await?;
            Ok(wrong.on(page))
        }
        None => Ok(visit.done(&place(&account), &came_to(look.as_ref()))),
    }
}

fn came_to(look: Option<&SyncedView>) -> String {
    let Some(look) = look else { return "There was nothing to look at.".to_owned() };
    let keys = match look.keys {
        1 => "1 key was seen".to_owned(),
        keys => format!("{keys} keys were seen"),
    };
    let events: Vec<String> =
        look.events.iter().map(|(event, times)| format!("{times} {event}")).collect();
    match events.is_empty() {
        true => format!("{keys}; nothing has changed."),
        false => format!("{keys}: {}.", events.join(", ")),
    }
}

/// Asks an account who we are there, and what we may do.
pub(in crate::http::console) async fn check(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let account = accounts::view(&inventory, &word).await?;
    let checked = match accounts::check_seen(&inventory, &account.id).await {
        Ok(checked) => checked,
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = show(&visit, &inventory, &account, &From::default(), Some(&wrong)).await?;
            return Ok(wrong.on(page));
        }
    };
    let content = html! {
        p { a href=(PATH) { "Accounts" } " › " a href=(place(&account)) { (account.name) } }
        h1 { "Permissions at " (account.name) }
        @if let Some(who) = &checked.who { p { "There we are " code { (who) } "." } }
        p { (checked.sentence) }
        (abilities(&checked))
    };
    Ok(layout::page(&visit, PATH, &format!("Permissions at {}", account.name), &content))
}

fn abilities(checked: &CheckView) -> Markup {
    let is_there = |one: &AbilityView| match (one.there, one.needed) {
        (Some(true), _) => ("yes", ""),
        (Some(false), true) => ("no: needed", "critical"),
        (Some(false), false) => ("no", "medium"),
        (None, _) => ("cannot be tried without changing something", ""),
    };
    html! {
        @if !checked.abilities.is_empty() {
            table.cards {
                thead { tr {
                    th scope="col" { "Permission" } th scope="col" { "What for" } th scope="col" { "There" }
                } }
                tbody { @for one in &checked.abilities {
                    @let (word, class) = is_there(one);
                    tr {
                        th scope="row" { code { (one.permission) } }
                        td data-label="What for" { (one.purpose) }
                        td data-label="There" { span class=(class) { (word) } }
                    }
                } }
            }
        }
    }
}
