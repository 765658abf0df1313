//! A notice: to whom, how its delivery stands, and what it says.

use axum::response::Response;
use keytender_core::access::Scope;
use keytender_core::id::NoticeId;
use maud::html;

use super::{PATH, may_go_again, send_again, state};
use crate::app::inventory::Inventory;
use crate::app::notify;
use crate::http::console::layout;
use crate::http::console::visit::Visit;
use crate::http::console::words::moment;
use crate::http::extract::Path;
use crate::http::problem::{Problem, Refusal};

fn id(word: &str) -> Result<NoticeId, Refusal> {
    word.parse().map_err(|_| Problem::not_found("there is no notice of this id").into())
}

/// Shows a notice.
pub(in crate::http::console) async fn page(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let notice = notify::view(&inventory, id(&word)?).await?;
    let data = notice.content.as_ref().and_then(|data| serde_json::to_string_pretty(data).ok());
    let content = html! {
        p { a href=(PATH) { "Notices" } }
        h1 { (notice.subject) }
        dl.facts {
            dt { "To" } dd { (notice.recipient) }
            dt { "By" } dd { (notice.channel) }
            dt { "State" } dd { (state(&inventory, &notice)) }
            dt { "Written" } dd { (moment(notice.created_at, inventory.now)) }
            dt { "Id" } dd { code { (notice.id) } }
        }
        @if may_go_again(&notice) && visit.may(Scope::NoticesWrite) { (send_again(&visit, &notice)) }
        h2 { "What it says" }
        @if let Some(text) = &notice.text { pre tabindex="0" { (text) } }
        @if let Some(data) = &data { pre tabindex="0" { (data) } }
    };
    Ok(layout::page(&visit, PATH, &notice.subject, &content))
}

/// Lets a notice that was given up wait again.
pub(in crate::http::console) async fn again(
    visit: Visit,
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Response, Refusal> {
    let notice = notify::send_again(&inventory, id(&word)?).await?;
    let word = format!("It waits again, and goes to {} with the next run.", notice.recipient);
    Ok(visit.done(&format!("{PATH}/{}", notice.id), &word))
}
