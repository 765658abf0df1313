//! One key of a customer: how it stands, who uses it, and what can be done with it.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::key::State as KeyState;
use keytender_core::text::count;
use keytender_core::time::Time;
use maud::{Markup, html};
use serde::Deserialize;

use super::session::{Guest, place};
use super::{PATH, hint, layout, list, rotation};
use crate::app::acts::{self, Act, Asked};
use crate::app::inventory::Inventory;
use crate::app::view::{AppView, KeyChange, KeyView, RotationView, UsageView};
use crate::app::{apps, issued, keys};
use crate::error::{Error, Kind};
use crate::http::console::form::{Field, Wrong};
use crate::http::console::key::{can_end, drawn};
use crate::http::console::key_words::{self, text};
use crate::http::console::places;
use crate::http::console::visit::Form;
use crate::http::console::words::moment;
use crate::http::extract::Path;
use crate::http::problem::Refusal;

/// A key with what stands beside it.
pub(super) struct Read {
    pub(super) view: KeyView,
    pub(super) app: AppView,
    pub(super) usage: UsageView,
    pub(super) rotation: Option<RotationView>,
}

impl Read {
    /// Reads it.
    ///
    /// # Errors
    /// When there is none that is the customer's.
    pub(super) async fn of(inventory: &Inventory, word: &str) -> Result<Self, Error> {
        let view = keys::view(inventory, word).await?;
        let missing = || Error::not_found(format!("there is no key `{word}`"));
        let app = view.issued.as_ref().map(|issued| issued.app.clone()).ok_or_else(missing)?;
        let rotation = match issued::rotation_view(inventory, &view.key).await {
            Ok(rotation) => Some(rotation),
            Err(error) if error.of_kind() == Kind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Self {
            app: apps::view(inventory, &app).await?,
            usage: issued::usage(inventory, &view.key).await?,
            rotation,
            view,
        })
    }
}

/// The key.
pub(super) async fn page(
    guest: Guest,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    show(&guest, &inventory, &word, None, None).await
}

/// The key, with why what was asked was not done.
pub(super) async fn show_wrong(
    guest: &Guest,
    inventory: &Inventory,
    word: &str,
    error: Error,
    asked: Option<&rotation::Typed>,
) -> Result<Response, Refusal> {
    if error.of_kind() == Kind::NotFound {
        return Err(error.into());
    }
    let wrong = Wrong::of(error)?;
    Ok(wrong.on(show(guest, inventory, word, Some(&wrong), asked).await?))
}

async fn show(
    guest: &Guest,
    inventory: &Inventory,
    word: &str,
    wrong: Option<&Wrong>,
    asked: Option<&rotation::Typed>,
) -> Result<Response, Refusal> {
    let read = Read::of(inventory, word).await?;
    let (view, now) = (&read.view, inventory.now);
    let content = html! {
        p { a href=(PATH) { "Your keys" } }
        @if let Some(wrong) = wrong { (wrong) }
        h1 { bdi { (hint::name(view)) } }
        p.line { (list::state(view))
            @if let Some(id) = &view.id { " " code data-copy { (key_words::plain(id)) } } }
        p { "Last used: " (key_words::last_use(view, now)) }
        (stands(&read, now))
        (hint::all(view, now))
        @if can_end(view.state) { (ways(guest, &read, asked, now)?) }
        h2 #use { "When and where it was used" }
        (used(&read.usage, now))
        h2 { "What it is" }
        (facts(&read, now))
        @if guest.may(Scope::KeysWrite) { (rename_form(guest, view)) }
    };
    Ok(layout::page(guest, &hint::name(view), &content))
}

/// What stops it, or has ended it.
fn stands(read: &Read, now: Time) -> Markup {
    let view = &read.view;
    html! {
        @if let Some(at) = read.app.suspended_at {
            p.wrong { "Its app " b { (text(&read.app.name)) } " is suspended since " (moment(at, now))
                ": it does not work until that ends." }
        }
        @if !can_end(view.state) {
            p.note {
                "It has ended, for good."
                @if let Some(next) = view.issued.as_ref().and_then(|issued| issued.replaced_by.as_ref()) {
                    " " a href=(place(next)) { "A new key" } " took its place."
                }
            }
        }
    }
}

/// What can be done: rotate, suspend, revoke.
fn ways(
    guest: &Guest,
    read: &Read,
    asked: Option<&rotation::Typed>,
    now: Time,
) -> Result<Markup, Refusal> {
    let view = &read.view;
    Ok(html! {
        h2 { "What you can do" }
        div.ways {
            (rotation::section(guest, read, asked, now)?)
            @if guest.may(Scope::KeysAct) { (suspension(guest, view)) }
            @if guest.may(Scope::KeysIssue) {
                section.way {
                    h3 { "Revoke" }
                    p { "It is refused everywhere, at once and for good. Also if it leaked." }
                    p { a.button.quiet href={ (place(&view.key)) "/revocation" } { "Revoke…" } }
                }
            }
        }
    })
}

