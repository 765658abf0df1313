//! What the customers of an API of yours are told of their keys: whether anything is, in whose name, by which ways,
//! and what was told.

use axum::response::Response;
use keytender_core::access::Scope;
use maud::{Markup, html};
use serde::Deserialize;

use super::PATH;
use crate::app::apis;
use crate::app::channels::{self, Whose};
use crate::app::inventory::Inventory;
use crate::app::notify::Asked;
use crate::app::notify::of_api::{self, Change};
use crate::app::view::{ApiNoticesView, PreviewView};
use crate::http::console::form::{Field, Question, Wrong, ask, folded};
use crate::http::console::layout;
use crate::http::console::notices::channels::table;
use crate::http::console::notices::preview::{recipients, sum, texts};
use crate::http::console::notices::{Which, told};
use crate::http::console::visit::{Form, Visit};
use crate::http::console::words::moment;
use crate::http::extract::{Path, Query};
use crate::http::problem::Refusal;

/// In whose name customers are written to, as it is typed in.
#[derive(Debug, Default, Deserialize)]
pub(in crate::http::console) struct Voice {
    from: Option<String>,
    reply_to: Option<String>,
    keys_page: Option<String>,
}

impl Voice {
    fn of(settings: &ApiNoticesView) -> Self {
        Self {
            from: settings.from.clone(),
            reply_to: settings.reply_to.clone(),
            keys_page: settings.keys_page.clone(),
        }
    }

    fn change(&self) -> Change {
        Change {
            started: None,
            from: Some(self.from.clone()),
            reply_to: Some(self.reply_to.clone()),
            keys_page: Some(self.keys_page.clone()),
        }
    }
}

fn place(id: &str) -> String {
    format!("{PATH}/{id}/notices")
}

/// Shows how it stands.
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
    vain: Option<(&Voice, &Wrong)>,
) -> Result<Response, Refusal> {
    let id = apis::get(inventory, word).await?.id.to_string();
    let settings = of_api::settings(inventory, &id).await?;
    let at = place(&id);
    let asked = Asked { api: Some(&id), ..Asked::default() };
    let title = format!("Notices to customers of {}", settings.name);
    let content = html! {
        p { a href=(PATH) { "Keys you issue" } " › " a href={ (PATH) "/" (id) } { (settings.name) } }
        h1 { "Notices to customers" }
        p.dim { "What the customers of " (settings.name) " are told about their keys, in its name." }
        (stands(visit, inventory, &settings, &at))
        h2 #voice { "In whose name" }
        (voice(&settings))
        @if visit.may(Scope::NoticesWrite) { (voice_form(visit, &settings, &at, vain)) }
        @if visit.may(Scope::ChannelsRead) { (ways(visit, inventory, &id).await?) }
        h2 #told { "What was told" }
        (told(visit, inventory, which, asked, &at).await?)
    };
    Ok(layout::page(visit, PATH, &title, &content))
}

fn stands(visit: &Visit, inventory: &Inventory, settings: &ApiNoticesView, at: &str) -> Markup {
    html! {
        @match settings.started_at {
            Some(since) => p.note { "Customers are told, since " (moment(since, inventory.now)) "." },
            None => p.note { "Nothing goes out. It can be started once somebody has seen what customers would be told." },
        }
        @if visit.may(Scope::NoticesWrite) {
            div.row {
                form method="post" action={ (at) "/preview" } {
                    (visit.proof())
                    button class=[settings.started.then_some("quiet")] type="submit" { "Show what would go out" }
                }
                @if settings.started { a.button.quiet href={ (at) "/stop" } { "Stop…" } }
            }
        }
    }
}

fn voice(settings: &ApiNoticesView) -> Markup {
    let said =
        |text: &Option<String>, otherwise: &str| text.clone().unwrap_or(otherwise.to_owned());
    html! {
        dl.facts {
            dt { "Name" } dd { (settings.name) }
            dt { "Mail comes from" } dd { (said(&settings.from, "the mail server’s own address")) }
            dt { "Answers go to" } dd { (said(&settings.reply_to, "where it comes from")) }
            dt { "Page of keys" } dd { (said(&settings.keys_page, "–")) }
            dt { "Help" } dd { (said(&settings.support, "–")) }
        }
    }
}

fn voice_form(
    visit: &Visit,
    settings: &ApiNoticesView,
    at: &str,
    vain: Option<(&Voice, &Wrong)>,
) -> Markup {
    let (typed, wrong) = vain.unzip();
    let now = Voice::of(settings);
    let typed = typed.unwrap_or(&now);
    let lines = html! {
        (Field::new("voice", "from", "Mail comes from").kind("email").value(typed.from.as_deref())
            .about("Your mail server must be let to send for it."))
        (Field::new("voice", "reply_to", "Answers go to").kind("email").value(typed.reply_to.as_deref()))
        (Field::new("voice", "keys_page", "Page of keys").kind("url").value(typed.keys_page.as_deref())
            .about("Where customers see to their keys."))
    };
    folded(visit, "Change", "Change", at, wrong, &lines)
}

