//! `POST /v1/exposures`: anybody tells of keys that they found.

use axum::Json;
use axum::extract::{Request, State as Extract};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use keytender_core::secret::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::work::Batch;
use super::{Refused, admit, busy, read, refuse, teller, understand};
use crate::app::leaks::Report;
use crate::http::state::State;

/// The largest body, in bytes: 1,000 keys with the URLs at which they were found.
const MAX_BODY: usize = 512 * 1024;
/// The most credentials of a request.
const MAX_CREDENTIALS: usize = 1_000;
/// The longest credential, in letters.
const MAX_CREDENTIAL: usize = 1_000;
/// The longest URL and the longest word for a kind of place, in letters.
const MAX_URL: usize = 2_000;
const MAX_SOURCE: usize = 32;
/// Who tells, in the log and on the page of exposed keys.
const NAME: &str = "anybody";
/// How to send less.
const HINT: &str = "send at most 1,000 credentials in a request, and the rest in further ones";

/// What was found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct LeakedBody {
    /// Whole keys, or objects that also say where each was found.
    #[schema(min_items = 1, max_items = 1000)]
    credentials: Vec<LeakedKey>,
}

/// A key that was found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub(in crate::http) enum LeakedKey {
    /// The whole key.
    Alone(Found),
    /// The whole key, and where it was found.
    Placed(PlacedKey),
}

/// A key, and where it was found.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct PlacedKey {
    credential: Found,
    /// Where it was found; kept without user, password and query.
    #[schema(max_length = 2000, example = "https://code.example/blob/main/config.yml")]
    url: Option<String>,
    /// What kind of place that is.
    #[schema(max_length = 32, example = "commit")]
    source: Option<String>,
}

/// A whole key: a secret of somebody.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, max_length = 1000)]
pub(in crate::http) struct Found(Secret);

impl<'de> Deserialize<'de> for Found {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

/// The same for everybody.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ReceivedView {
    /// How many credentials were told; whether any is a key is not.
    received: usize,
}

impl From<LeakedKey> for Report {
    fn from(key: LeakedKey) -> Self {
        match key {
            LeakedKey::Alone(found) => Self { credential: found.0, url: None, source: None },
            LeakedKey::Placed(PlacedKey { credential, url, source }) => {
                Self { credential: credential.0, url, source }
            }
        }
    }
}

/// Tell of keys that leaked
///
/// For anybody who found a key of an API that this server issues keys for, or a token of this server: no token is
/// needed, and the answer is the same whatever was told. Whole keys are looked for after the answer; what is done
/// about one is said in its API's settings.
#[utoipa::path(post, path = "/v1/exposures", tag = "keys", request_body = LeakedBody,
    responses((status = 202, body = ReceivedView, description = "It was told")),
    security(()))]
pub(in crate::http) async fn report(Extract(state): Extract<State>, request: Request) -> Response {
    told(&state, request).await.unwrap_or_else(|refused| *refused)
}

async fn told(state: &State, request: Request) -> Result<Response, Refused> {
    let (from, request) = admit(&state.door.anybody, state, request).await?;
    let (request, bytes) = read(&state.door.anybody, request, MAX_BODY, HINT).await?;
    let body: LeakedBody = understand(state.clone(), request, bytes).await?;
    let received = body.credentials.len();
    let wrong = |why: String| refuse(StatusCode::UNPROCESSABLE_ENTITY, why, HINT);
    if received == 0 || received > MAX_CREDENTIALS {
        return Err(wrong(format!("`credentials` are from 1 to {MAX_CREDENTIALS}")));
    }
    let reports: Vec<Report> = body.credentials.into_iter().map(Report::from).collect();
    for report in &reports {
        let parts = [
            ("a credential", Some(report.credential.expose()), MAX_CREDENTIAL),
            ("`url`", report.url.as_deref(), MAX_URL),
            ("`source`", report.source.as_deref(), MAX_SOURCE),
        ];
        let too_long = |(_, text, most): &&(_, Option<&str>, usize)| {
            text.is_some_and(|text| text.chars().count() > *most)
        };
        if let Some((what, _, most)) = parts.iter().find(too_long) {
            return Err(wrong(format!("{what} has at most {most} letters")));
        }
    }
    match state.door.queue.put(Batch { teller: teller(NAME, from), reports }) {
        true => Ok((StatusCode::ACCEPTED, Json(ReceivedView { received })).into_response()),
        false => Err(busy()),
    }
}
