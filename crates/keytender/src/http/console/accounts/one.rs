//! An account: what is known of it, the looks at it, and what can be changed.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::id::SyncId;
use keytender_core::time::Time;
use maud::{Markup, html};
use serde::Deserialize;

use super::{PATH, keys, place, reached};
use crate::app::accounts;
use crate::app::inventory::Inventory;
use crate::app::view::{AccountView, SyncView};
use crate::http::console::form::{Field, Wrong, removal};
use crate::http::console::listed::more;
use crate::http::console::visit::{Form, Visit};
use crate::http::console::words::moment;
use crate::http::console::{apis, customers, layout};
use crate::http::extract::{Path, Query};
use crate::http::page as paging;
use crate::http::problem::Refusal;
use crate::store::accounts::AccountKind;

/// How many looks a page has.
const LOOKS: u32 = 20;

/// From where on looks are shown.
#[derive(Debug, Default, Deserialize)]
pub(in crate::http::console) struct From {
    pub(in crate::http::console) after: Option<String>,
}

/// Who is to hear of keys without an owner.
#[derive(Debug, Deserialize)]
pub(in crate::http::console) struct Contact {
    contact: Option<String>,
}

/// Shows an account.
pub(in crate::http::console) async fn page(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Query(from): Query<From>,
) -> Result<Response, Refusal> {
    let account = accounts::view(&inventory, &word).await?;
    show(&visit, &inventory, &account, &from, None).await
}

/// Shows an account, with what went wrong.
pub(super) async fn show(
    visit: &Visit,
    inventory: &Inventory,
    account: &AccountView,
    from: &From,
    wrong: Option<&Wrong>,
) -> Result<Response, Refusal> {
    if account.kind == AccountKind::Customer {
        let vain = customers::Vain { other: wrong, ..customers::Vain::default() };
        return customers::show(visit, inventory, account, from, vain).await;
    }
    let content = html! {
        p { a href=(PATH) { "Accounts" } }
        h1 { (account.name) }
        @if let Some(wrong) = wrong { (wrong) }
        (facts(account, inventory))
        @if account.kind.is_asked() {
            (look_buttons(visit, account))
            h2 #looks { "Looks at it" }
            (looks(inventory, account, from).await?)
        }
        @if visit.may(Scope::AccountsWrite) && account.kind != AccountKind::Own {
            h2 { "Who hears of its keys without an owner" }
            (contact_form(visit, account))
            h2 { "Forget it" }
            p { "To forget an account takes its keys out of the inventory. Nothing happens at the provider." }
            p { a.button.quiet href={ (place(account)) "/remove" } { "Forget…" } }
        }
    };
    Ok(layout::page(visit, PATH, &account.name, &content))
}

fn facts(account: &AccountView, inventory: &Inventory) -> Markup {
    html! {
        dl.facts {
            dt { "Provider" } dd { (account.provider) }
            @if let Some(id) = &account.account { dt { "The provider’s id" } dd { (id) } }
            @if let Some(alias) = &account.alias { dt { "Alias" } dd { (alias) } }
            dt { "Reached by" } dd { (reached(account)) }
            @if account.access.external_id.is_some() { dt { "External id" } dd { "given" } }
            @if let (Some(name), Some(id)) = (&account.organization, &account.parent) {
                dt { "Found through" } dd { a href={ (PATH) "/" (id) } { (name) } }
            }
            dt { "Keys" } dd { a href=(keys(account, false)) { (account.keys) } }
            dt { "Due" } dd {
                @if account.due == 0 { "0" } @else { a href=(keys(account, true)) { (account.due) } }
            }
            @if let Some(contact) = &account.security_contact {
                dt { "The provider’s security contact" } dd { (contact) }
            }
            @if let Some(contact) = &account.contact { dt { "Contact" } dd { (contact) } }
            dt { "Known since" } dd { (moment(account.created_at, inventory.now)) }
            dt { "Id" } dd { code { (account.id) } }
        }
    }
}

fn look_buttons(visit: &Visit, account: &AccountView) -> Markup {
    html! {
        @if visit.may(Scope::AccountsSync) {
            div.row {
                form method="post" action={ (place(account)) "/look" } {
                    (visit.proof()) button type="submit" { "Look now" }
                }
                form method="post" action={ (place(account)) "/check" } {
                    (visit.proof()) button.quiet type="submit" { "Check permissions" }
                }
            }
        }
    }
}

