//! A channel: where it leads, which events it is told of, its signing secret, and what it delivered.

use axum::response::Response;
use keytender_core::access::Scope;
use maud::{Markup, html};
use serde::Deserialize;

use super::channels::{place, secret};
use super::{PATH, Which, told};
use crate::app::channels::{self, SecretSource};
use crate::app::inventory::Inventory;
use crate::app::notify::Asked;
use crate::app::view::ChannelView;
use crate::http::console::form::{Field, Wrong, folded};
use crate::http::console::layout;
use crate::http::console::visit::{Form, Visit};
use crate::http::console::words::moment;
use crate::http::extract::{Path, Query};
use crate::http::problem::Refusal;
use crate::notify::webhook::EventKind;
use crate::store::channels::ChannelKind;
use crate::store::notices::NoticeState;

/// The events that a webhook is to be told of, as they are typed in.
#[derive(Debug, Default, Deserialize)]
pub(in crate::http::console) struct Events {
    #[serde(default)]
    events: String,
}

/// Names of events, as somebody types them.
pub(super) fn events(text: &str) -> Vec<String> {
    let is_between = |one: char| one.is_whitespace() || one == ',';
    text.split(is_between).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Shows a channel.
pub(in crate::http::console) async fn page(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Query(which): Query<Which>,
) -> Result<Response, Refusal> {
    show(&visit, &inventory, &word, &which, None).await
}

async fn show(
    visit: &Visit,
    inventory: &Inventory,
    word: &str,
    which: &Which,
    vain: Option<(&Events, &Wrong)>,
) -> Result<Response, Refusal> {
    let channel = channels::view(inventory, word).await?;
    let at = format!("{PATH}/channels/{}", channel.id);
    let is_webhook = channel.kind == ChannelKind::Webhook;
    let asked = Asked { channel: Some(&channel.id), ..Asked::default() };
    let content = html! {
        p { a href=(PATH) { "Notices" }
            @if let Some(api) = &channel.api { " › " a href={ "/apis/" (api) "/notices" } { "its API" } }
            @if let Some(account) = &channel.account { " › " a href={ "/accounts/" (account) } { "its customer" } } }
        h1 { (channel.name) }
        (facts(&channel, inventory))
        @if is_webhook && visit.may(Scope::ChannelsWrite) {
            div.row {
                form method="post" action={ (at) "/test" } {
                    (visit.proof()) button.quiet type="submit" { "Send a test event" }
                }
                (rotation(visit, &channel, &at))
            }
            (subscription(visit, &channel, &at, vain))
        }
        @if visit.may(Scope::NoticesRead) {
            h2 #told { "What it was told" }
            (told(visit, inventory, which, asked, &at).await?)
        }
        @if visit.may(Scope::ChannelsWrite) {
            h2 { "Remove it" }
            p { a.button.quiet href={ (at) "/remove" } { "Remove…" } }
        }
    };
    Ok(layout::page(visit, PATH, &channel.name, &content))
}

fn facts(channel: &ChannelView, inventory: &Inventory) -> Markup {
    html! {
        dl.facts {
            dt { "Kind" } dd { (channel.kind.as_str()) }
            dt { "Where" } dd { (place(channel)) }
            @if channel.kind == ChannelKind::Webhook {
                dt { "Told of" } dd {
                    @if channel.events.is_empty() { "every event" } @else { (channel.events.join(", ")) }
                }
            }
            dt { "Secret" } dd {
                (secret(channel))
                @if let Some(until) = channel.old_secret_until {
                    small { "The one before signs too, until " (moment(until, inventory.now)) "." }
                }
            }
            dt { "Known since" } dd { (moment(channel.created_at, inventory.now)) }
            dt { "Id" } dd { code { (channel.id) } }
        }
    }
}

fn rotation(visit: &Visit, channel: &ChannelView, at: &str) -> Markup {
    html! {
        @match channel.old_secret_until {
            Some(_) => form method="post" action={ (at) "/rotation/end" } {
                (visit.proof()) button.quiet type="submit" { "Forget the old secret" }
            },
            None => form method="post" action={ (at) "/rotation" } {
                (visit.proof()) button.quiet type="submit" { "Make another signing secret" }
            },
        }
    }
}

fn subscription(
    visit: &Visit,
    channel: &ChannelView,
    at: &str,
    vain: Option<(&Events, &Wrong)>,
) -> Markup {
    let (typed, wrong) = vain.unzip();
    let now = channel.events.join(" ");
    let value = typed.map_or(now.as_str(), |typed| typed.events.as_str());
    let known: Vec<&str> = EventKind::told(channel.api.is_some()).map(EventKind::as_str).collect();
    let lines = html! {
        (Field::new("subscribe", "events", "Events").value(Some(value))
            .about("A space between two; none: every one."))
        p.dim { "There are: " (known.join(" ")) }
    };
    folded(visit, "Events", "Change", &format!("{at}/events"), wrong, &lines)
}

/// Says which events a webhook is told of.
pub(in crate::http::console) async fn subscribe(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Events>,
) -> Result<Response, Refusal> {
    match channels::subscribe(&inventory, &word, events(&typed.events), |_| Ok(())).await {
        Ok(channel) => {
            Ok(visit.done(&format!("{PATH}/channels/{}", channel.id), "The events are set."))
        }
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let vain = Some((&typed, &wrong));
            Ok(wrong.on(show(&visit, &inventory, &word, &Which::default(), vain).await?))
        }
    }
}

/// Sends a test event.
pub(in crate::http::console) async fn test(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let notice = channels::test(&inventory, &word).await?;
    let said = match (notice.state, &notice.error) {
        (NoticeState::Sent, _) => "It took the test event.".to_owned(),
        (_, Some(error)) => format!("It did not take the test event: {error}."),
        (_, None) => "The test event waits.".to_owned(),
    };
    let channel = channels::view(&inventory, &word).await?;
    Ok(visit.done(&format!("{PATH}/channels/{}", channel.id), &said))
}

/// Makes another signing secret, and shows it this once.
pub(in crate::http::console) async fn rotate(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let made = SecretSource::Make;
    let channel = channels::rotation::begin(&inventory, &word, made, |_| Ok(())).await?;
    let content = html! {
        h1 { "Another signing secret for " (channel.name) }
        p { "Both sign for 24 hours. Give this one to the receiver; it is shown this once." }
        @if let Some(secret) = &channel.signing_secret { p { code.secret data-copy { (secret) } } }
        p { a href={ (PATH) "/channels/" (channel.id) } { "Back to the channel" } }
    };
    Ok(layout::page(&visit, PATH, "Another signing secret", &content))
}

/// Forgets the old signing secret.
pub(in crate::http::console) async fn end_rotation(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    channels::rotation::end(&inventory, &word, |_| Ok(())).await?;
    let channel = channels::view(&inventory, &word).await?;
    Ok(visit.done(&format!("{PATH}/channels/{}", channel.id), "The new secret signs alone."))
}