async fn ways(visit: &Visit, inventory: &Inventory, id: &str) -> Result<Markup, Refusal> {
    let whose = Whose { api: Some(id.to_owned()), account: None };
    let all = channels::list(inventory, &whose).await?;
    Ok(html! {
        h2 #channels { "Channels" }
        p.dim { "Mail goes by a mail server of the API, or else by the installation’s. A webhook of the API is told of \
            the keys of all customers, one of a customer of that customer’s alone." }
        @if all.is_empty() { p { "None of its own." } } @else { (table(visit, &all)) }
        @if visit.may(Scope::ChannelsWrite) {
            p { "Add: "
                a href={ "/notices/channels/new?kind=webhook&api=" (id) } { "Webhook" } ", "
                a href={ "/notices/channels/new?kind=mail&api=" (id) } { "Mail server" } }
        }
    })
}

/// The part of a customer's page that shows its webhooks.
pub(in crate::http::console) async fn of_customer(
    visit: &Visit,
    inventory: &Inventory,
    account: &str,
) -> Result<Markup, Refusal> {
    let whose = Whose { api: None, account: Some(account.to_owned()) };
    let all = channels::list(inventory, &whose).await?;
    Ok(html! {
        h2 #channels { "Webhooks" }
        p.dim { "They are told what happens to the keys of this customer, and of no other." }
        @if all.is_empty() { p { "None yet." } } @else { (table(visit, &all)) }
        @if visit.may(Scope::ChannelsWrite) {
            p { a href={ "/notices/channels/new?kind=webhook&account=" (account) } { "Add a webhook" } }
        }
    })
}

/// Says in whose name customers are written to.
pub(in crate::http::console) async fn set(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
    Form(typed): Form<Voice>,
) -> Result<Response, Refusal> {
    match of_api::change(&inventory, &word, &typed.change(), |_| Ok(())).await {
        Ok(_) => Ok(visit.done(&place(&word), "It is set.")),
        Err(error) => {
            let wrong = Wrong::of(error)?;
            let vain = Some((&typed, &wrong));
            Ok(wrong.on(show(&visit, &inventory, &word, &Which::default(), vain).await?))
        }
    }
}

/// Shows what customers would be told, and remembers that somebody saw it.
pub(in crate::http::console) async fn preview(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let preview = of_api::preview(&inventory, &word).await?;
    let settings = of_api::settings(&inventory, &word).await?;
    let at = place(&word);
    let content = html! {
        p { a href=(at) { "Notices to customers" } }
        h1 { "What would go out" }
        (sum(&preview, "There is no mail server and no webhook by which anything could go out. Add one first."))
        (unheard(&preview))
        @if !settings.started && preview.has_channel {
            form method="post" action={ (at) "/start" } {
                (visit.proof())
                button type="submit" { "Start" }
            }
            p.dim { "From then on each customer is told of their own keys, each thing once in each stage; mail goes on \
                weekdays from 09:00 to 17:00 UTC." }
        }
        @if !preview.notices.is_empty() {
            (recipients(&preview.notices))
            (texts(&preview.notices))
        }
    };
    Ok(layout::page(&visit, PATH, "What would go out", &content))
}

fn unheard(preview: &PreviewView) -> Markup {
    html! {
        @if preview.unheard > 0 {
            p.wrong {
                "No mail is sent about due keys of customers without a mail address: " (preview.unheard) "."
            }
        }
    }
}

/// Starts it.
pub(in crate::http::console) async fn start(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let change = Change { started: Some(true), ..Change::default() };
    of_api::change(&inventory, &word, &change, |_| Ok(())).await?;
    Ok(visit.done(&place(&word), "Customers are told from now on."))
}

/// Asks before it is stopped.
pub(in crate::http::console) async fn ask_stop(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let settings = of_api::settings(&inventory, &word).await?;
    let title = format!("Tell customers of {} nothing more?", settings.name);
    let at = place(&word);
    let action = format!("{at}/stop");
    let question =
        Question { section: PATH, title: &title, action: &action, button: "Stop", back: &at };
    let what = html! {
        p { "No customer is told anything until it is started again, however urgent. What waits to be delivered \
             stays, and what was told is not told twice afterwards." }
    };
    Ok(ask(&visit, &question, &what, &html! {}))
}

/// Stops it.
pub(in crate::http::console) async fn stop(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let change = Change { started: Some(false), ..Change::default() };
    of_api::change(&inventory, &word, &change, |_| Ok(())).await?;
    Ok(visit.done(&place(&word), "Nothing goes out any more."))
}
