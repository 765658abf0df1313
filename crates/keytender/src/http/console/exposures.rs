//! Exposed keys: since when, who said so, whether they are still used, and what to do now.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::key::State;
use keytender_core::text::thousands;
use keytender_core::time::Time;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::{Field, Wrong};
use super::key_words::{last_use, name, state, text};
use super::layout;
use super::listed::more;
use super::visit::{Form, Visit};
use super::words::moment;
use crate::app::inventory::Inventory;
use crate::app::view::{
    ExposureView, KeyChange, KeySort, KeyView, LastUseView, PlaceOfExposureView,
};
use crate::app::{exposures, keys};
use crate::http::api::keys::place;
use crate::http::extract::Query;
use crate::http::page as paging;
use crate::http::problem::Refusal;

pub(super) const PATH: &str = "/exposures";
/// How many keys a page has.
const KEYS: u32 = 100;

/// Which page; and the key of which it is about to be said.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    after: Option<String>,
    key: Option<String>,
}

/// What is said of a key.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    key: String,
    because: Option<String>,
    /// Whether it is taken back.
    back: Option<String>,
}

/// Shows them.
pub(super) async fn page(
    visit: Visit,
    inventory: Inventory,
    Query(which): Query<Which>,
) -> Result<Response, Refusal> {
    show(&visit, &inventory, &which, None).await
}

async fn show(
    visit: &Visit,
    inventory: &Inventory,
    which: &Which,
    vain: Option<(&Typed, &Wrong)>,
) -> Result<Response, Refusal> {
    let sort = KeySort::default();
    let after = which.after.as_deref().map(|cursor| place(cursor, sort)).transpose()?;
    let found = exposures::list(inventory, KEYS, after).await?;
    let next = found.next.map(|place| paging::cursor(&(sort, place))).transpose()?;
    let content = html! {
        h1 { "Exposed keys" }
        p.dim { "Keys that were found where a secret must not be. Whoever finds one can use it until it is replaced or ended." }
        @if visit.may(Scope::KeysWrite) { (report_form(visit, which, vain)) }
        @if found.exposures.is_empty() {
            p { "No key is known to be exposed." }
        } @else {
            p { (thousands(found.total)) " of them; the most urgent first." }
            table.cards {
                thead { tr {
                    th scope="col" { "Key" } th scope="col" { "State" } th scope="col" { "Known since" }
                    th scope="col" { "Said by" } th scope="col" { "Last used" } th scope="col" { "What to do" }
                } }
                tbody { @for one in &found.exposures { (row(visit, one, inventory.now)) } }
            }
        }
        (more(PATH, &[], next.as_deref()))
    };
    Ok(layout::page(visit, PATH, "Exposed keys", &content))
}

fn report_form(visit: &Visit, which: &Which, vain: Option<(&Typed, &Wrong)>) -> Markup {
    let (typed, wrong) = vain.unzip();
    let key = typed.map(|typed| typed.key.as_str()).or(which.key.as_deref());
    html! {
        details.add open[wrong.is_some() || which.key.is_some()] {
            summary { "Say that a key is exposed" }
            form.stack method="post" action=(PATH) {
                (visit.proof())
                @if let Some(wrong) = wrong { (wrong) }
                (Field::new("exposed", "key", "Key").value(key).required()
                    .about("Its id, public id or name. Never the secret itself."))
                (Field::new("exposed", "because", "Why")
                    .value(typed.and_then(|typed| typed.because.as_deref()))
                    .about("Where it was found, and by whom; it stands in the log."))
                button type="submit" { "It is exposed" }
            }
        }
    }
}

fn row(visit: &Visit, one: &ExposureView, now: Time) -> Markup {
    let view = &one.key;
    html! {
        tr {
            th scope="row" {
                a.key href={ "/keys/" (view.key) } { (name(view)) }
                small { (text(&view.provider)) @if let Some(id) = &view.id { ", " code { (text(id)) } } }
            }
            td data-label="State" { span.tag.(view.state.as_str()) { (text(state(view))) } }
            td data-label="Known since" {
                @match one.reported_at { Some(at) => (moment(at, now)), None => span.dim { "not known" } }
            }
            td data-label="Said by" {
                @match &one.reported_by { Some(by) => (text(by)), None => "its provider" }
                @if one.places.is_empty() {
                    @if let Some(why) = &one.reason { small { (text(why)) } }
                }
                @for place in &one.places { (found(place)) }
            }
            td data-label="Last used" {
                (last_use(view, now))
                @if is_used_since(one) { " " span.tag.critical { "Since then" } }
            }
            td data-label="What to do" { (todo(visit, view)) }
        }
    }
}

/// A place where it was found. What strangers tell is no link.
fn found(place: &PlaceOfExposureView) -> Markup {
    let kind = place.source.as_deref().unwrap_or("found");
    html! {
        small {
            (text(kind))
            @if let Some(url) = &place.url { " " code.url { (text(url)) } }
            ", told by " (text(&place.told_by))
        }
    }
}

/// Whether it was used after it was known to be exposed.
fn is_used_since(one: &ExposureView) -> bool {
    match (&one.key.last_used, one.reported_at) {
        (LastUseView::Used { at, .. }, Some(since)) => *at > since,
        _ => false,
    }
}

/// The ways out, the one that breaks nothing first.
fn todo(visit: &Visit, view: &KeyView) -> Markup {
    let path = format!("/keys/{}", view.key);
    let is_over = matches!(view.state, State::Compromised | State::Deactivated | State::Destroyed);
    let is_ours = view.issued.is_some();
    html! {
        @if is_over {
            span.dim { "It works no more." }
        } @else if is_ours && visit.may(Scope::KeysIssue) {
            @if view.state == State::Active { a href={ (path) "#todo" } { "Rotate" } ", " }
            a href={ (path) "/revocation" } { "Revoke…" }
        } @else if !is_ours && visit.may(Scope::KeysAct) {
            a href={ (path) "#todo" } { "Rotate" }
            @if view.state == State::Active { ", " a href={ (path) "/acts/disable" } { "Disable…" } }
        } @else {
            a href={ (path) "#todo" } { "What to do" }
        }
        @if !is_over && visit.may(Scope::KeysWrite) {
            form method="post" action=(PATH) {
                (visit.proof())
                input type="hidden" name="key" value=(view.key);
                button.quiet type="submit" name="back" value="yes" { "It is not exposed" }
            }
        }
    }
}

/// Writes that a key is exposed, or that it is not.
pub(super) async fn say(
    visit: Visit,
    inventory: Inventory,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let is_exposed = typed.back.is_none();
    let because = typed.because.clone().filter(|why| !why.trim().is_empty());
    let change = KeyChange { exposed: Some(is_exposed), because, ..KeyChange::default() };
    match keys::set(&inventory, typed.key.trim(), &change, |_| Ok(())).await {
        Ok(_) if is_exposed => Ok(visit.done(PATH, "It is written. Replace or end the key now.")),
        Ok(_) => Ok(visit.done(PATH, "It is written: the key is not exposed.")),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let page = show(&visit, &inventory, &Which::default(), Some((&typed, &wrong))).await?;
            Ok(wrong.on(page))
        }
    }
}
