//! What comes in, strictly: what is not understood is refused with its place, never ignored.

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::auth::Caller;
use super::nul;
use super::problem::{Problem, Refusal};
use super::state::State;
use crate::app::inventory::Inventory;
use crate::clock;
use crate::store::acts::Actor;

/// What is said of a text with a NUL.
const NUL: &str = "no text holds the letter U+0000";

/// A body of JSON.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<State> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &State) -> Result<Self, Refusal> {
        let refuse = |rejection| Refusal::from(body_problem(&rejection));
        // As it is first: a struct would also be read from a list of its members without names.
        let raw = axum::Json::<Box<RawValue>>::from_request(request, state).await;
        let raw = raw.map_err(refuse)?.0;
        let text = raw.get();
        let unfit = match (text.starts_with('{'), nul::is_in_json(text.as_bytes())) {
            (false, _) => Some("the body is no object"),
            (true, true) => Some(NUL),
            (true, false) => None,
        };
        if let Some(why) = unfit {
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why).into());
        }
        axum::Json::<T>::from_bytes(raw.get().as_bytes()).map(|json| Self(json.0)).map_err(refuse)
    }
}

/// What the parser says names members and places; it repeats no value of a text member.
fn body_problem(rejection: &JsonRejection) -> Problem {
    match rejection {
        JsonRejection::JsonDataError(error) => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, cause(error))
        }
        JsonRejection::JsonSyntaxError(error) => Problem::bad_request(cause(error)),
        JsonRejection::MissingJsonContentType(_) => {
            Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body is not said to be JSON")
        }
        JsonRejection::BytesRejection(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            super::router::too_large()
        }
        _ => Problem::bad_request("the body cannot be read"),
    }
}

/// The innermost cause: the outer ones only say that something failed.
pub(super) fn cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// The parameters of a query.
#[derive(Debug)]
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<State> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Refusal> {
        if parts.uri.query().is_some_and(nul::is_in_url) {
            return Err(Problem::bad_request(NUL).into());
        }
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(QueryRejection::FailedToDeserializeQueryString(error)) => {
                Err(Problem::bad_request(cause(&error)).into())
            }
            Err(_) => Err(Problem::bad_request("the query is not understood").into()),
        }
    }
}

/// What stands in the path. What cannot be one of ours is not there.
#[derive(Debug)]
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<State> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Refusal> {
        if nul::is_in_url(parts.uri.path()) {
            return Err(Problem::not_found(NUL).into());
        }
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => {
                Err(Problem::not_found(cause(&error)).into())
            }
            Err(_) => Err(Problem::not_found("").into()),
        }
    }
}

/// The inventory as the caller sees it, at the moment of the request.
impl FromRequestParts<State> for Inventory {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Refusal> {
        let caller = parts.extensions.get::<Caller>();
        let caller = caller.ok_or_else(|| Refusal::Failed("a route without a guard".to_owned()))?;
        Ok(Self {
            store: state.store.of_tenant(caller.who.tenant),
            location: state.location.clone(),
            actor: Actor { name: caller.who.user.clone(), origin: caller.origin.clone() },
            now: clock::now(),
            sight: caller.who.sight,
        })
    }
}
