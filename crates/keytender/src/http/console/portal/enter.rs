//! The link that opens the key page, and the end of it.

use axum::extract::State as Extract;
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::session::{Guest, is_framed};
use super::{PATH, cookie, layout};
use crate::app::inventory::Inventory;
use crate::app::portal::{self, Entered};
use crate::clock;
use crate::http::address;
use crate::http::auth;
use crate::http::extract::Path;
use crate::http::problem::{Problem, Refusal};
use crate::http::state::State;

/// Follows a link. It is no link of a mail: the provider has just sent the browser here, so there is nothing to ask.
/// A browser that only looks ahead uses nothing up.
pub(super) async fn enter(
    Extract(state): Extract<State>,
    Path(secret): Path<String>,
    parts: Parts,
) -> Result<Response, Refusal> {
    if is_ahead(&parts) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let address = auth::place(address::of(&parts, &state.proxies));
    let came = (address.as_str(), clock::now());
    Ok(match portal::enter(&state.store, &state.location, &secret, came).await? {
        Entered::Open(held, brand) => {
            let mut response = layout::branded(&brand, Redirect::to(PATH).into_response());
            let headers = response.headers_mut();
            cookie::keep(headers, &held, state.is_https, is_framed(&parts));
            response
        }
        Entered::Over(brand) => layout::over(&brand),
        Entered::Nothing => layout::unknown(),
    })
}

/// Whether a browser asks before anybody wants to see the page.
fn is_ahead(parts: &Parts) -> bool {
    let says = |name: &str| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| value.contains("prefetch") || value.contains("prerender"))
    };
    parts.method != Method::GET || says("sec-purpose") || says("purpose")
}

/// What is at no other path of the page.
pub(super) async fn nothing() -> Problem {
    Problem::not_found("there is nothing at this path")
}

/// The picture at the top.
pub(super) async fn logo(guest: Guest) -> Result<Response, Refusal> {
    let (media_type, bytes) = portal::logo(&guest.brand)?;
    let kind = HeaderValue::from_str(&media_type)
        .map_err(|error| Refusal::Failed(format!("a picture's type: {error}")))?;
    let kept = HeaderValue::from_static("private, max-age=600");
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, kept)], bytes).into_response())
}

/// Closes the page. Its cookie stays, and opens nothing any more: by it whoever loads the page again is told so.
pub(super) async fn leave(guest: Guest, inventory: Inventory) -> Result<Response, Refusal> {
    portal::leave(&inventory, guest.opened.id).await?;
    Ok(layout::closed(&guest))
}
