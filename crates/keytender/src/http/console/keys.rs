//! Keys: a list by filters, paged by cursors, with what can be done to several at once.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use keytender_core::text::{count, thousands};
use maud::{Markup, html};

use self::asked::Asked;
use self::choices::Choices;
use super::layout;
use super::visit::Visit;
use crate::app::inventory::Inventory;
use crate::app::keys;
use crate::app::report::{self, Form};
use crate::app::view::KeyView;
use crate::error::{Error, Kind};
use crate::http::page;
use crate::http::problem::Refusal;

mod asked;
pub(super) mod bulk;
mod choices;
mod filters;
mod table;

pub(super) use choices::owners;

/// How many keys a page has, and so how many can be chosen at once.
const PAGE: u32 = 100;
/// Where the list is.
const PATH: &str = "/keys";

/// What a page of the list shows.
struct Shown {
    keys: Vec<KeyView>,
    total: u64,
    next: Option<String>,
    wrong: Option<Wrong>,
}

/// Why nothing is shown.
struct Wrong {
    what: String,
    hint: Option<String>,
}

/// The list.
pub(super) async fn list(
    visit: Visit,
    inventory: Inventory,
    asked: Asked,
) -> Result<Response, Refusal> {
    let shown = shown(&inventory, &asked).await?;
    let choices = Choices::read(&visit, &inventory).await?;
    let is_empty = shown.total == 0 && shown.wrong.is_none();
    let content = html! {
        h1 { "Keys" }
        (filters::ready(&asked))
        (filters::form(&asked, &choices))
        (filters::chips(&asked, &choices))
        @if let Some(wrong) = &shown.wrong {
            p.wrong role="alert" { (wrong.what) "." @if let Some(hint) = &wrong.hint { " " (hint) "." } }
        } @else if is_empty && asked.filters().next().is_some() {
            p.note { "No key is like that. " a href=(PATH) { "Show all keys" } }
        } @else if is_empty {
            (nothing(&inventory))
        } @else {
            (summary(&asked, &shown))
            (table::table(&visit, &asked, &shown.keys, inventory.now))
            (pages(&asked, &shown)?)
        }
    };
    let mut response = layout::page(&visit, PATH, "Keys", &content);
    if shown.wrong.is_some() {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(response)
}

/// A page of the keys that are asked for.
async fn shown(inventory: &Inventory, asked: &Asked) -> Result<Shown, Refusal> {
    let nothing = |wrong| Shown { keys: Vec::new(), total: 0, next: None, wrong: Some(wrong) };
    let query = match &asked.query {
        Ok(query) => query,
        Err(why) => {
            let what = format!("This cannot be asked: {why}");
            return Ok(nothing(Wrong { what, hint: None }));
        }
    };
    match keys::list(inventory, query, PAGE, asked.after()?).await {
        Ok(found) => {
            let next = found.next.map(|place| page::cursor(&(asked.sort(), place))).transpose()?;
            Ok(Shown { keys: found.keys, total: found.total, next, wrong: None })
        }
        Err(error) if error.of_kind() == Kind::Internal => Err(error.into()),
        Err(error) => Ok(nothing(wrong(&error))),
    }
}

fn wrong(error: &Error) -> Wrong {
    Wrong { what: error.explanation(), hint: error.advice().map(str::to_owned) }
}

/// How many keys there are, which of them are on this page, and the list as a file.
fn summary(asked: &Asked, shown: &Shown) -> Markup {
    let on_page = u64::try_from(shown.keys.len()).unwrap_or(0);
    let from = asked.before.saturating_add(1);
    let to = asked.before.saturating_add(on_page);
    html! {
        div.summary {
            p role="status" {
                b { (count(shown.total, "key")) }
                @if on_page < shown.total { ": " (thousands(from)) " to " (thousands(to)) }
            }
            p { "Download: " a href=(asked.href("/keys.csv", &[])) { "CSV" } " "
                a href=(asked.href("/keys.json", &[])) { "JSON" } }
        }
    }
}

/// The ways to the other pages.
fn pages(asked: &Asked, shown: &Shown) -> Result<Markup, Refusal> {
    let on_page = u64::try_from(shown.keys.len()).unwrap_or(0);
    let before = asked.before.saturating_add(on_page).to_string();
    let next = shown.next.as_deref().map(|cursor| {
        asked.href(PATH, &[(asked::AFTER, Some(cursor)), (asked::BEFORE, Some(&before))])
    });
    Ok(html! {
        nav.pages aria-label="Pages" {
            @if asked.value(asked::AFTER).is_some() {
                a.button.quiet href=(asked.href(PATH, &[])) { "To the beginning" }
            }
            @if let Some(next) = next { a.button.quiet href=(next) rel="next" { "Next page" } }
        }
    })
}

/// What an inventory without keys needs.
fn nothing(inventory: &Inventory) -> Markup {
    html! {
        div.note {
            @if inventory.sight.owner.is_some() {
                p { "You answer for no key. Whoever tends this inventory says which keys are yours." }
            } @else {
                p { b { "There are no keys yet." } " Keytender finds them where they are:" }
                p { "Watch an AWS account or organization: "
                    code data-copy { "keytender accounts add aws NAME" } }
                p { "Bring in a list, a credential report or an export of a password manager: "
                    code data-copy { "keytender keys import FILE" } }
                p { "Tell of one key, of any provider: "
                    code data-copy { "keytender keys add PROVIDER NAME" } }
            }
        }
    }
}

/// The list as a CSV file.
pub(super) async fn csv(inventory: Inventory, asked: Asked) -> Result<Response, Refusal> {
    export(&inventory, &asked, Form::Wide, "text/csv; charset=utf-8", "keys.csv").await
}

/// The list as a JSON file.
pub(super) async fn json(inventory: Inventory, asked: Asked) -> Result<Response, Refusal> {
    export(&inventory, &asked, Form::Json, "application/json", "keys.json").await
}

async fn export(
    inventory: &Inventory,
    asked: &Asked,
    form: Form,
    media_type: &'static str,
    name: &str,
) -> Result<Response, Refusal> {
    let query = asked
        .query
        .as_ref()
        .map_err(|why| Refusal::from(Error::new(format!("this cannot be asked: {why}"))))?;
    let mut content = Vec::new();
    report::write_listed(inventory, query, form, &mut content).await?;
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers =
        [(header::CONTENT_TYPE, media_type), (header::CONTENT_DISPOSITION, disposition.as_str())];
    Ok((headers, content).into_response())
}
