//! What this installation is. No secret stands here.

use axum::response::Response;
use maud::{Markup, html};

use super::layout;
use super::visit::Visit;
use super::words::moment;
use crate::app::inventory::Inventory;
use crate::app::{links, log, notify};
use crate::http::problem::Refusal;
use crate::store::db::Kind;

const PATH: &str = "/settings";

/// Shows what this installation is.
pub(super) async fn page(visit: Visit, inventory: Inventory) -> Result<Response, Refusal> {
    let settings = notify::settings(&inventory).await?;
    let database = match inventory.store.db().kind() {
        Kind::Sqlite => "SQLite",
        Kind::Postgres => "PostgreSQL",
    };
    let url = links::console_url(&inventory).await?;
    let content = html! {
        h1 { "Settings" }
        p.dim { "What this installation is. It is set where the server is started." }
        dl.facts {
            dt { "Version" } dd { (env!("CARGO_PKG_VERSION")) }
            dt { "Database" } dd { (database) }
            dt { "Others reach it at" } dd { (url.as_deref().unwrap_or("nobody has said yet")) }
            dt { "TLS" } dd { @if visit.state.is_https { "yes" } @else { "no: only this machine reaches it" } }
            dt { "Requests of one token" } dd {
                @match visit.state.limiter.per_second() {
                    0 => "as many as it likes",
                    count => { (count) " a second in the long run" }
                }
            }
            dt { "Notices" } dd {
                @match settings.started_at.filter(|_| settings.started) {
                    Some(at) => { "go out, since " (moment(at, inventory.now)) }
                    None => "do not go out",
                }
            }
            dt { "Hears of keys without an owner" } dd { (settings.contact.as_deref().unwrap_or("nobody")) }
            dt { "Fingerprint of the master key" } dd { code { (visit.state.sealer.fingerprint()) } }
            dt { "Checkpoints of the log" } dd { code { (log::checkpoints(&inventory)?) } }
        }
        (further())
    };
    Ok(layout::page(&visit, PATH, "Settings", &content))
}

fn further() -> Markup {
    html! {
        h2 { "Further" }
        ul {
            li { a href="/docs" { "The API" } ": what programs can ask, for people to read" }
            li { a href="/openapi.json" { "The same for programs" } " (OpenAPI 3.1)" }
            li { code { "/healthz" } " says whether it lives, " code { "/readyz" } " whether its database answers" }
        }
        p { "The command line knows the rest: " code data-copy { "keytender help" } }
    }
}
