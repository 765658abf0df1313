//! An API of yours: how its keys are issued, its rotations, and its customers.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::text::{count, thousands};
use maud::{Markup, html};
use serde::Deserialize;

use super::{PATH, Typed, keys, lines, on_leak, overlaps, own, place, portal, title};
use crate::app::apis::{self, Counts, EXPOSED};
use crate::app::customers::{self, NewCustomer};
use crate::app::inventory::Inventory;
use crate::app::issued;
use crate::app::notify::of_api;
use crate::app::view::{ApiView, CustomerView, RecognisersView};
use crate::http::console::form::{Field, Wrong, folded, removal};
use crate::http::console::layout;
use crate::http::console::listed::more;
use crate::http::console::visit::{Form, Visit};
use crate::http::console::words::moment;
use crate::http::extract::{Path, Query};
use crate::http::page as paging;
use crate::http::problem::Refusal;

/// How many customers a page has.
const CUSTOMERS: u32 = 100;

/// Which customers are shown.
#[derive(Debug, Default, Deserialize)]
pub(in crate::http::console) struct Which {
    /// What their names begin with.
    q: Option<String>,
    after: Option<String>,
}

/// What is typed in of a customer.
#[derive(Debug, Default, Deserialize)]
pub(in crate::http::console) struct Customer {
    #[serde(default)]
    name: String,
    contact: Option<String>,
    external_id: Option<String>,
}

/// What was typed in vain, and why.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Vain<'v> {
    /// How the key page looks.
    pub(super) portal: Option<(&'v portal::Typed, &'v Wrong)>,
    /// Which apps customers may add.
    pub(super) own: Option<(&'v own::Typed, &'v Wrong)>,
    pub(super) change: Option<(&'v Typed, &'v Wrong)>,
    pub(super) customer: Option<(&'v Customer, &'v Wrong)>,
}

/// Shows an API.
pub(in crate::http::console) async fn page(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Query(which): Query<Which>,
) -> Result<Response, Refusal> {
    show(&visit, &inventory, &word, &which, Vain::default()).await
}

pub(super) async fn show(
    visit: &Visit,
    inventory: &Inventory,
    word: &str,
    which: &Which,
    vain: Vain<'_>,
) -> Result<Response, Refusal> {
    let api = ApiView::of(&apis::get(inventory, word).await?);
    let counts = apis::counts(inventory, &api.id).await?;
    let imported = issued::recognisers(inventory, &api.id).await?;
    let content = html! {
        p { a href=(PATH) { "Keys you issue" } }
        h1 { (title(&api)) }
        (tiles(&api, &counts))
        (facts(&api, &imported, inventory))
        @if visit.may(Scope::ApisWrite) { (change_form(visit, &api, vain.change)) }
        (portal::part(visit, &api, vain.portal))
        (own::part(visit, &api, vain.own))
        (overlaps::part(inventory, &api, counts.overlaps).await?)
        @if visit.may(Scope::NoticesRead) { (notices_part(inventory, &api).await?) }
        h2 #customers { "Customers" }
        @if visit.may(Scope::AccountsWrite) { (customer_form(visit, &api, vain.customer)) }
        @if visit.may(Scope::AccountsRead) { (customers_part(inventory, &api, which).await?) }
        @if visit.may(Scope::ApisWrite) && counts.customers == 0 {
            h2 { "Remove it" }
            p { "It has no customers, so no key of it works." }
            p { a.button.quiet href={ (place(&api)) "/remove" } { "Remove…" } }
        }
    };
    Ok(layout::page(visit, PATH, title(&api), &content))
}

fn tiles(api: &ApiView, counts: &Counts) -> Markup {
    let tiles = [
        ("Customers", counts.customers, "#customers".to_owned()),
        ("Keys", counts.keys, keys(api, &[])),
        ("Due", counts.due, keys(api, &[("due", "true")])),
        ("Exposed", counts.exposed, keys(api, &[("rule", EXPOSED)])),
        ("In overlap", counts.overlaps, "#overlaps".to_owned()),
    ];
    html! {
        ul.tiles.plain {
            @for (name, count, link) in &tiles {
                li { a href=(link) { span.name { (name) } " " b { (thousands(*count)) } } }
            }
        }
    }
}

fn facts(api: &ApiView, imported: &RecognisersView, inventory: &Inventory) -> Markup {
    html! {
        dl.facts {
            dt { "Name" } dd { (api.name) }
            dt { "Its keys look like" } dd { code { (api.brand) "_live_…" } " or " code { (api.brand) "_test_…" } }
            dt { "A key works" } dd {
                @match api.key_life { Some(life) => (life.in_words()), None => "until it is revoked" }
            }
            dt { "Overlap" } dd { (api.overlap.in_words()) }
            dt { "A key found in public" } dd { (on_leak(api.on_leak)) }
            @if let Some(word) = &api.scanning_type { dt { "Scanned for as" } dd { code { (word) } } }
            @if !imported.recognisers.is_empty() {
                dt { "Keys issued elsewhere" } dd {
                    @for one in &imported.recognisers {
                        div { (count(one.keys, "key")) " recognised as " code { (one.rule) } }
                    }
                }
            }
            dt { "Known since" } dd { (moment(api.created_at, inventory.now)) }
            dt { "Id" } dd { code { (api.id) } }
        }
    }
}

