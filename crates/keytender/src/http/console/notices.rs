//! Notices: whether they go out and by which ways, and what was told.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::id::NoticeId;
use keytender_core::time::Time;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::Field;
use super::layout;
use super::listed::{more, with_query};
use super::visit::{Form, Visit};
use super::words::moment;
use crate::app::inventory::Inventory;
use crate::app::notify::{self, Asked, Change, Hours};
use crate::app::turn::Turn;
use crate::app::view::{NoticeSettingsView, NoticeView};
use crate::http::extract::Query;
use crate::http::page as paging;
use crate::http::problem::Refusal;
use crate::store::channels::ChannelKind;
use crate::store::notices::NoticeState;

pub(super) mod channel;
pub(super) mod channels;
pub(super) mod one;
pub(super) mod preview;

const PATH: &str = "/notices";
/// How many notices a page has.
const NOTICES: u32 = 50;

/// Which notices are shown.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    pub(super) state: Option<NoticeState>,
    pub(super) after: Option<String>,
}

/// Who is to hear of keys without an owner.
#[derive(Debug, Deserialize)]
pub(super) struct Contact {
    contact: Option<String>,
}

/// To whom a test goes.
#[derive(Debug, Deserialize)]
pub(super) struct Test {
    #[serde(default)]
    address: String,
}

/// Shows how it stands, and what was told.
pub(super) async fn page(
    visit: Visit,
    inventory: Inventory,
    Query(which): Query<Which>,
) -> Result<Response, Refusal> {
    let settings = notify::settings(&inventory).await?;
    let content = html! {
        h1 { "Notices" }
        p.dim { "What owners are told about their keys, by mail, webhook and chat." }
        (stands(&visit, &inventory, &settings))
        @if visit.may(Scope::ChannelsRead) { (channels::part(&visit, &inventory).await?) }
        h2 #told { "What was told" }
        (told(&visit, &inventory, &which, Asked::default(), PATH).await?)
    };
    Ok(layout::page(&visit, PATH, "Notices", &content))
}

fn stands(visit: &Visit, inventory: &Inventory, settings: &NoticeSettingsView) -> Markup {
    html! {
        @match settings.started_at.filter(|_| settings.started) {
            Some(at) => p.note { "Notices go out, since " (moment(at, inventory.now)) "." },
            None => p.note { "Nothing goes out. Notices can be started once somebody has seen whom they would go to." },
        }
        @if visit.may(Scope::NoticesWrite) {
            div.row {
                form method="post" action={ (PATH) "/preview" } {
                    (visit.proof())
                    button class=[settings.started.then_some("quiet")] type="submit" { "Show what would go out" }
                }
                @if settings.started {
                    form method="post" action={ (PATH) "/run" } {
                        (visit.proof()) button.quiet type="submit" { "Tell now what is due" }
                    }
                    a.button.quiet href={ (PATH) "/stop" } { "Stop…" }
                }
            }
            form.row method="post" action={ (PATH) "/contact" } {
                (visit.proof())
                div.field { (Field::new("contact", "contact", "Hears of keys without an owner").kind("email")
                    .value(settings.contact.as_deref())) }
                button.quiet type="submit" { "Set" }
            }
        } @else if let Some(contact) = &settings.contact {
            p { "Of keys without an owner hears " (contact) "." }
        }
    }
}

/// What was told of what is `asked` for, on the page at `path`.
pub(in crate::http::console) async fn told(
    visit: &Visit,
    inventory: &Inventory,
    which: &Which,
    asked: Asked<'_>,
    path: &str,
) -> Result<Markup, Refusal> {
    let after: Option<(Time, String)> = which.after.as_deref().map(paging::place).transpose()?;
    let after = match after {
        Some((at, id)) => Some((at, id.parse::<NoticeId>().map_err(|_| paging::bad_cursor())?)),
        None => None,
    };
    let place = |one: &NoticeView| (one.created_at, one.id.clone());
    let asked = Asked { state: which.state, ..asked };
    let read = async |limit| notify::list(inventory, asked, limit, after).await;
    let (shown, next) = paging::keyset(NOTICES, place, read).await?;
    let state = which.state.map(NoticeState::as_str).unwrap_or_default();
    Ok(html! {
        (states(which.state, path))
        @if shown.is_empty() { p { "None." } } @else {
            table.cards {
                thead { tr {
                    th scope="col" { "Notice" } th scope="col" { "To" } th scope="col" { "By" }
                    th scope="col" { "State" } th scope="col" { "Written" }
                    @if visit.may(Scope::NoticesWrite) { th scope="col" { span.unseen { "What to do" } } }
                } }
                tbody { @for one in &shown { (row(visit, inventory, one)) } }
            }
        }
        (more(path, &[("state", state)], next.as_deref()))
    })
}