fn suspension(guest: &Guest, view: &KeyView) -> Markup {
    let is_suspended = view.state == KeyState::Suspended;
    html! {
        @if is_suspended || view.state == KeyState::Active {
            section.way {
                h3 { @if is_suspended { "Resume" } @else { "Suspend" } }
                p {
                    @if !is_suspended { "It does not work until you resume it. A way to find out who needs it." }
                    @else if view.exposed == Some(true) { "Somebody else may know it, so it does not work again: make another, and revoke this one." }
                    @else { "It works again, for whoever has it." }
                }
                @if !(is_suspended && view.exposed == Some(true)) {
                    form method="post" action={ (place(&view.key)) "/suspension" } {
                        (guest.proof())
                        input type="hidden" name="is" value=(!is_suspended);
                        button.quiet type="submit" { @if is_suspended { "Resume it" } @else { "Suspend it" } }
                    }
                }
            }
        }
    }
}

/// How it was used: a picture of days, and the places.
fn used(usage: &UsageView, now: Time) -> Markup {
    html! {
        @match usage.last_used_at {
            None => p { "It was never used. Send it with a request, and a second later it is seen here." },
            Some(at) => {
                p { "Used " b { (count(usage.uses, "time")) } " in all, last " (moment(at, now))
                    @if let Some(address) = &usage.address { " from " code { (text(address)) } }
                    @if let Some(agent) = &usage.agent { " by " (text(agent)) }
                    "." }
                (drawn(usage, now))
                @if !usage.places.is_empty() { (places::table(usage, now)) }
            }
        }
    }
}

fn facts(read: &Read, now: Time) -> Markup {
    let view = &read.view;
    html! {
        dl.facts {
            dt { "App" } dd { (text(&read.app.name)) }
            @if let Some(issued) = &view.issued {
                dt { "It may" } dd {
                    @if issued.scopes.is_empty() { span.dim { "nothing is said" } } @else { code { (issued.scopes.join(" ")) } }
                }
                dt { "Used from" } dd {
                    @if issued.networks.is_empty() { "everywhere" } @else { code { (issued.networks.join(" ")) } }
                }
            }
            @if let Some(at) = view.created_at { dt { "Made" } dd { (at.date()) ", " (moment(at, now)) } }
            dt { "Ends" } dd {
                @match view.expires_at { Some(at) => { (at.date()) ", " (moment(at, now)) } None => "not by itself" }
            }
            @if let Some(issued) = &view.issued {
                @if let Some(id) = &issued.replaces { dt { "Takes the place of" } dd { a href=(place(id)) { "an old key" } } }
                @if let Some(id) = &issued.replaced_by { dt { "Replaced by" } dd { a href=(place(id)) { "a new key" } } }
                @if let Some(at) = issued.revoked_at { dt { "Ended" } dd { (at.date()) ", " (moment(at, now)) } }
            }
        }
    }
}

fn rename_form(guest: &Guest, view: &KeyView) -> Markup {
    html! {
        details.add {
            summary { "Give it another name" }
            form.stack method="post" action={ (place(&view.key)) "/name" } {
                (guest.proof())
                (Field::new("name", "label", "Name").value(view.label.as_deref()).required())
                button type="submit" { "Rename it" }
            }
        }
    }
}

/// A new name.
#[derive(Debug, Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    label: String,
}

/// Gives a key another name.
pub(super) async fn rename(
    guest: Guest,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(named): Form<Named>,
) -> Result<Response, Refusal> {
    let change = KeyChange { label: Some(named.label.trim().to_owned()), ..KeyChange::default() };
    match keys::set(&inventory, &word, &change, |_| Ok(())).await {
        Ok(view) => Ok(Guest::done(&place(&view.key), "renamed")),
        Err(error) => show_wrong(&guest, &inventory, &word, error, None).await,
    }
}

/// Whether a key is to be stopped.
#[derive(Debug, Deserialize)]
pub(super) struct Suspension {
    #[serde(rename = "is")]
    is_suspended: bool,
}

/// Stops a key for a while, or lets it work again.
pub(super) async fn suspend(
    guest: Guest,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(asked): Form<Suspension>,
) -> Result<Response, Refusal> {
    let act = if asked.is_suspended { Act::Disable } else { Act::Enable };
    match acts::run(&inventory, &word, &Asked { act, why: None, really: false }).await {
        Ok(id) => {
            guest.state.node.follow().await?;
            let word = if asked.is_suspended { "suspended" } else { "resumed" };
            Ok(Guest::done(&place(&id.to_string()), word))
        }
        Err(error) => show_wrong(&guest, &inventory, &word, error, None).await,
    }
}
