//! What would go out: seen by somebody before notices are started, and before they are stopped.

use axum::response::Response;
use maud::{Markup, html};

use super::PATH;
use crate::app::inventory::Inventory;
use crate::app::notify::{self, Change};
use crate::app::view::{PreviewNoticeView, PreviewView};
use crate::http::console::form::{Question, ask};
use crate::http::console::layout;
use crate::http::console::visit::Visit;
use crate::http::problem::Refusal;

/// How many recipients are named.
const RECIPIENTS: usize = 200;
/// How many notices are shown in full.
const TEXTS: usize = 3;

/// Shows whom notices would tell what, and remembers that somebody saw it.
pub(in crate::http::console) async fn page(
    visit: Visit,
    inventory: Inventory,
) -> Result<Response, Refusal> {
    let preview = notify::preview(&inventory).await?;
    let is_started = notify::settings(&inventory).await?.started;
    let content = html! {
        p { a href=(PATH) { "Notices" } }
        h1 { "What would go out" }
        (sum(&preview, "There is no channel by which anything could go out. Add one first: a mail server, for example."))
        (unheard(&preview))
        @if !is_started && preview.has_channel {
            form method="post" action={ (PATH) "/start" } {
                (visit.proof())
                button type="submit" { "Start notices" }
            }
            p.dim { "From then on each problem is told once in each stage, in the working hours of whoever is told." }
        }
        @if !preview.notices.is_empty() {
            (recipients(&preview.notices))
            (texts(&preview.notices))
        }
    };
    Ok(layout::page(&visit, PATH, "What would go out", &content))
}

/// How much would go out; `missing` is said where there is no way for it.
pub(in crate::http::console) fn sum(preview: &PreviewView, missing: &str) -> Markup {
    let count = preview.notices.len();
    html! {
        @if !preview.has_channel {
            p.note { (missing) }
        } @else if count == 0 {
            p { "Nothing would go out now: there is nothing to tell that was not told." }
        } @else {
            p { @if count == 1 { "1 notice would go out" } @else { (count) " notices would go out" }
                ", at any hour. Nothing was sent." }
        }
    }
}

fn unheard(preview: &PreviewView) -> Markup {
    html! {
        @if preview.unheard > 0 {
            p.wrong {
                @if preview.unheard == 1 { "1 due key has" } @else { (preview.unheard) " due keys have" }
                " no owner and no contact: nobody would get a mail about "
                @if preview.unheard == 1 { "it. " } @else { "them. " }
                a href="/keys?owner=none&due=true" { "Keys without an owner" }
            }
        }
    }
}

/// Who would be told.
pub(in crate::http::console) fn recipients(notices: &[PreviewNoticeView]) -> Markup {
    html! {
        table.cards {
            thead { tr {
                th scope="col" { "To" } th scope="col" { "By" } th scope="col" { "Subject" }
                th.number scope="col" { "Keys" }
            } }
            tbody { @for one in notices.iter().take(RECIPIENTS) { tr {
                th scope="row" { (one.who) @if one.who != one.recipient { small { (one.recipient) } } }
                td data-label="By" { (one.channel) }
                td data-label="Subject" { (one.subject) }
                td.number data-label="Keys" { (one.keys) }
            } } }
        }
        @if notices.len() > RECIPIENTS { p.dim { "And " (notices.len() - RECIPIENTS) " more." } }
    }
}

/// The first few in full.
pub(in crate::http::console) fn texts(notices: &[PreviewNoticeView]) -> Markup {
    html! {
        h2 { "In their words" }
        @for notice in notices.iter().take(TEXTS) { (text(notice)) }
        @if notices.len() > TEXTS { p.dim { "And " (notices.len() - TEXTS) " more." } }
    }
}

fn text(notice: &PreviewNoticeView) -> Markup {
    html! {
        h3 { (notice.subject) }
        p.dim { "To " (notice.recipient) " by " (notice.channel) }
        pre tabindex="0" { (notice.text) }
    }
}

/// Starts notices.
pub(in crate::http::console) async fn start(
    visit: Visit,
    inventory: Inventory,
) -> Result<Response, Refusal> {
    set(&inventory, true).await?;
    Ok(visit.done(PATH, "Notices go out from now on."))
}

/// Asks before notices are stopped.
pub(in crate::http::console) async fn ask_stop(visit: Visit) -> Response {
    let question = Question {
        section: PATH,
        title: "Stop notices?",
        action: "/notices/stop",
        button: "Stop them",
        back: PATH,
    };
    let what = html! {
        p { "Nobody is told anything until they are started again, however urgent. What waits to be delivered \
             stays, and what was told is not told twice afterwards." }
    };
    ask(&visit, &question, &what, &html! {})
}

/// Stops notices.
pub(in crate::http::console) async fn stop(
    visit: Visit,
    inventory: Inventory,
) -> Result<Response, Refusal> {
    set(&inventory, false).await?;
    Ok(visit.done(PATH, "Nothing goes out any more."))
}

async fn set(inventory: &Inventory, starts: bool) -> Result<(), Refusal> {
    let change = Change { started: Some(starts), contact: None };
    notify::change(inventory, &change, |_| Ok(())).await?;
    Ok(())
}
