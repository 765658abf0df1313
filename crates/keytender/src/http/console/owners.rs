//! Owners: who answers for which keys, and whom names and tags suggest for the others.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::text::count;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::{Field, Wrong, folded};
use super::layout;
use super::listed::{Listed, with_query};
use super::visit::{Form, Visit};
use crate::app::inventory::Inventory;
use crate::app::view::{OwnerView, SuggestionView};
use crate::app::{evaluate, owners};
use crate::http::extract::Query;
use crate::http::problem::Refusal;

pub(super) mod one;

const PATH: &str = "/owners";
/// How many suggestions are shown; all are accepted.
const SUGGESTIONS: usize = 50;

/// What is typed in of an owner.
#[derive(Debug, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    address: String,
    time_zone: Option<String>,
}

/// Where an owner's page is.
fn place(owner: &OwnerView) -> String {
    format!("{PATH}/{}", owner.id)
}

/// Shows every owner.
pub(super) async fn list(
    visit: Visit,
    inventory: Inventory,
    Query(listed): Query<Listed>,
) -> Result<Response, Refusal> {
    show(&visit, &inventory, &listed, None).await
}

/// Adds an owner.
pub(super) async fn add(
    visit: Visit,
    inventory: Inventory,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let zone = typed.time_zone.as_deref().unwrap_or(owners::DEFAULT_TIME_ZONE);
    match owners::add(&inventory, &typed.name, &typed.address, zone).await {
        Ok(owner) => {
            let word = format!("{} was added. Claims say which keys are theirs.", owner.name);
            Ok(visit.done(&format!("{PATH}/{}", owner.id), &word))
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = show(&visit, &inventory, &Listed::default(), Some((&typed, &wrong))).await?;
            Ok(wrong.on(page))
        }
    }
}

async fn show(
    visit: &Visit,
    inventory: &Inventory,
    listed: &Listed,
    typed: Option<(&Typed, &Wrong)>,
) -> Result<Response, Refusal> {
    evaluate::run(&inventory.store, inventory.now).await?;
    let mut all = owners::list(inventory).await?;
    all.retain(|one| listed.finds(&[&one.name, &one.address]));
    let number = all.len() as u64;
    let (shown, next) = listed.page(all, |one| one.name.clone())?;
    let sees_all = inventory.sight.owner.is_none();
    let content = html! {
        h1 { "Owners" }
        p.dim { "Who answers for which keys, and is told about them." }
        @if sees_all {
            p { a href="/keys?owner=none" { "Keys without an owner" } }
        }
        @if visit.may(Scope::OwnersWrite) { (add_form(visit, typed)) }
        @if sees_all { (listed.search(PATH, "Name or address")) }
        @if shown.is_empty() {
            p { @if listed.wanted().is_empty() { "No owner yet." } @else { "No owner like this." } }
        } @else {
            table.cards {
                caption { (count(number, "owner")) }
                thead { tr {
                    th scope="col" { "Owner" } th scope="col" { "Address" } th scope="col" { "Claims" }
                    th.number scope="col" { "Keys" } th.number scope="col" { "Due" }
                } }
                tbody { @for one in &shown { (row(one)) } }
            }
        }
        (listed.more(PATH, next.as_deref()))
        @if sees_all && visit.may(Scope::KeysRead) { (suggestions(visit, inventory).await?) }
    };
    Ok(layout::page(visit, PATH, "Owners", &content))
}

fn row(owner: &OwnerView) -> Markup {
    html! {
        tr {
            th scope="row" { a.key href=(place(owner)) { (owner.name) } }
            td data-label="Address" { (owner.address) @if owner.time_zone != "UTC" { small { (owner.time_zone) } } }
            td data-label="Claims" { (owner.claims.len()) }
            td.number data-label="Keys" { a href=(keys(owner, false)) { (owner.keys) } }
            td.number data-label="Due" {
                @if owner.due == 0 { "0" } @else { a href=(keys(owner, true)) { (owner.due) } }
            }
        }
    }
}

/// Where the keys of an owner are listed.
fn keys(owner: &OwnerView, is_due: bool) -> String {
    let due = if is_due { "true" } else { "" };
    with_query("/keys", &[("owner", &owner.id), ("due", due)], None)
}

