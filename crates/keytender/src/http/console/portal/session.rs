//! Which customer is behind a browser, and whether a form is from a page of ours.

use axum::extract::{FromRequestParts, Request, State as Extract};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use keytender_core::access::Scope;
use maud::Markup;

use super::{PATH, cookie, layout};
use crate::app::portal::{self, Brand, Opened, Shown};
use crate::clock;
use crate::http::address;
use crate::http::auth::{self, Caller, Named};
use crate::http::console::session::checked;
use crate::http::console::visit::proof_member;
use crate::http::problem::{Problem, Refusal};
use crate::http::state::State;

/// For what the proof of a form is made.
const PURPOSE: &str = "key page form";
/// The parameter that says what was done, for the next page.
const SAID: &str = "said";

/// Somebody who looks at the key page of a customer.
#[derive(Clone, Debug)]
pub(super) struct Guest {
    /// What the handler reaches.
    pub(super) state: State,
    /// Whose page it is.
    pub(super) opened: Opened,
    /// How it looks.
    pub(super) brand: Brand,
    /// What the page before left to say.
    pub(super) word: Option<&'static str>,
    proof: String,
}

/// What pages say that was done, each by a word that stands in an address.
const WORDS: [(&str, &str); 9] = [
    ("app", "The app is added. Make its first key now."),
    ("renamed", "The key has its new name."),
    ("suspended", "The key is suspended: it does not work until you resume it."),
    ("resumed", "The key works again."),
    ("finished", "The rotation is finished: only the new key works."),
    ("cancelled", "The rotation is cancelled: the old key works on."),
    ("revoked", "The key is revoked, and refused everywhere."),
    ("revoking", "The key is revoked. It is refused here already, and everywhere within moments."),
    (
        "leaked",
        "The key is revoked, and it is noted that it leaked. Look at where it was used lately.",
    ),
];

impl Guest {
    /// Whether they may do what needs this scope.
    pub(super) fn may(&self, scope: Scope) -> bool {
        self.opened.who.grant.allows(scope)
    }

    /// The member of a form that proves that it came from a page of ours. Every form has one.
    pub(super) fn proof(&self) -> Markup {
        proof_member(&self.proof)
    }

    /// Goes to another page, and says there what was done.
    pub(super) fn done(path: &str, word: &str) -> Response {
        Redirect::to(&format!("{path}?{SAID}={word}")).into_response()
    }
}

impl FromRequestParts<State> for Guest {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &State) -> Result<Self, Refusal> {
        let guest = parts.extensions.get::<Self>().cloned();
        guest.ok_or_else(|| Refusal::Failed("a key page without a guard".to_owned()))
    }
}

/// Whether a browser says that it shows what it asks for in a frame.
pub(super) fn is_framed(parts: &Parts) -> bool {
    let place = parts.headers.get("sec-fetch-dest").and_then(|value| value.to_str().ok());
    place.is_some_and(|place| matches!(place, "iframe" | "frame"))
}

/// Says which customer is behind the browser, and refuses what others had it post.
pub(super) async fn visit(
    Extract(state): Extract<State>,
    request: Request,
    next: Next,
) -> Response {
    match visited(&state, request, next).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn visited(state: &State, request: Request, next: Next) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let shown = match cookie::held(&parts.headers, state.is_https) {
        Some(held) => portal::find(&state.store, held.expose(), clock::now()).await?,
        None => Shown::Nothing,
    };
    match shown {
        Shown::Open(opened, brand) => {
            let brand_of_page = (*brand).clone();
            let proof = state.sealer.prove(PURPOSE, opened.id.to_string().as_bytes());
            let guest = Guest {
                state: state.clone(),
                word: said(&parts),
                opened: *opened,
                brand: *brand,
                proof,
            };
            let response = match within(state, &guest, (parts, body), next).await {
                Ok(response) => response,
                Err(refusal) => refusal.into_response(),
            };
            Ok(layout::branded(&brand_of_page, told(&guest, response)))
        }
        Shown::Over(brand) => Ok(layout::over(&brand)),
        Shown::Nothing => Ok(layout::unknown()),
    }
}

async fn within(
    state: &State,
    guest: &Guest,
    (mut parts, body): (Parts, axum::body::Body),
    next: Next,
) -> Result<Response, Refusal> {
    let body = match parts.method == Method::POST {
        true => checked(&parts, body, &guest.proof).await?,
        false => body,
    };
    let address = auth::place(address::of(&parts, &state.proxies));
    let who = guest.opened.who.clone();
    let named = Named(who.user.clone());
    let origin = format!("key page from {address}, {}", guest.opened.origin);
    parts.extensions.insert(Caller { who, origin, key_id: None });
    parts.extensions.insert(guest.clone());
    let mut response = next.run(Request::from_parts(parts, body)).await;
    response.extensions_mut().insert(named);
    Ok(response)
}

/// What the page before left to say, by its word: nobody puts others in an address.
fn said(parts: &Parts) -> Option<&'static str> {
    let query = parts.uri.query().unwrap_or_default();
    let word = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == SAID)?.1;
    WORDS.iter().find(|(known, _)| *known == word).map(|(_, words)| *words)
}

/// Tells a refusal as a page of the brand.
fn told(guest: &Guest, mut response: Response) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    if problem.status() == StatusCode::INTERNAL_SERVER_ERROR {
        // Its number and its line in the log come from around.
        response.extensions_mut().insert(problem);
        return response;
    }
    let mut page = layout::refused(guest, &problem);
    *page.status_mut() = response.status();
    if let Some(named) = response.extensions_mut().remove::<Named>() {
        page.extensions_mut().insert(named);
    }
    for value in response.headers().get_all(header::SET_COOKIE) {
        page.headers_mut().append(header::SET_COOKIE, value.clone());
    }
    page
}

/// Where a key's page is.
pub(super) fn place(key: &str) -> String {
    format!("{PATH}/keys/{key}")
}
