//! The ways by which notices go out: added, tested and removed.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::secret::Secret;
use maud::{Markup, html};
use serde::Deserialize;

use super::{PATH, channel};
use crate::app::channels::{self, Whose};
use crate::app::inventory::Inventory;
use crate::app::view::ChannelView;
use crate::http::api::channels::NewChannel;
use crate::http::console::form::{Choice, Field, Question, Wrong, ask};
use crate::http::console::layout;
use crate::http::console::visit::{Form, Visit};
use crate::http::extract::{Path, Query};
use crate::http::problem::Refusal;
use crate::store::channels::ChannelKind;

/// What each kind of channel is called.
const KINDS: [(ChannelKind, &str); 4] = [
    (ChannelKind::Mail, "Mail server"),
    (ChannelKind::Webhook, "Webhook"),
    (ChannelKind::Slack, "Slack"),
    (ChannelKind::Teams, "Microsoft Teams"),
];
const TLS: [(&str, &str); 3] = [
    ("starttls", "STARTTLS (usual, port 587)"),
    ("implicit", "TLS from the first byte (port 465)"),
    ("none", "none: only to the server’s own machine"),
];

/// Which kind of channel is to be added.
#[derive(Debug, Deserialize)]
pub(in crate::http::console) struct Kind {
    kind: ChannelKind,
    /// Of which API of ours it is to be.
    api: Option<String>,
    /// Of which customer of it.
    account: Option<String>,
}

/// What is typed in of a channel.
#[derive(Debug, Deserialize)]
pub(in crate::http::console) struct Typed {
    kind: ChannelKind,
    #[serde(default)]
    name: String,
    host: Option<String>,
    port: Option<u16>,
    tls: Option<String>,
    username: Option<String>,
    password: Option<String>,
    from: Option<String>,
    url: Option<String>,
    secret: Option<String>,
    certificates: Option<String>,
    allow_private: Option<String>,
    api: Option<String>,
    account: Option<String>,
    events: Option<String>,
}

impl Typed {
    /// What stands in the form before anything is typed.
    fn asked(Kind { kind, api, account }: Kind) -> Self {
        Self {
            kind,
            name: kind.as_str().to_owned(),
            host: None,
            port: None,
            tls: None,
            username: None,
            password: None,
            from: None,
            url: None,
            secret: None,
            certificates: None,
            allow_private: None,
            api,
            account,
            events: None,
        }
    }

    fn new_channel(&self) -> NewChannel {
        let secret = |text: &Option<String>| text.clone().map(Secret::new);
        NewChannel {
            name: self.name.clone(),
            kind: self.kind,
            host: self.host.clone(),
            port: self.port,
            tls: self.tls.clone(),
            username: self.username.clone(),
            password: secret(&self.password),
            from: self.from.clone(),
            timeout_seconds: None,
            url: secret(&self.url),
            secret: secret(&self.secret),
            certificates: self.certificates.clone(),
            allow_private: self.allow_private.is_some(),
            api: self.api.clone(),
            account: self.account.clone(),
            events: self.events.as_deref().map(channel::events).unwrap_or_default(),
        }
    }
}

/// The part of the page that shows the channels.
pub(super) async fn part(visit: &Visit, inventory: &Inventory) -> Result<Markup, Refusal> {
    let mut all = channels::list(inventory, &Whose::default()).await?;
    all.retain(|one| one.api.is_none());
    let may_write = visit.may(Scope::ChannelsWrite);
    Ok(html! {
        h2 #channels { "Channels" }
        @if all.is_empty() { p { "None yet: nothing can go out." } } @else { (table(visit, &all)) }
        @if may_write {
            p { "Add: " @for (number, (kind, name)) in KINDS.iter().enumerate() {
                @if number > 0 { ", " }
                a href={ (PATH) "/channels/new?kind=" (kind.as_str()) } { (name) }
            } }
        }
        @if visit.may(Scope::NoticesWrite) && all.iter().any(|one| one.kind == ChannelKind::Mail) {
            form.row method="post" action={ (PATH) "/test" } {
                (visit.proof())
                div.field { (Field::new("test", "address", "Send a test mail to").kind("email").required()) }
                button.quiet type="submit" { "Send" }
            }
        }
    })
}