fn change_form(visit: &Visit, api: &ApiView, typed: Option<(&Typed, &Wrong)>) -> Markup {
    let (typed, wrong) = typed.unzip();
    let now = Typed::of(api);
    let lines = html! {
        p { "For keys that are made from now on." }
        (lines("change", Some(typed.unwrap_or(&now))))
    };
    folded(visit, "Change", "Change", &place(api), wrong, &lines)
}

/// Whether customers are told of their keys.
async fn notices_part(inventory: &Inventory, api: &ApiView) -> Result<Markup, Refusal> {
    let settings = of_api::settings(inventory, &api.id).await?;
    Ok(html! {
        h2 #notices { "Notices to customers" }
        p {
            @match settings.started_at {
                Some(at) => { "Customers are told about their keys, since " (moment(at, inventory.now)) ". " }
                None => "Customers are told nothing yet. ",
            }
            a href={ (place(api)) "/notices" } { "Notices, webhooks and what was told" }
        }
    })
}

async fn customers_part(
    inventory: &Inventory,
    api: &ApiView,
    which: &Which,
) -> Result<Markup, Refusal> {
    let wanted = which.q.as_deref().unwrap_or_default().trim();
    let after: Option<String> = which.after.as_deref().map(paging::place).transpose()?;
    let read =
        async |limit| customers::find(inventory, &api.id, wanted, after.as_deref(), limit).await;
    let name = |one: &CustomerView| one.name.clone();
    let (shown, next) = paging::keyset(CUSTOMERS, name, read).await?;
    let path = place(api);
    Ok(html! {
        form.row.search method="get" action={ (path) "#customers" } role="search" {
            label { "Name begins with" input type="search" name="q" value=(wanted); }
            button.quiet type="submit" { "Search" }
        }
        @if shown.is_empty() {
            p { @if wanted.is_empty() { "No customer yet." } @else { "No customer of such a name." } }
        } @else {
            table.cards {
                thead { tr {
                    th scope="col" { "Customer" } th scope="col" { "Your id of it" }
                    th scope="col" { "Contact" } th scope="col" { "State" } th scope="col" { "Known since" }
                } }
                tbody { @for one in &shown { (customer(one, inventory)) } }
            }
        }
        (more(&path, &[("q", wanted)], next.as_deref()))
    })
}

fn customer(one: &CustomerView, inventory: &Inventory) -> Markup {
    html! {
        tr {
            th scope="row" { a.key href={ "/accounts/" (one.id) } { (one.name) } }
            td data-label="Your id of it" { (one.external_id.as_deref().unwrap_or("–")) }
            td data-label="Contact" { (one.contact.as_deref().unwrap_or("–")) }
            td data-label="State" {
                @match one.suspended_at {
                    Some(at) => { "suspended " (moment(at, inventory.now)) }
                    None => "active",
                }
            }
            td data-label="Known since" { (moment(one.created_at, inventory.now)) }
        }
    }
}

fn customer_form(visit: &Visit, api: &ApiView, typed: Option<(&Customer, &Wrong)>) -> Markup {
    let (typed, wrong) = typed.unzip();
    let lines = html! {
        (Field::new("customer", "name", "Name").value(typed.map(|typed| typed.name.as_str())).required()
            .about("Letters, digits, and - _ . @"))
        (Field::new("customer", "contact", "Mail address").kind("email")
            .value(typed.and_then(|typed| typed.contact.as_deref())))
        (Field::new("customer", "external_id", "Your id of it")
            .value(typed.and_then(|typed| typed.external_id.as_deref()))
            .about("By which your own programs know it."))
    };
    folded(visit, "Add a customer", "Add", &format!("{}/accounts", place(api)), wrong, &lines)
}

/// Changes how keys of an API are issued.
pub(in crate::http::console) async fn change(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let set = match typed.change() {
        Ok(change) => apis::set(&inventory, &word, |_, now| change.apply(now)).await,
        Err(error) => Err(error),
    };
    match set {
        Ok(api) => Ok(visit.done(&place(&api), "Changed, for keys that are made from now on.")),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let vain = Vain { change: Some((&typed, &wrong)), ..Vain::default() };
            Ok(wrong.on(show(&visit, &inventory, &word, &Which::default(), vain).await?))
        }
    }
}

/// Adds a customer.
pub(in crate::http::console) async fn add_customer(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Customer>,
) -> Result<Response, Refusal> {
    let new = NewCustomer {
        name: typed.name.clone(),
        contact: typed.contact.clone(),
        external_id: typed.external_id.clone(),
    };
    match customers::add(&inventory, &word, new).await {
        Ok(customer) => {
            let said = format!("{} was added. Its apps come next.", customer.name);
            Ok(visit.done(&format!("/accounts/{}", customer.id), &said))
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let vain = Vain { customer: Some((&typed, &wrong)), ..Vain::default() };
            Ok(wrong.on(show(&visit, &inventory, &word, &Which::default(), vain).await?))
        }
    }
}

/// Asks before an API is removed.
pub(in crate::http::console) async fn ask_remove(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let api = ApiView::of(&apis::get(&inventory, &word).await?);
    let title = format!("Remove {}?", api.name);
    let what = html! { p { "Only an API without customers is removed. The log keeps that it was there." } };
    Ok(removal(&visit, (PATH, &place(&api)), &title, "Remove it", &what))
}

/// Removes an API.
pub(in crate::http::console) async fn remove(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    apis::remove(&inventory, &word, |_| Ok(())).await?;
    Ok(visit.done(PATH, "The API is removed."))
}
