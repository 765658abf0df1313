//! What the server publishes of itself: descriptors of its keys, and where these stand. Anybody may read it, from
//! any page; it carries an ETag, and may be kept for some minutes.

use std::sync::Arc;

use axum::extract::{Path, State as Extract};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use keytender_core::time::{Span, Time};
use tokio::sync::Mutex;

use super::etag;
use super::problem::{Problem, Refusal};
use super::state::State;
use crate::app::publish::{self, API_CATALOG, Documents, Pair};
use crate::clock;

/// How long what was made is given again: a flood of readers costs the database nothing.
const FRESH: Span = Span::from_micros(2_000_000);
/// How long readers may keep it.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");
/// The media type of a set of links, by its profile (RFC 9727, section 4.2).
const LINKSET: &str =
    "application/linkset+json; profile=\"https://www.rfc-editor.org/info/rfc9727\"";
const JSON: &str = "application/json";

/// What was made last, and when.
#[derive(Debug, Default)]
pub(super) struct Published(Mutex<Option<(Time, Arc<Documents>)>>);

impl Published {
    pub(super) async fn now(&self, state: &State) -> Result<Arc<Documents>, Refusal> {
        let mut made = self.0.lock().await;
        let now = clock::now();
        if let Some((at, documents)) = made.as_ref()
            && now >= *at
            && now.since(*at) < FRESH
        {
            return Ok(Arc::clone(documents));
        }
        let documents = Arc::new(publish::documents(&state.store, state.base.url()).await?);
        *made = Some((now, Arc::clone(&documents)));
        Ok(documents)
    }
}

/// A text that anybody may read and keep.
pub(super) fn open_to_all(media_type: &'static str, text: String) -> Response {
    let tag = HeaderValue::from_str(&etag::of(text.as_bytes())).ok();
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, KEPT);
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("ETag"));
    if let Some(tag) = tag {
        headers.insert(header::ETAG, tag);
    }
    response
}

pub(super) fn nothing_issued() -> Refusal {
    Problem::not_found("no keys of an API are issued here").into()
}

async fn of(state: &State, api: &str, which: fn(&Pair) -> &String) -> Result<Response, Refusal> {
    let documents = state.published.now(state).await?;
    let pair = documents.of_api.get(api);
    let text = pair.map(which).ok_or_else(|| Problem::not_found("there is no such API"))?;
    Ok(open_to_all(JSON, text.clone()))
}

async fn of_all(state: &State, which: fn(&Pair) -> &String) -> Result<Response, Refusal> {
    let documents = state.published.now(state).await?;
    let text = documents.all.as_ref().map(which).ok_or_else(nothing_issued)?;
    Ok(open_to_all(JSON, text.clone()))
}

/// Read how keys are managed
///
/// A descriptor (AKM 0.1) of the keys of every API: how they are listed, made, suspended, rotated and ended. A
/// customer's own token can do all that it names.
#[utoipa::path(get, path = "/.well-known/api-keys", tag = "server",
    responses((status = 200, body = Value, description = "The descriptor", content_type = "application/json"),
              (status = 404, body = Problem, description = "No keys of an API are issued here",
               content_type = "application/problem+json")),
    security(()))]
pub(super) async fn api_keys(Extract(state): Extract<State>) -> Result<Response, Refusal> {
    of_all(&state, |pair| &pair.api_keys).await
}

/// Read how keys of one API are managed
#[utoipa::path(get, path = "/.well-known/api-keys/{api}", tag = "server",
    params(("api" = String, Path, description = "The name")),
    responses((status = 200, body = Value, description = "The descriptor", content_type = "application/json")),
    security(()))]
pub(super) async fn api_keys_of(
    Extract(state): Extract<State>,
    Path(api): Path<String>,
) -> Result<Response, Refusal> {
    of(&state, &api, |pair| &pair.api_keys).await
}

/// Read how a first key is got
///
/// An API Onboarding Descriptor 0.1 of every API.
#[utoipa::path(get, path = "/.well-known/api-onboarding", tag = "server",
    responses((status = 200, body = Value, description = "The descriptor", content_type = "application/json"),
              (status = 404, body = Problem, description = "No keys of an API are issued here",
               content_type = "application/problem+json")),
    security(()))]
pub(super) async fn onboarding(Extract(state): Extract<State>) -> Result<Response, Refusal> {
    of_all(&state, |pair| &pair.onboarding).await
}

/// Read how a first key of one API is got
#[utoipa::path(get, path = "/.well-known/api-onboarding/{api}", tag = "server",
    params(("api" = String, Path, description = "The name")),
    responses((status = 200, body = Value, description = "The descriptor", content_type = "application/json")),
    security(()))]
pub(super) async fn onboarding_of(
    Extract(state): Extract<State>,
    Path(api): Path<String>,
) -> Result<Response, Refusal> {
    of(&state, &api, |pair| &pair.onboarding).await
}

/// Read the index of what is published
///
/// APIs.json 0.23.
#[utoipa::path(get, path = "/apis.json", tag = "server",
    responses((status = 200, body = Value, description = "The index", content_type = "application/json")),
    security(()))]
pub(super) async fn apis_json(Extract(state): Extract<State>) -> Result<Response, Refusal> {
    let documents = state.published.now(&state).await?;
    Ok(open_to_all(JSON, documents.apis_json.clone()))
}

/// Read the catalog of what is published
///
/// A set of links as RFC 9727 has it.
#[utoipa::path(get, path = "/.well-known/api-catalog", tag = "server",
    responses((status = 200, body = Value, description = "The catalog",
               content_type = "application/linkset+json")),
    security(()))]
pub(super) async fn api_catalog(Extract(state): Extract<State>) -> Result<Response, Refusal> {
    let documents = state.published.now(&state).await?;
    let mut response = open_to_all(LINKSET, documents.api_catalog.clone());
    let link = format!("<{}{API_CATALOG}>; rel=\"api-catalog\"", state.base.url());
    if let Ok(link) = HeaderValue::from_str(&link) {
        response.headers_mut().insert(HeaderName::from_static("link"), link);
    }
    Ok(response)
}
