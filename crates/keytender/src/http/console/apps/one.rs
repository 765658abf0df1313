//! An app: what its keys may do and how much, and the keys.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::text::count;
use maud::{Markup, html};
use serde::Deserialize;

use super::{Typed, labels, limits, lines, make, place, scopes};
use crate::app::inventory::Inventory;
use crate::app::view::{AppView, KeyQuery, KeySort, KeyView};
use crate::app::{apis, apps, keys};
use crate::http::console::customers::{Suspension, state, suspension};
use crate::http::console::form::{Wrong, folded};
use crate::http::console::key_words::{self, last_use, text};
use crate::http::console::layout;
use crate::http::console::listed::more;
use crate::http::console::visit::{Form, Visit};
use crate::http::console::words::moment;
use crate::http::extract::{Path, Query};
use crate::http::problem::Refusal;
use crate::http::{api, page as paging};

/// How many keys a page has.
const KEYS: u32 = 100;

/// From where on keys are shown.
#[derive(Debug, Default, Deserialize)]
pub(in crate::http::console) struct From {
    after: Option<String>,
}

/// What was typed in vain, and why.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Vain<'v> {
    /// What is wrong with no line of a form.
    pub(super) other: Option<&'v Wrong>,
    /// The app as it was to be.
    pub(super) change: Option<(&'v Typed, &'v Wrong)>,
    /// The key that was to be made.
    pub(super) key: Option<(&'v make::Typed, &'v Wrong)>,
}

/// Shows an app.
pub(in crate::http::console) async fn page(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Query(from): Query<From>,
) -> Result<Response, Refusal> {
    show(&visit, &inventory, &word, &from, Vain::default()).await
}

/// Shows an app, with what went wrong.
pub(super) async fn show(
    visit: &Visit,
    inventory: &Inventory,
    word: &str,
    from: &From,
    vain: Vain<'_>,
) -> Result<Response, Refusal> {
    let app = apps::view(inventory, word).await?;
    let api = app.account_name.split_once('/').map_or("", |(api, _)| api);
    let life = apis::get(inventory, api).await?.settings.key_life;
    let section = crate::http::console::apis::PATH;
    let content = html! {
        p { a href=(section) { "Keys you issue" } " › " a href={ (section) "/" (api) } { (api) } " › "
            a href={ "/accounts/" (app.account) } { (app.account_name) } }
        h1 { bdi { (text(&app.name)) } }
        @if let Some(wrong) = vain.other { (wrong) }
        (facts(&app, inventory))
        @if visit.may(Scope::AppsWrite) { (change_form(visit, &app, vain.change)) }
        h2 #keys { "Keys" }
        @if visit.may(Scope::KeysIssue) { (make::form(visit, &app, life, vain.key)?) }
        @if visit.may(Scope::KeysRead) { (keys_part(inventory, &app, from).await?) }
        @if visit.may(Scope::AppsWrite) {
            (suspension(visit, &format!("{}/suspension", place(&app)), app.suspended_at.is_some(), "its keys"))
        }
    };
    Ok(layout::page(visit, section, &app.name, &content))
}

fn facts(app: &AppView, inventory: &Inventory) -> Markup {
    html! {
        dl.facts {
            dt { "State" } dd { (state(app.suspended_at, inventory)) }
            dt { "Customer" } dd { a href={ "/accounts/" (app.account) } { (app.account_name) } }
            dt { "Its keys may" } dd { (scopes(&app.scopes)) }
            dt { "Limits" } dd { (limits(app.rate, app.quota)) }
            dt { "Labels" } dd { (labels(&app.labels)) }
            dt { "Known since" } dd { (moment(app.created_at, inventory.now)) }
            dt { "Id" } dd { code { (app.id) } }
        }
    }
}

fn change_form(visit: &Visit, app: &AppView, typed: Option<(&Typed, &Wrong)>) -> Markup {
    let (typed, wrong) = typed.unzip();
    let now = Typed::of(app);
    let lines = lines("change", Some(typed.unwrap_or(&now)));
    folded(visit, "Change", "Change", &place(app), wrong, &lines)
}

async fn keys_part(inventory: &Inventory, app: &AppView, from: &From) -> Result<Markup, Refusal> {
    let query = KeyQuery { app: Some(app.id.clone()), ..KeyQuery::default() };
    let sort = KeySort::default();
    let after = from.after.as_deref().map(|cursor| api::keys::place(cursor, sort)).transpose()?;
    let found = keys::list(inventory, &query, KEYS, after).await?;
    let next = found.next.map(|place| paging::cursor(&(sort, place))).transpose()?;
    Ok(html! {
        @if found.keys.is_empty() { p { "No key yet." } } @else {
            table.cards {
                caption { (count(found.total, "key")) }
                thead { tr {
                    th scope="col" { "Key" } th scope="col" { "State" } th scope="col" { "Last use" }
                    th scope="col" { "Made" } th scope="col" { "Ends" } th scope="col" { "Why" }
                } }
                tbody { @for view in &found.keys { (key(view, inventory)) } }
            }
        }
        (more(&place(app), &[], next.as_deref()))
    })
}

fn key(view: &KeyView, inventory: &Inventory) -> Markup {
    let now = inventory.now;
    let is_test = view.issued.as_ref().is_some_and(|issued| issued.environment == "test");
    let ends = view.issued.as_ref().and_then(|issued| issued.retires_at).or(view.expires_at);
    html! {
        tr {
            th scope="row" {
                a.key href={ "/keys/" (view.key) } { (text(view.label.as_deref().unwrap_or(&view.key))) }
                @if is_test { " " span.tag { "test" } }
                @if let Some(id) = &view.id { small.code { (id) } }
            }
            td data-label="State" { span.tag.(view.state.as_str()) { (key_words::state(view)) } }
            td data-label="Last use" { (last_use(view, now)) }
            td data-label="Made" { (key_words::age(view, now)) " ago" }
            td data-label="Ends" {
                @match ends { Some(at) => (moment(at, now)), None => span.dim { "never" } }
            }
            td data-label="Why" {
                @if view.findings.is_empty() { span.dim { "fine" } }
                @for (place, finding) in view.findings.iter().enumerate() {
                    @if place > 0 { ", " } (text(&finding.title))
                }
            }
        }
    }
}

/// Changes what an app's keys may do, and how much.
pub(in crate::http::console) async fn change(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let set = match typed.change() {
        Ok(change) => apps::set(&inventory, &word, change, |_| Ok(())).await,
        Err(error) => Err(error),
    };
    match set {
        Ok(app) => Ok(visit.done(&place(&app), "Changed.")),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let vain = Vain { change: Some((&typed, &wrong)), ..Vain::default() };
            Ok(wrong.on(show(&visit, &inventory, &word, &From::default(), vain).await?))
        }
    }
}

/// Stops every key of an app, or lets them work again.
pub(in crate::http::console) async fn suspend(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(asked): Form<Suspension>,
) -> Result<Response, Refusal> {
    let change = apps::AppChange {
        is_suspended: Some(asked.is_suspended),
        why: asked.because,
        ..apps::AppChange::default()
    };
    match apps::set(&inventory, &word, change, |_| Ok(())).await {
        Ok(app) => {
            visit.state.node.follow().await?;
            let said = match asked.is_suspended {
                true => format!("{} is suspended: none of its keys works.", app.name),
                false => format!("{} is resumed: its keys work again.", app.name),
            };
            Ok(visit.done(&place(&app), &said))
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let vain = Vain { other: Some(&wrong), ..Vain::default() };
            Ok(wrong.on(show(&visit, &inventory, &word, &From::default(), vain).await?))
        }
    }
}