async fn looks(
    inventory: &Inventory,
    account: &AccountView,
    from: &From,
) -> Result<Markup, Refusal> {
    let after: Option<(Time, String)> = from.after.as_deref().map(paging::place).transpose()?;
    let after = match after {
        Some((at, id)) => Some((at, id.parse::<SyncId>().map_err(|_| paging::bad_cursor())?)),
        None => None,
    };
    let last = |one: &SyncView| (one.started_at, one.id.clone());
    let read = async |limit| accounts::syncs(inventory, &account.id, limit, after).await;
    let (looks, next) = paging::keyset(LOOKS, last, read).await?;
    Ok(html! {
        @if looks.is_empty() { p { "None yet." } } @else {
            table.cards {
                thead { tr {
                    th scope="col" { "When" } th scope="col" { "Outcome" }
                    th.number scope="col" { "Keys seen" } th.number scope="col" { "Records changed" }
                    th scope="col" { "As the provider knew it" }
                } }
                tbody { @for one in &looks { (look(one, inventory)) } }
            }
        }
        (more(&place(account), &[], next.as_deref()))
    })
}

fn look(one: &SyncView, inventory: &Inventory) -> Markup {
    html! {
        tr {
            th scope="row" { (moment(one.started_at, inventory.now)) }
            td data-label="Outcome" {
                @match &one.error {
                    Some(error) => { b.critical { "failed" } small { (error) } }
                    None => "seen",
                }
                @for warning in &one.warnings { small { (warning) } }
            }
            td.number data-label="Keys seen" { (one.keys) }
            td.number data-label="Records changed" { (one.changes) }
            td data-label="As the provider knew it" {
                @match one.reported_at.or(one.observed_at) {
                    Some(at) => (moment(at, inventory.now)),
                    None => "–",
                }
            }
        }
    }
}

/// The form that sets who hears of its keys without an owner.
pub(in crate::http::console) fn contact_form(visit: &Visit, account: &AccountView) -> Markup {
    let contact = account.contact.as_deref();
    html! {
        form.stack method="post" action={ (place(account)) "/contact" } {
            (visit.proof())
            (Field::new("set", "contact", "Contact").kind("email").value(contact)
                .about("Empty: only the installation’s contact hears of them."))
            button type="submit" { "Set" }
        }
    }
}

/// Sets who hears of keys without an owner.
pub(in crate::http::console) async fn set_contact(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Contact>,
) -> Result<Response, Refusal> {
    let contact = typed.contact.as_deref();
    let set = accounts::set_contact(&inventory, &word, contact, |_| Ok(())).await;
    let account = accounts::view(&inventory, &word).await?;
    match set {
        Ok(()) => Ok(visit.done(&place(&account), "The contact is set.")),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let from = From::default();
            Ok(wrong.on(show(&visit, &inventory, &account, &from, Some(&wrong)).await?))
        }
    }
}

/// Asks before an account is forgotten.
pub(in crate::http::console) async fn ask_remove(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let account = accounts::view(&inventory, &word).await?;
    let all = accounts::list(&inventory).await?;
    let members = all.iter().filter(|one| one.parent.as_ref() == Some(&account.id));
    let (members, keys) =
        members.fold((0, account.keys), |(members, keys), one| (members + 1, keys + one.keys));
    let title = format!("Forget {}?", account.name);
    let what = match account.kind {
        AccountKind::Customer => what_of_customer(&account),
        _ => what_of(&account, members, keys),
    };
    Ok(removal(&visit, (PATH, &place(&account)), &title, "Forget it", &what))
}

/// What is lost with a customer of an API of ours.
fn what_of_customer(account: &AccountView) -> Markup {
    html! {
        ul {
            li { "The customer, its apps and " (account.keys) @if account.keys == 1 { " key" } @else { " keys" }
                " leave the inventory, with their history." }
            li { b { "Its keys stop for good: " } "no verifier knows them any more." }
            li { "The log keeps that it was there. To stop its keys for a while, suspend it." }
        }
    }
}

/// What is lost with an account whose keys are held.
fn what_of(account: &AccountView, members: u64, keys: u64) -> Markup {
    html! {
        ul {
            li { (keys) @if keys == 1 { " key leaves" } @else { " keys leave" }
                " the inventory, with their history, their owners and what was said of them." }
            @if members > 0 { li { (members) " members that were found through it go too." } }
            li { "Nobody is told of its keys any more, and what is kept sealed to reach it is gone." }
            li { "Nothing happens at " (account.provider) ": its keys go on working." }
            li { "The log keeps that it was there." }
        }
    }
}

/// Forgets an account.
pub(in crate::http::console) async fn remove(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let account = accounts::remove(&inventory, &word, |_| Ok(())).await?;
    let back = account.api_id.map_or(PATH.to_owned(), |api| format!("{}/{api}", apis::PATH));
    Ok(visit.done(&back, &format!("{} is forgotten.", account.name)))
}
