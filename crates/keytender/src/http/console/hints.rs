//! The link in a mail by which its reader ends hints about keys of an API.
//!
//! Mail programs post to it for their readers (RFC 8058): without a cookie, and without the proof of a page of
//! ours. To look at it changes nothing, for programs that check mails follow links.

use axum::extract::State as Extract;
use axum::response::Response;
use maud::html;

use super::layout;
use crate::app::hints::{self, Reader};
use crate::app::inventory::Inventory;
use crate::clock;
use crate::http::extract::Path;
use crate::http::problem::Refusal;
use crate::http::state::State;

fn inventory(state: &State) -> Inventory {
    Inventory::of_node(state.store.clone(), state.location.clone(), clock::now())
}

/// Says what the link does, and asks.
pub(super) async fn page(
    Extract(state): Extract<State>,
    Path(secret): Path<String>,
) -> Result<Response, Refusal> {
    let reader = hints::look(&inventory(&state), &state.sealer, &secret).await?;
    Ok(shown(&reader, &secret))
}

/// Ends hints.
pub(super) async fn refuse(
    Extract(state): Extract<State>,
    Path(secret): Path<String>,
) -> Result<Response, Refusal> {
    let reader = hints::say(&inventory(&state), &state.sealer, &secret, true).await?;
    Ok(shown(&reader, &secret))
}

/// Lets hints come again.
pub(super) async fn want(
    Extract(state): Extract<State>,
    Path(secret): Path<String>,
) -> Result<Response, Refusal> {
    let reader = hints::say(&inventory(&state), &state.sealer, &secret, false).await?;
    Ok(shown(&reader, &secret))
}

fn shown(reader: &Reader, secret: &str) -> Response {
    let place = format!("/no-hints/{secret}");
    let content = html! {
        p.dim { (reader.brand) }
        @if reader.refuses {
            h1 { "No more hints" }
            p { "You get no more hints about your keys. You are still told when one leaks, ends, or stops because \
                another took its place." }
            form.stack method="post" action={ (place) "/again" } {
                button.quiet type="submit" { "I want hints again" }
            }
        } @else {
            h1 { "Hints about your keys" }
            p { "Hints tell you of keys that are old or unused. Without them you are still told when a key leaks, \
                ends, or stops because another took its place." }
            form.stack method="post" action=(place) {
                button type="submit" { "No more hints" }
            }
        }
    };
    layout::bare("Hints about your keys", &content)
}
