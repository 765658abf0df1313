//! A customer of an API of yours: an account whose keys you issue, with its apps.

use axum::response::{Redirect, Response};
use keytender_core::access::Scope;
use keytender_core::id::AppId;
use maud::{Markup, html};
use serde::Deserialize;

use super::accounts::one::{From, contact_form};
use super::apis::notices::of_customer;
use super::apps::{self as pages, Typed, limits};
use super::form::{Field, Wrong, folded};
use super::layout;
use super::listed::{more, with_query};
use super::visit::{Form, Visit};
use super::words::moment;
use crate::app::inventory::Inventory;
use crate::app::view::{AccountView, AppView, CustomerView};
use crate::app::{accounts, apps, customers, portal};
use crate::http::extract::Path;
use crate::http::page as paging;
use crate::http::problem::Refusal;

/// How many apps a page has.
const APPS: u32 = 100;

/// Whether somebody or something is stopped, and why.
#[derive(Debug, Deserialize)]
pub(super) struct Suspension {
    /// Whether it is to be stopped.
    #[serde(rename = "is")]
    pub(super) is_suspended: bool,
    /// Why.
    pub(super) because: Option<String>,
}

/// What was typed in vain, and why.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Vain<'v> {
    /// What is wrong with another form than that of an app.
    pub(super) other: Option<&'v Wrong>,
    /// The app.
    pub(super) app: Option<(&'v Typed, &'v Wrong)>,
}

/// Shows a customer.
pub(super) async fn show(
    visit: &Visit,
    inventory: &Inventory,
    account: &AccountView,
    from: &From,
    vain: Vain<'_>,
) -> Result<Response, Refusal> {
    let customer = customers::view(inventory, &account.id).await?;
    let content = html! {
        p { a href=(super::apis::PATH) { "Keys you issue" } " › "
            a href={ (super::apis::PATH) "/" (customer.api) } { (customer.api) } }
        h1 { (account.name) }
        @if let Some(wrong) = vain.other { (wrong) }
        (facts(account, &customer, inventory))
        @if visit.may(Scope::AppsRead) {
            h2 #apps { "Apps" }
            @if visit.may(Scope::AppsWrite) { (app_form(visit, account, vain.app)) }
            (apps_part(inventory, account, &customer, from).await?)
        }
        @if visit.may(Scope::AccountsAdmit) {
            h2 #portal { "Its key page" }
            p { "What the customer sees and does by itself. You open it as the customer; the log says that it was you." }
            form method="post" action={ "/accounts/" (account.id) "/portal" } {
                (visit.proof())
                button.quiet type="submit" { "Open the key page as this customer" }
            }
        }
        @if visit.may(Scope::ChannelsRead) { (of_customer(visit, inventory, &account.id).await?) }
        @if visit.may(Scope::AccountsWrite) {
            (suspension(visit, &format!("/accounts/{}/suspension", account.id), customer.suspended_at.is_some(),
                "the keys of all its apps"))
            h2 { "Contact" }
            (contact_form(visit, account))
            h2 { "Forget it" }
            p { "Its apps and keys go too, and the keys stop for good." }
            p { a.button.quiet href={ "/accounts/" (account.id) "/remove" } { "Forget…" } }
        }
    };
    Ok(layout::page(visit, super::apis::PATH, &account.name, &content))
}

fn facts(account: &AccountView, customer: &CustomerView, inventory: &Inventory) -> Markup {
    let keys = |due| with_query("/keys", &[("account", &account.name), ("due", due)], None);
    html! {
        dl.facts {
            dt { "State" } dd { (state(customer.suspended_at, inventory)) }
            dt { "Contact" } dd { (customer.contact.as_deref().unwrap_or("–")) }
            @if let Some(id) = &customer.external_id { dt { "Your id of it" } dd { (id) } }
            dt { "Keys" } dd { a href=(keys("")) { (account.keys) } }
            dt { "Due" } dd {
                @if account.due == 0 { "0" } @else { a href=(keys("true")) { (account.due) } }
            }
            dt { "Known since" } dd { (moment(customer.created_at, inventory.now)) }
            dt { "Id" } dd { code { (account.id) } }
        }
    }
}

/// Whether something is suspended, and since when.
pub(super) fn state(since: Option<keytender_core::time::Time>, inventory: &Inventory) -> Markup {
    html! {
        @match since {
            Some(at) => { span.tag.critical { "Suspended" } " " (moment(at, inventory.now)) }
            None => span.tag.active { "Active" },
        }
    }
}

