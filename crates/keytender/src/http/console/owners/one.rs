//! An owner: how they are told, and which keys they answer for.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::owner::ClaimKind;
use maud::{Markup, html};
use serde::Deserialize;

use super::{PATH, Typed, keys, lines, place};
use crate::app::inventory::Inventory;
use crate::app::view::{ClaimView, OwnerView};
use crate::app::{evaluate, owners};
use crate::http::console::form::{Choice, Field, Wrong, folded, removal};
use crate::http::console::layout;
use crate::http::console::visit::{Form, Visit};
use crate::http::console::words::moment;
use crate::http::extract::Path;
use crate::http::problem::Refusal;

/// By what keys may be claimed, the narrowest first.
const KINDS: [(ClaimKind, &str); 4] = [
    (ClaimKind::Principal, "the name of their user or app"),
    (ClaimKind::Tag, "a tag"),
    (ClaimKind::Account, "their account"),
    (ClaimKind::Provider, "their provider"),
];

/// A claim that is typed in.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::http::console) struct Claim {
    by: ClaimKind,
    tag: Option<String>,
    #[serde(default)]
    pattern: String,
}

impl Claim {
    fn view(&self) -> ClaimView {
        ClaimView { by: self.by, tag: self.tag.clone(), pattern: self.pattern.clone() }
    }
}

/// What was typed in vain, and why.
#[derive(Clone, Copy, Debug, Default)]
struct Vain<'v> {
    change: Option<(&'v Typed, &'v Wrong)>,
    claim: Option<(&'v Claim, &'v Wrong)>,
}

/// Shows an owner.
pub(in crate::http::console) async fn page(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    evaluate::run(&inventory.store, inventory.now).await?;
    let owner = owners::view(&inventory, &word).await?;
    Ok(show(&visit, &inventory, &owner, Vain::default()))
}

fn show(visit: &Visit, inventory: &Inventory, owner: &OwnerView, vain: Vain<'_>) -> Response {
    let may_write = visit.may(Scope::OwnersWrite);
    let content = html! {
        p { a href=(PATH) { "Owners" } }
        h1 { (owner.name) }
        dl.facts {
            dt { "Mail address" } dd { (owner.address) }
            dt { "Time zone" } dd { (owner.time_zone) }
            dt { "Keys" } dd { a href=(keys(owner, false)) { (owner.keys) } }
            dt { "Due" } dd {
                @if owner.due == 0 { "0" } @else { a href=(keys(owner, true)) { (owner.due) } }
            }
            dt { "Known since" } dd { (moment(owner.created_at, inventory.now)) }
            dt { "Id" } dd { code { (owner.id) } }
        }
        @if may_write { (change_form(visit, owner, vain.change)) }
        h2 #claims { "Claims" }
        (claims(visit, owner, may_write))
        @if may_write {
            (claim_form(visit, owner, vain.claim))
            h2 { "Remove them" }
            p { "Their keys have no owner then, unless another’s claim holds." }
            p { a.button.quiet href={ (place(owner)) "/remove" } { "Remove…" } }
        }
    };
    layout::page(visit, PATH, &owner.name, &content)
}

fn change_form(visit: &Visit, owner: &OwnerView, typed: Option<(&Typed, &Wrong)>) -> Markup {
    let (typed, wrong) = typed.unzip();
    let now = Typed {
        name: owner.name.clone(),
        address: owner.address.clone(),
        time_zone: Some(owner.time_zone.clone()),
    };
    let lines = lines("change", Some(typed.unwrap_or(&now)));
    folded(visit, "Change", "Change", &place(owner), wrong, &lines)
}

fn claims(visit: &Visit, owner: &OwnerView, may_write: bool) -> Markup {
    html! {
        p.dim { "Of several claims the narrowest wins: tag, principal, account, provider. What was said of one key by \
                 hand stands above all." }
        @if owner.claims.is_empty() { p { "None: only keys that were given to them by hand are theirs." } }
        ul.plain.rows { @for claim in &owner.claims { li {
            div.row {
                span { (sentence(claim)) }
                @if may_write {
                    form method="post" action={ (place(owner)) "/claims/remove" } {
                        (visit.proof())
                        input type="hidden" name="by" value=(claim.by.as_str());
                        input type="hidden" name="tag" value=[claim.tag.as_deref()];
                        input type="hidden" name="pattern" value=(claim.pattern);
                        button.quiet type="submit" aria-label={ "Take back: " (claim.pattern) } { "Take back" }
                    }
                }
            }
        } } }
    }
}

