//! Which version of a thing a caller has seen.
//!
//! An ETag is the digest of what was answered, so that it changes with every member; a change that
//! names another one than the present is refused, within the transaction that would write it.

use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use super::problem::{Problem, Refusal};
use crate::error::{Error, Kind};

/// How many bytes of the digest stand in an ETag.
const BYTES: usize = 12;

/// The ETag of what is answered.
pub(super) fn of(body: &[u8]) -> String {
    let digest = digest(&SHA256, body);
    let start = digest.as_ref().first_chunk::<BYTES>().map_or(&[][..], |bytes| bytes);
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(start))
}

/// The ETag of a thing, for a form that is made from it.
///
/// # Errors
/// When the thing cannot be written.
pub(super) fn tag(thing: &impl Serialize) -> Result<String, Error> {
    serde_json::to_vec(thing)
        .map(|body| of(&body))
        .map_err(|error| Error::new("cannot write JSON").kind(Kind::Internal).source(error))
}

/// A thing with the ETag of its version.
#[derive(Debug)]
pub(super) struct Tagged<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let Ok(body) = serde_json::to_vec(&self.0) else {
            return Refusal::Failed("an answer cannot be written as JSON".to_owned())
                .into_response();
        };
        let mut response = Json(self.0).into_response();
        if let Ok(tag) = HeaderValue::from_str(&of(&body)) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// The versions that a caller names in `If-Match`.
#[derive(Clone, Debug, Default)]
pub(super) struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    /// Of the version that a form was made from.
    pub(super) fn one(tag: Option<&str>) -> Self {
        Self(tag.map(|tag| vec![tag.to_owned()]))
    }

    /// Refuses if `thing` is not one of the versions that were named.
    ///
    /// # Errors
    /// [`Kind::Stale`].
    pub(super) fn check(&self, thing: &impl Serialize) -> Result<(), Error> {
        let Some(named) = &self.0 else { return Ok(()) };
        let now = tag(thing)?;
        if named.iter().any(|tag| tag == "*" || *tag == now) {
            return Ok(());
        }
        Err(Error::new("it has changed since you read it").kind(Kind::Stale))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        tags(&parts.headers, &header::IF_MATCH).map(Self)
    }
}

fn tags(headers: &HeaderMap, name: &header::HeaderName) -> Result<Option<Vec<String>>, Refusal> {
    let mut found = None;
    for value in headers.get_all(name) {
        let text = value.to_str().map_err(|_| {
            Refusal::from(Problem::bad_request(format!("`{name}` is no list of ETags")))
        })?;
        let tags = text.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty());
        found.get_or_insert_with(Vec::new).extend(tags);
    }
    Ok(found)
}

/// Answers 304 to whoever has the present version already.
pub(super) async fn not_modified(
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let is_read = request.method() == axum::http::Method::GET;
    let known = tags(request.headers(), &header::IF_NONE_MATCH).ok().flatten();
    let response = next.run(request).await;
    let tag = response.headers().get(header::ETAG).and_then(|tag| tag.to_str().ok());
    let is_known = match (&known, tag) {
        (Some(known), Some(tag)) => known.iter().any(|one| one.trim_start_matches("W/") == tag),
        _ => false,
    };
    if is_read && is_known && response.status() == StatusCode::OK {
        let mut empty = StatusCode::NOT_MODIFIED.into_response();
        if let Some(tag) = response.headers().get(header::ETAG) {
            empty.headers_mut().insert(header::ETAG, tag.clone());
        }
        return empty;
    }
    response
}
