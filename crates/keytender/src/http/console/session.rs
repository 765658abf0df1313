//! Who is behind a browser, and whether what it posts came from a page of ours.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State as Extract};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use keytender_core::access::Scope;
use keytender_core::secret::Secret;

use super::cookie;
use super::visit::{Browser, From, Proof};
use crate::app::sessions::{self, Came, Signed};
use crate::app::ticket;
use crate::clock;
use crate::http::address;
use crate::http::auth::{self, Caller, Named};
use crate::http::nul;
use crate::http::problem::{Problem, Refusal};
use crate::http::state::State;

/// The largest form, in bytes: a policy has some 20 KiB.
const MAX_FORM: usize = 1024 * 1024;
/// The member of every form that proves that it came from a page of ours.
pub(super) const PROOF: &str = "proof";
/// For what the proof is made.
const PURPOSE: &str = "form";

/// Says who is behind the browser, and refuses what others had it post.
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
    let (mut parts, body) = request.into_parts();
    let address = auth::place(address::of(&parts, &state.proxies));
    let shown = cookie::held(&parts.headers, state.is_https);
    let signed = match &shown {
        Some(held) => sessions::find(&state.store, held.expose(), clock::now()).await?,
        None => None,
    };
    // A visitor who is not signed in gets a cookie too: their forms need a proof as well.
    let (held, is_new) = match (shown, &signed) {
        (Some(held), _) => (held, false),
        (None, _) => (ticket::make()?, true),
    };
    let proof = proof(state, &held, signed.as_ref());
    let body = match parts.method == Method::POST {
        true => checked(&parts, body, &proof).await?,
        false => body,
    };
    let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let agent = agent.unwrap_or_default().to_owned();
    let turned = signed.as_ref().and_then(|signed| signed.turned.clone());
    let named = signed.as_ref().map(|signed| Named(signed.who.user.clone()));
    if let Some(signed) = signed {
        let origin = format!("console from {address}, session {}", signed.session.id);
        parts.extensions.insert(Caller { who: signed.who.clone(), origin, key_id: None });
        parts.extensions.insert(signed);
    }
    let host = parts.headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let host = host.unwrap_or_default().to_owned();
    parts.extensions.insert(Browser { held: held.clone(), host });
    parts.extensions.insert(Proof(proof));
    parts.extensions.insert(From(Came { address, agent }));
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if let Some(named) = named {
        response.extensions_mut().insert(named);
    }
    let is_changed = cookie::is_changed(response.headers(), state.is_https);
    if let Some(held) = turned.or(is_new.then_some(held)).filter(|_| !is_changed) {
        cookie::keep(response.headers_mut(), &held, state.is_https);
    }
    Ok(response)
}

/// What a form must carry that comes from this browser's pages.
fn proof(state: &State, held: &Secret, signed: Option<&Signed>) -> String {
    let bound = signed.map_or_else(|| held.expose().to_owned(), |one| one.session.id.to_string());
    state.sealer.prove(PURPOSE, bound.as_bytes())
}

/// The body of a form, if it came from a page of ours.
pub(super) async fn checked(parts: &Parts, body: Body, proof: &str) -> Result<Body, Refusal> {
    if !is_from_here(&parts.headers) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "another site sent this form").into());
    }
    let bytes = to_bytes(body, MAX_FORM).await.map_err(|_| {
        let detail = format!("a form has at most {} MiB", MAX_FORM / (1024 * 1024));
        Refusal::from(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail))
    })?;
    let mut members = form_urlencoded::parse(&bytes);
    let shown = members.find(|(name, _)| name == PROOF).map(|(_, value)| value.into_owned());
    let is_same = shown.is_some_and(|shown| {
        aws_lc_rs::constant_time::verify_slices_are_equal(shown.as_bytes(), proof.as_bytes())
            .is_ok()
    });
    if !is_same {
        let problem = Problem::new(StatusCode::FORBIDDEN, "this form is too old, or not from here");
        return Err(problem.hint("load the page again, and send it from there").into());
    }
    if std::str::from_utf8(&bytes).is_ok_and(nul::is_in_url) {
        let problem = Problem::bad_request("no text holds the letter U+0000");
        return Err(problem.into());
    }
    Ok(Body::from(bytes))
}

/// Whether the browser says that the form came from a page of ours. One that says nothing is too old to
/// tell; the proof is asked of everybody.
fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin"), text("host")) {
        (Some(site), ..) => matches!(site, "same-origin" | "none"),
        (None, Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, origin)| origin == host)
        }
        _ => true,
    }
}

/// Sends whoever is not signed in to where they can.
pub(super) async fn only_signed(request: Request, next: Next) -> Response {
    if request.extensions().get::<Signed>().is_some() {
        return next.run(request).await;
    }
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let wanted = request.uri().path_and_query().map_or("/", |uri| uri.as_str());
    let wanted = if is_read { wanted } else { "/" };
    if wanted == "/" {
        return Redirect::to("/sign-in").into_response();
    }
    let next: String = form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    Redirect::to(&format!("/sign-in?next={next}")).into_response()
}

/// Refuses whoever has not the scope of a page.
pub(super) async fn needs(
    Extract(scope): Extract<Scope>,
    request: Request,
    next: Next,
) -> Response {
    let caller = request.extensions().get::<Caller>();
    let Some(caller) = caller else {
        return Refusal::Failed("a page without a guard".to_owned()).into_response();
    };
    match auth::has(&caller.who, scope) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}