fn states(chosen: Option<NoticeState>, path: &str) -> Markup {
    let all = [None].into_iter().chain(NoticeState::ALL.map(Some));
    html! {
        nav.choices aria-label="State" {
            @for state in all {
                @let word = state.map(NoticeState::as_str).unwrap_or_default();
                a href={ (with_query(path, &[("state", word)], None)) "#told" }
                    aria-current=[(state == chosen).then_some("true")] {
                    @match state { Some(state) => (state.as_str()), None => "all" }
                }
            }
        }
    }
}

fn row(visit: &Visit, inventory: &Inventory, one: &NoticeView) -> Markup {
    html! {
        tr {
            th scope="row" { a.key href={ (PATH) "/" (one.id) } { (one.subject) } }
            td data-label="To" { (one.recipient) }
            td data-label="By" { (one.channel) }
            td data-label="State" { (state(inventory, one)) }
            td data-label="Written" { (moment(one.created_at, inventory.now)) }
            @if visit.may(Scope::NoticesWrite) {
                td { @if may_go_again(one) { (send_again(visit, one)) } }
            }
        }
    }
}

/// How the delivery of a notice stands.
fn state(inventory: &Inventory, one: &NoticeView) -> Markup {
    html! {
        @match (one.state, one.sent_at) {
            (NoticeState::Sent, Some(at)) => { "sent " (moment(at, inventory.now)) }
            (NoticeState::Dead, _) => b.critical { "given up" },
            (NoticeState::Waiting, _) if one.attempts > 0 => {
                "tried again " (moment(one.send_at, inventory.now))
            }
            (state, _) => (state.as_str()),
        }
        @if one.attempts > 1 { small { (one.attempts) " attempts" } }
        @if let Some(error) = one.error.as_ref().filter(|_| one.state != NoticeState::Sent) { small { (error) } }
    }
}

/// Whether a notice can be sent again: it was given up, or is an event, which programs take twice.
fn may_go_again(one: &NoticeView) -> bool {
    one.state == NoticeState::Dead
        || one.state == NoticeState::Sent && one.kind == Some(ChannelKind::Webhook)
}

fn send_again(visit: &Visit, one: &NoticeView) -> Markup {
    html! {
        form method="post" action={ (PATH) "/" (one.id) "/again" } {
            (visit.proof())
            button.quiet type="submit" aria-label={ "Send again: " (one.subject) ", to " (one.recipient) } { "Send again" }
        }
    }
}

/// Sets who hears of keys without an owner.
pub(super) async fn set_contact(
    visit: Visit,
    inventory: Inventory,
    Form(typed): Form<Contact>,
) -> Result<Response, Refusal> {
    let change = Change { started: None, contact: Some(typed.contact) };
    notify::change(&inventory, &change, |_| Ok(())).await?;
    Ok(visit.done(PATH, "The contact is set."))
}

/// Tells what is to be told now, in the working hours of each.
pub(super) async fn run(visit: Visit, inventory: Inventory) -> Result<Response, Refusal> {
    let delivered = notify::run(&inventory, Hours::Working, &Turn::free()).await?;
    let delivered = delivered.ok_or_else(notify::not_started)?;
    let mut words = vec![format!("{} sent", delivered.sent)];
    for (count, what) in [(delivered.delayed, "to be tried again"), (delivered.dead, "given up")] {
        if count > 0 {
            words.push(format!("{count} {what}"));
        }
    }
    Ok(visit.done(PATH, &format!("Told what is due: {}.", words.join(", "))))
}

/// Sends a test mail.
pub(super) async fn test(
    visit: Visit,
    inventory: Inventory,
    Form(typed): Form<Test>,
) -> Result<Response, Refusal> {
    notify::test(&inventory, &typed.address).await?;
    Ok(visit.done(PATH, &format!("The mail server took a test to {}.", typed.address)))
}