/// Channels, a line each.
pub(in crate::http::console) fn table(visit: &Visit, all: &[ChannelView]) -> Markup {
    let may_write = visit.may(Scope::ChannelsWrite);
    html! {
        table.cards {
            thead { tr {
                th scope="col" { "Channel" } th scope="col" { "Kind" } th scope="col" { "Where" }
                th scope="col" { "Secret" }
                @if may_write { th scope="col" { span.unseen { "What to do" } } }
            } }
            tbody { @for one in all { tr {
                th scope="row" { a.key href={ (PATH) "/channels/" (one.id) } { (one.name) } }
                td data-label="Kind" { (one.kind.as_str()) }
                td data-label="Where" { (place(one)) }
                td data-label="Secret" { (secret(one)) }
                @if may_write { td {
                    a href={ (PATH) "/channels/" (one.id) "/remove" } aria-label={ "Remove " (one.name) } { "Remove…" }
                } }
            } } }
        }
    }
}

pub(super) fn place(one: &ChannelView) -> Markup {
    html! {
        @if let Some(host) = &one.host { (host) @if let Some(port) = one.port { ":" (port) } }
        @if let Some(url) = &one.url { (url) }
        @if let Some(from) = &one.from { small { "from " (from) } }
        @if let Some(tls) = one.tls.as_ref().filter(|tls| *tls == "none") { small { "TLS: " (tls) } }
    }
}

pub(super) fn secret(one: &ChannelView) -> Markup {
    html! {
        @match &one.secret_place {
            _ if one.is_secret_kept => "kept here, sealed",
            Some(place) => code { (place) },
            None => "none",
        }
    }
}

/// Asks for what a channel needs.
pub(in crate::http::console) async fn new(visit: Visit, Query(asked): Query<Kind>) -> Response {
    form(&visit, &Typed::asked(asked), None)
}

/// Adds a channel; a signing secret that was made is shown this once.
pub(in crate::http::console) async fn add(
    visit: Visit,
    inventory: Inventory,
    Form(typed): Form<Typed>,
) -> Result<Response, Refusal> {
    let new = typed.new_channel();
    let added = match new.check() {
        Ok(()) => {
            let (name, kind, settings, secret, whose) = new.into_parts();
            channels::add(&inventory, &name, kind, settings, secret, &whose).await
        }
        Err(error) => Err(error),
    };
    let channel = match added {
        Ok(channel) => channel,
        Err(error) => {
            let wrong = Wrong::of(error)?;
            return Ok(wrong.on(form(&visit, &typed, Some(&wrong))));
        }
    };
    let Some(secret) = &channel.signing_secret else {
        let back = back(&typed);
        return Ok(visit.done(&back, &format!("{} was added. Nothing was sent yet.", channel.name)));
    };
    let content = html! {
        h1 { (channel.name) " was added" }
        p { "With this secret the receiver checks that an event is ours (Standard Webhooks). It is shown this once." }
        p { code.secret data-copy { (secret) } }
        p { a href={ (PATH) "/channels/" (channel.id) } { "Go on: send it a test" } }
    };
    Ok(layout::page(&visit, PATH, "A new channel", &content))
}

/// Where a form came from.
fn back(typed: &Typed) -> String {
    match (&typed.account, &typed.api) {
        (Some(account), _) => format!("/accounts/{account}"),
        (None, Some(api)) => format!("/apis/{api}/notices"),
        (None, None) => PATH.to_owned(),
    }
}

