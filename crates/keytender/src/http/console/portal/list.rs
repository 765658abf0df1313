//! A customer's keys: the first page.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::key::State as KeyState;
use keytender_core::text::count;
use maud::{Markup, html};
use serde::Deserialize;

use super::PATH;
use super::apps as own;
use super::hint;
use super::layout;
use super::make::{self, Typed};
use super::session::{Guest, place};
use crate::app::inventory::Inventory;
use crate::app::report::Form;
use crate::app::view::{AppView, KeyQuery, KeyView};
use crate::app::{apps, keys};
use crate::http::api::keys as cursors;
use crate::http::api::reports;
use crate::http::console::form::Wrong;
use crate::http::console::key::can_end;
use crate::http::console::key_words::{last_use, plain, text};
use crate::http::console::listed::more;
use crate::http::console::words::moment;
use crate::http::extract::Query;
use crate::http::page as paging;
use crate::http::problem::Refusal;

/// How many keys a page has.
const KEYS: u32 = 50;
/// The most apps of a customer that are offered for a new key.
const APPS: u32 = 200;
/// How the states are chosen between: the word in an address and the words of people.
const STATES: [(&str, &str, Option<KeyState>); 4] = [
    ("", "All", None),
    ("active", "Working", Some(KeyState::Active)),
    ("suspended", "Suspended", Some(KeyState::Suspended)),
    ("ended", "Ended", Some(KeyState::Deactivated)),
];

/// Which keys are shown.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    q: Option<String>,
    state: Option<String>,
    after: Option<String>,
}

/// The keys.
pub(super) async fn page(
    guest: Guest,
    inventory: Inventory,
    Query(which): Query<Which>,
) -> Result<Response, Refusal> {
    show(&guest, &inventory, &which, Vain::default()).await
}

/// What was typed in vain, and why.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Vain<'v> {
    /// A key to make.
    pub(super) key: Option<(&'v Typed, &'v Wrong)>,
    /// An app to add.
    pub(super) app: Option<(&'v own::Typed, &'v Wrong)>,
}

/// The keys, with a form that was filled in vain.
pub(super) async fn show(
    guest: &Guest,
    inventory: &Inventory,
    which: &Which,
    vain: Vain<'_>,
) -> Result<Response, Refusal> {
    let wanted = which.q.as_deref().unwrap_or_default().trim();
    let state = which.state.as_deref().unwrap_or_default();
    let chosen = STATES.iter().find(|(word, ..)| *word == state).and_then(|(.., state)| *state);
    let query = KeyQuery {
        text: Some(wanted.to_owned()).filter(|text| !text.is_empty()),
        state: chosen,
        ..KeyQuery::default()
    };
    let after = match &which.after {
        Some(cursor) => Some(cursors::place(cursor, query.sort.unwrap_or_default())?),
        None => None,
    };
    let found = keys::list(inventory, &query, KEYS, after).await?;
    let next = found.next.map(|at| paging::cursor(&(query.sort.unwrap_or_default(), at)));
    let next = next.transpose()?;
    let apps = apps::list(inventory, &guest.brand.api.id, None, None, APPS).await?;
    let is_all = query.text.is_none() && chosen.is_none() && which.after.is_none();
    let content = html! {
        h1 { "Your keys" }
        (stopped(guest, &apps, inventory))
        @if found.keys.is_empty() && is_all { (empty(guest, &apps)) }
        @if guest.may(Scope::KeysIssue) {
            (make::form(guest, &apps, found.keys.is_empty() && is_all, vain.key)?)
        }
        (own::form(guest, apps.is_empty(), vain.app))
        @if !(found.keys.is_empty() && is_all) {
            (search(wanted, state))
            p.summary { span { (count(found.total, "key")) }
                @if guest.may(Scope::ReportsRead) {
                    a href={ (PATH) "/report" } download="credential-report.csv" { "Download the credential report" }
                } }
            @if found.keys.is_empty() {
                p.note { "No such key. " a href=(PATH) { "Show all of them" } "." }
            } @else { (table(&found.keys, &apps, inventory)) }
            (more(PATH, &[("q", wanted), ("state", state)], next.as_deref()))
        }
    };
    Ok(layout::page(guest, "Your keys", &content))
}