fn sentence(claim: &ClaimView) -> Markup {
    html! {
        "Every key whose "
        @match (claim.by, &claim.tag) {
            (ClaimKind::Tag, Some(tag)) => { "tag " code { (tag) } }
            (kind, _) => (kind.as_str()),
        }
        " is " code { (claim.pattern) }
    }
}

fn claim_form(visit: &Visit, owner: &OwnerView, typed: Option<(&Claim, &Wrong)>) -> Markup {
    let (typed, wrong) = typed.unzip();
    let kinds = KINDS.map(|(kind, text)| (kind.as_str(), text));
    let lines = html! {
        (Choice::new("claim", "by", "By", kinds).chosen(typed.map(|typed| typed.by.as_str())))
        (Field::new("claim", "tag", "Tag").value(typed.and_then(|typed| typed.tag.as_deref()))
            .about("Its name, if by a tag."))
        (Field::new("claim", "pattern", "Looks like").value(typed.map(|typed| typed.pattern.as_str()))
            .required().about("* stands for any letters, ? for one: svc-*"))
    };
    folded(visit, "Claim keys", "Claim", &format!("{}/claims", place(owner)), wrong, &lines)
}

/// Changes an owner's address or time zone.
pub(in crate::http::console) async fn change(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let owner = owners::view(&inventory, &word).await?;
    let (address, zone) = (Some(typed.address.as_str()), typed.time_zone.as_deref());
    match owners::set(&inventory, &owner.id, address, zone, |_| Ok(())).await {
        Ok(_) => Ok(visit.done(&place(&owner), "Changed.")),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let vain = Vain { change: Some((&typed, &wrong)), ..Vain::default() };
            Ok(wrong.on(show(&visit, &inventory, &owner, vain)))
        }
    }
}

/// Claims keys.
pub(in crate::http::console) async fn claim(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Claim>,
) -> Result<Response, Refusal> {
    let owner = owners::view(&inventory, &word).await?;
    match owners::claim(&inventory, &owner.id, &typed.view(), false).await {
        Ok(()) => {
            evaluate::run(&inventory.store, inventory.now).await?;
            let now = owners::view(&inventory, &owner.id).await?;
            let word = match now.keys {
                1 => format!("Claimed. {} answers for 1 key now.", now.name),
                keys => format!("Claimed. {} answers for {keys} keys now.", now.name),
            };
            Ok(visit.done(&place(&owner), &word))
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let vain = Vain { claim: Some((&typed, &wrong)), ..Vain::default() };
            Ok(wrong.on(show(&visit, &inventory, &owner, vain)))
        }
    }
}

/// Takes a claim back.
pub(in crate::http::console) async fn disclaim(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Claim>,
) -> Result<Response, Refusal> {
    let owner = owners::view(&inventory, &word).await?;
    owners::claim(&inventory, &owner.id, &typed.view(), true).await?;
    evaluate::run(&inventory.store, inventory.now).await?;
    Ok(visit.done(&place(&owner), "The claim is taken back."))
}

/// Asks before an owner is removed.
pub(in crate::http::console) async fn ask_remove(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    evaluate::run(&inventory.store, inventory.now).await?;
    let owner = owners::view(&inventory, &word).await?;
    let title = format!("Remove {}?", owner.name);
    let what = html! {
        p {
            @match owner.keys {
                0 => "They answer for no key.",
                1 => "1 key has no owner then, unless another's claim holds.",
                keys => { (keys) " keys have no owner then, unless another's claim holds." }
            }
            " They are told nothing any more. The log keeps that they were there."
        }
    };
    Ok(removal(&visit, (PATH, &place(&owner)), &title, "Remove the owner", &what))
}

/// Removes an owner.
pub(in crate::http::console) async fn remove(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let owner = owners::view(&inventory, &word).await?;
    owners::remove(&inventory, &owner.id, |_| Ok(())).await?;
    evaluate::run(&inventory.store, inventory.now).await?;
    Ok(visit.done(PATH, &format!("{} was removed.", owner.name)))
}