fn form(visit: &Visit, typed: &Typed, wrong: Option<&Wrong>) -> Response {
    let kind = typed.kind;
    let called = KINDS.iter().find(|(known, _)| *known == kind).map_or("", |(_, name)| name);
    let title = format!("Add a channel: {called}");
    let content = html! {
        p { a href=(back(typed)) { "Back" } }
        h1 { (title) }
        form.stack method="post" action={ (PATH) "/channels" } {
            (visit.proof())
            input type="hidden" name="kind" value=(kind.as_str());
            @for (name, value) in [("api", &typed.api), ("account", &typed.account)] {
                @if let Some(value) = value { input type="hidden" name=(name) value=(value); }
            }
            @if let Some(wrong) = wrong { (wrong) }
            (Field::new("add", "name", "Name").value(Some(&typed.name)).required())
            @match kind {
                ChannelKind::Mail => (mail(typed)),
                ChannelKind::Webhook => (webhook(typed)),
                ChannelKind::Slack | ChannelKind::Teams => (chat()),
            }
            @if kind != ChannelKind::Mail {
                label.box {
                    input type="checkbox" name="allow_private" value="yes"
                        checked[typed.allow_private.is_some()];
                    "It may be in a private network"
                }
            }
            label for="add-certificates" { "Further certificates to trust" }
            textarea.small #add-certificates name="certificates" rows="3" aria-describedby="add-certificates-about" {
                (typed.certificates.as_deref().unwrap_or_default())
            }
            small #add-certificates-about { "In PEM, if a company’s own authority signs the server’s." }
            button type="submit" { "Add" }
        }
    };
    layout::page(visit, PATH, &title, &content)
}

fn mail(typed: &Typed) -> Markup {
    let was = |field: fn(&Typed) -> Option<&str>| field(typed);
    let port = typed.port.map(|port| port.to_string());
    html! {
        (Field::new("add", "host", "Mail server").value(was(|typed| typed.host.as_deref())).required()
            .about("Its name, which its certificate must carry."))
        (Field::new("add", "port", "Port").kind("number").value(port.as_deref()).about("The usual one if none is given."))
        (Choice::new("add", "tls", "Encryption", TLS).chosen(was(|typed| typed.tls.as_deref())))
        (Field::new("add", "from", "Comes from").kind("email").value(was(|typed| typed.from.as_deref())).required()
            .about("The address that mail comes from, and that answers go to."))
        (Field::new("add", "username", "User name").value(was(|typed| typed.username.as_deref())))
        (Field::new("add", "password", "Password").secret().about("Kept sealed; nobody gets it back."))
    }
}

fn webhook(typed: &Typed) -> Markup {
    html! {
        (Field::new("add", "url", "URL").kind("url").value(typed.url.as_deref()).required())
        (Field::new("add", "events", "Events").value(typed.events.as_deref())
            .about("A space between two, such as key.exposed key.revoked; none: every one."))
        (Field::new("add", "secret", "Signing secret").secret()
            .about("whsec_… One is made, and shown once, if none is given."))
    }
}

fn chat() -> Markup {
    html! {
        (Field::new("add", "url", "URL of its incoming webhook").secret().required()
            .about("It is a secret: kept sealed, and nobody gets it back."))
    }
}

/// Asks before a channel is removed.
pub(in crate::http::console) async fn ask_remove(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let channel = channels::view(&inventory, &word).await?;
    let title = format!("Remove {}?", channel.name);
    let action = format!("{PATH}/channels/{}/remove", channel.id);
    let question = Question {
        section: PATH,
        title: &title,
        action: &action,
        button: "Remove the channel",
        back: PATH,
    };
    let what = html! {
        p { "What waits for it is not delivered, and what it told is forgotten: another channel would tell it again. \
             Its secret is gone." }
    };
    Ok(ask(&visit, &question, &what, &html! {}))
}

/// Removes a channel.
pub(in crate::http::console) async fn remove(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let channel = channels::view(&inventory, &word).await?;
    channels::remove(&inventory, &channel.id, |_| Ok(())).await?;
    Ok(visit.done(PATH, &format!("{} was removed.", channel.name)))
}