/// What stops keys beside themselves.
fn stopped(guest: &Guest, apps: &[AppView], inventory: &Inventory) -> Markup {
    html! {
        @if let Some(at) = guest.opened.suspended_at {
            p.wrong role="alert" { "Your account is suspended since " (moment(at, inventory.now))
                ": none of these keys works. " (layout::support(&guest.brand, "Ask us")) " why." }
        }
        @for app in apps {
            @if let Some(at) = app.suspended_at {
                p.wrong { "The app " b { (text(&app.name)) } " is suspended since " (moment(at, inventory.now))
                    ": none of its keys works. " (layout::support(&guest.brand, "Ask us")) " why." }
            }
        }
    }
}

/// Before the first key.
fn empty(guest: &Guest, apps: &[AppView]) -> Markup {
    html! {
        div.note {
            @if apps.is_empty() {
                p { "There is no app of yours yet, and so no key. "
                    @if own::may_add(guest).is_some() { "Add one, and make its first key here." }
                    @else { (layout::support(&guest.brand, "Ask us")) " for one, and make its first key here." } }
            } @else {
                p { "No key yet. Make the first one, put it where your program reads it, and send it in the header "
                    code { "Authorization: Bearer …" } "." }
                @if let Some(docs) = &guest.brand.api.portal.docs {
                    p { a href=(docs) rel="noreferrer" target="_blank" { "How the API is used" } }
                }
            }
        }
    }
}

fn search(wanted: &str, state: &str) -> Markup {
    html! {
        form.row.search method="get" action=(PATH) role="search" {
            label { "Search" input type="search" name="q" value=(wanted) placeholder="name or id"; }
            label { "State" select name="state" {
                @for (word, words, _) in STATES { option value=(word) selected[word == state] { (words) } }
            } }
            button.quiet type="submit" { "Show" }
        }
    }
}

fn table(keys: &[KeyView], apps: &[AppView], inventory: &Inventory) -> Markup {
    let now = inventory.now;
    html! {
        table.cards {
            caption.unseen { "Your keys, what needs something first" }
            thead { tr {
                th scope="col" { "Key" } @if apps.len() > 1 { th scope="col" { "App" } }
                th scope="col" { "State" } th scope="col" { "Last used" } th scope="col" { "Made" }
                th scope="col" { "Ends" }
            } }
            tbody { @for view in keys { tr {
                th scope="row" {
                    a.key href=(place(&view.key)) { bdi { (hint::name(view)) } }
                    @if let Some(id) = &view.id { small { code { (plain(id)) } } }
                    (hint::short(view, now))
                }
                @if apps.len() > 1 {
                    td data-label="App" { @if let Some(app) = &view.principal { (text(app)) } }
                }
                td data-label="State" { (state(view)) (part(view, keys)) }
                td data-label="Last used" { (last_use(view, now)) }
                td data-label="Made" { @if let Some(at) = view.created_at { (moment(at, now)) } }
                td data-label="Ends" {
                    @match view.expires_at { Some(at) => (moment(at, now)), None => span.dim.nowrap { "no end" } }
                }
            } } }
        }
    }
}

/// Which of the two keys of a rotation it is, where both still work or will: they have one name.
fn part(view: &KeyView, keys: &[KeyView]) -> Markup {
    let lives = |key: &String| keys.iter().any(|one| one.key == *key && can_end(one.state));
    let issued = view.issued.as_ref().filter(|_| can_end(view.state));
    let is_old = issued.is_some_and(|issued| issued.replaced_by.is_some());
    let is_new = issued.is_some_and(|issued| issued.replaces.as_ref().is_some_and(lives));
    html! {
        @if is_old { small { "the old key of two" } } @else if is_new { small { "the new key of two" } }
    }
}

/// The state of a key, and whether it is for trying.
pub(super) fn state(view: &KeyView) -> Markup {
    let words = match view.state {
        KeyState::Active => "Works",
        KeyState::Suspended => "Suspended",
        KeyState::PreActivation => "Waits for its first use",
        KeyState::Compromised => "Revoked, leaked",
        KeyState::Deactivated => "Ended",
        KeyState::Destroyed => "Gone",
    };
    let is_test = view.issued.as_ref().is_some_and(|issued| issued.environment == "test");
    html! {
        span.tag.(view.state.as_str()) { (words) }
        @if is_test { " " span.tag { "test" } }
    }
}

/// The credential report of a customer, as a file.
pub(super) async fn report(inventory: Inventory) -> Result<Response, Refusal> {
    reports::file(&inventory, Form::Wide, None, None).await
}