fn add_form(visit: &Visit, typed: Option<(&Typed, &Wrong)>) -> Markup {
    let (typed, wrong) = typed.unzip();
    let lines = html! {
        (Field::new("add", "name", "Name").value(typed.map(|typed| typed.name.as_str())).required()
            .about("A person or a team."))
        (lines("add", typed))
    };
    folded(visit, "Add an owner", "Add", PATH, wrong, &lines)
}

/// What a form asks of an owner beside the name.
fn lines(form: &str, typed: Option<&Typed>) -> Markup {
    html! {
        (Field::new(form, "address", "Mail address").kind("email")
            .value(typed.map(|typed| typed.address.as_str())).required())
        (Field::new(form, "time_zone", "Time zone").value(typed.and_then(|typed| typed.time_zone.as_deref()))
            .about("Notices go out in its working hours. By its IANA name, such as Europe/Berlin; UTC if none is given."))
    }
}

async fn suggestions(visit: &Visit, inventory: &Inventory) -> Result<Markup, Refusal> {
    let all = owners::suggestions(inventory).await?;
    let keys: u64 = all.iter().map(|one| one.keys).sum();
    let may_accept = visit.may(Scope::OwnersWrite) && visit.may(Scope::KeysWrite);
    Ok(html! {
        @if !all.is_empty() {
            h2 #suggestions { "Suggestions" }
            p { "Names and tags of keys without an owner hold mail addresses: " (keys)
                @if keys == 1 { " key." } @else { " keys." } }
            table.cards {
                thead { tr {
                    th scope="col" { "Address" } th scope="col" { "Owner" } th scope="col" { "Because of" }
                    th.number scope="col" { "Keys" } th scope="col" { "Such as" }
                } }
                tbody { @for one in all.iter().take(SUGGESTIONS) { (suggestion(one)) } }
            }
            @if all.len() > SUGGESTIONS { p.dim { "And " (all.len() - SUGGESTIONS) " more." } }
            @if may_accept { p { a.button.quiet href={ (PATH) "/suggestions" } { "Accept all…" } } }
        }
    })
}

fn suggestion(one: &SuggestionView) -> Markup {
    html! {
        tr {
            th scope="row" { (one.address) }
            td data-label="Owner" { @match &one.owner { Some(name) => (name), None => "is added" } }
            td data-label="Because of" {
                @if one.by == "principal" { "the principal’s name" } @else { "the tag " code { (one.by) } }
            }
            td.number data-label="Keys" { (one.keys) }
            td data-label="Such as" { (one.examples.join(", ")) }
        }
    }
}

/// Asks before all suggestions are accepted.
pub(super) async fn ask_accept(visit: Visit, inventory: Inventory) -> Result<Response, Refusal> {
    evaluate::run(&inventory.store, inventory.now).await?;
    let all = owners::suggestions(&inventory).await?;
    let keys: u64 = all.iter().map(|one| one.keys).sum();
    let new = all.iter().filter(|one| one.owner.is_none());
    let new: std::collections::BTreeSet<&str> = new.map(|one| one.address.as_str()).collect();
    let content = html! {
        h1 { "Accept all suggestions?" }
        p { (keys) @if keys == 1 { " key gets an owner" } @else { " keys get an owner" }
            @if !new.is_empty() { ", and " (new.len()) @if new.len() == 1 { " owner is" } @else { " owners are" } " added" }
            ". Once notices go out, they are told what is due." }
        form.row method="post" action={ (PATH) "/suggestions" } {
            (visit.proof())
            button type="submit" { "Accept all" }
            a.button.quiet href=(PATH) { "Accept none" }
        }
    };
    Ok(layout::page(&visit, PATH, "Accept all suggestions?", &content))
}

/// Accepts all suggestions.
pub(super) async fn accept(visit: Visit, inventory: Inventory) -> Result<Response, Refusal> {
    evaluate::run(&inventory.store, inventory.now).await?;
    let assigned = owners::accept(&inventory).await?;
    evaluate::run(&inventory.store, inventory.now).await?;
    let word = match assigned {
        1 => "1 key got an owner.".to_owned(),
        count => format!("{count} keys got an owner."),
    };
    Ok(visit.done(PATH, &word))
}