/// The form that stops keys, or lets them work again; `what` says which.
pub(super) fn suspension(visit: &Visit, action: &str, is_suspended: bool, what: &str) -> Markup {
    html! {
        h2 #suspension { @if is_suspended { "Resume it" } @else { "Suspend it" } }
        @if is_suspended {
            p { "It lets " (what) " work again, but for those that were suspended or revoked by themselves." }
        } @else {
            p { "It stops " (what) ", on every verifier. It can be undone." }
        }
        form.stack method="post" action=(action) {
            (visit.proof())
            input type="hidden" name="is" value=(!is_suspended);
            (Field::new("suspend", "because", "Because").about("It stands in the log, with your name."))
            @if is_suspended { button type="submit" { "Resume" } }
            @else { button.danger type="submit" { "Suspend" } }
        }
    }
}

async fn apps_part(
    inventory: &Inventory,
    account: &AccountView,
    customer: &CustomerView,
    from: &From,
) -> Result<Markup, Refusal> {
    let after: Option<String> = from.after.as_deref().map(paging::place).transpose()?;
    let after = match after {
        Some(id) => Some(id.parse::<AppId>().map_err(|_| paging::bad_cursor())?),
        None => None,
    };
    let read =
        async |limit| apps::list(inventory, &customer.api, Some(&account.id), after, limit).await;
    let (shown, next) = paging::keyset(APPS, |one: &AppView| one.id.clone(), read).await?;
    Ok(html! {
        @if shown.is_empty() { p { "No app yet, and so no key." } } @else {
            table.cards {
                thead { tr {
                    th scope="col" { "App" } th scope="col" { "Its keys may" } th scope="col" { "Limits" }
                    th scope="col" { "Labels" } th scope="col" { "State" }
                } }
                tbody { @for one in &shown { tr {
                    th scope="row" { a.key href=(pages::place(one)) { (one.name) } }
                    td data-label="Its keys may" { (pages::scopes(&one.scopes)) }
                    td data-label="Limits" { (limits(one.rate, one.quota)) }
                    td data-label="Labels" { (pages::labels(&one.labels)) }
                    td data-label="State" { (state(one.suspended_at, inventory)) }
                } } }
            }
        }
        (more(&format!("/accounts/{}", account.id), &[], next.as_deref()))
    })
}

fn app_form(visit: &Visit, account: &AccountView, typed: Option<(&Typed, &Wrong)>) -> Markup {
    let (typed, wrong) = typed.unzip();
    let lines = html! {
        (Field::new("app", "name", "Name").value(typed.and_then(|typed| typed.name.as_deref())).required()
            .about("What the customer builds, or a person or service of theirs. Such as web-shop."))
        (pages::lines("app", typed))
    };
    folded(visit, "Add an app", "Add", &format!("/accounts/{}/apps", account.id), wrong, &lines)
}

/// Adds an app to a customer.
pub(super) async fn add_app(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let added = match typed.new_app() {
        Ok(new) => apps::add(&inventory, &word, new).await,
        Err(error) => Err(error),
    };
    match added {
        Ok(app) => {
            let said = format!("{} was added. Make a key for it.", app.name);
            Ok(visit.done(&pages::place(&app), &said))
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let account = accounts::view(&inventory, &word).await?;
            let vain = Vain { app: Some((&typed, &wrong)), ..Vain::default() };
            Ok(wrong.on(show(&visit, &inventory, &account, &From::default(), vain).await?))
        }
    }
}

/// Opens the key page as the customer.
pub(super) async fn open_portal(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Redirect, Refusal> {
    Ok(Redirect::to(&portal::path_for_staff(&inventory, &word, false).await?))
}

/// Stops every key of a customer, or lets them work again.
pub(super) async fn suspend(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(asked): Form<Suspension>,
) -> Result<Response, Refusal> {
    let because = asked.because.as_deref();
    match customers::suspend(&inventory, &word, asked.is_suspended, because).await {
        Ok(customer) => {
            visit.state.node.follow().await?;
            let said = match asked.is_suspended {
                true => format!("{} is suspended: none of its keys works.", customer.name),
                false => format!("{} is resumed: its keys work again.", customer.name),
            };
            Ok(visit.done(&format!("/accounts/{}", customer.id), &said))
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let account = accounts::view(&inventory, &word).await?;
            let vain = Vain { other: Some(&wrong), ..Vain::default() };
            Ok(wrong.on(show(&visit, &inventory, &account, &From::default(), vain).await?))
        }
    }
}
