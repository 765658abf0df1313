//! Apps that a customer adds itself, where its API lets it.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::text::count;
use maud::{Markup, html};
use serde::Deserialize;

use super::PATH;
use super::list::{self, Vain, Which};
use super::session::Guest;
use crate::app::apps::{self, NewApp};
use crate::app::inventory::Inventory;
use crate::error::{Error, Kind};
use crate::http::console::form::{Field, Wrong, boxes};
use crate::http::console::visit::Form;
use crate::http::problem::Refusal;
use crate::store::apis::OwnApps;

/// An app to add.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    name: String,
    #[serde(default)]
    scopes: Vec<String>,
}

/// What whoever looks may add, if anything.
pub(super) fn may_add(guest: &Guest) -> Option<&OwnApps> {
    guest.brand.api.own_apps.as_ref().filter(|_| guest.may(Scope::AppsWrite))
}

/// The form; it stands open before the first app.
pub(super) fn form(guest: &Guest, is_first: bool, vain: Option<(&Typed, &Wrong)>) -> Markup {
    let Some(own) = may_add(guest) else { return html! {} };
    let (typed, wrong) = vain.unzip();
    html! {
        details.add open[is_first || wrong.is_some()] {
            summary { "Add an app" }
            form.stack method="post" action={ (PATH) "/apps" } {
                (guest.proof())
                @if let Some(wrong) = wrong { (wrong) }
                (Field::new("app", "name", "What it is called").value(typed.map(|typed| typed.name.as_str())).required()
                    .about("What uses the keys, such as web-shop: letters, digits, and - _ . @"))
                @if own.scopes.len() > 1 {
                    (boxes("What its keys may do at most", &html! { "Without a tick: all of it." },
                        own.scopes.iter().map(String::as_str), typed.map(|typed| &typed.scopes)))
                }
                small { "You may have " (count(own.most, "app")) ", with those that ended in the last 31 days." }
                button type="submit" { "Add the app" }
            }
        }
    }
}

/// Adds an app.
pub(super) async fn add(
    guest: Guest,
    inventory: Inventory,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    match added(&inventory, &typed).await {
        Ok(()) => {
            guest.state.node.wake();
            Ok(Guest::done(PATH, "app"))
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let vain = Vain { app: Some((&typed, &wrong)), ..Vain::default() };
            Ok(wrong.on(list::show(&guest, &inventory, &Which::default(), vain).await?))
        }
    }
}

async fn added(inventory: &Inventory, typed: &Typed) -> Result<(), Error> {
    let account = inventory.sight.account;
    let account = account.ok_or_else(|| Error::new("a page of nobody").kind(Kind::Internal))?;
    let name = typed.name.trim().to_owned();
    let new = NewApp { name, scopes: typed.scopes.clone(), ..NewApp::default() };
    apps::add(inventory, &account.to_string(), new).await.map(drop)
}
