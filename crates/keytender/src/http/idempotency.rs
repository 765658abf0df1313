//! Requests that are sent again after an answer was lost: done once, answered alike.
//!
//! A POST may carry an `Idempotency-Key`. The first request with it is noted before it is done; a
//! later one gets the answer of the first for 24 hours. Answers may show a secret, so they are kept
//! sealed under a key derived from the Idempotency-Key, of which only a digest is kept. Where this
//! program died between act and note, nobody knows the answer any more: that is said.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State as Extract};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keytender_core::secret::Secret;
use serde::{Deserialize, Serialize};

use super::auth::Caller;
use super::problem::{Problem, Refusal};
use super::router::MAX_BODY;
use super::state::State;
use crate::app::inventory::{cannot_write, commit};
use crate::clock;
use crate::config::master::MasterKey;
use crate::error::Error;
use crate::store::idempotency::{Earlier, Request as Noted};
use crate::store::seal::Sealer;
use crate::store::{Failure, Store};

/// The header, as the IETF's draft names it.
pub(super) const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is one that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// How long an Idempotency-Key may be, in bytes: a UUID has 36.
pub(super) const MAX_KEY: usize = 255;
/// How long the answer is kept is in `task::sweep`; this is the most of one that is.
const MAX_ANSWER: usize = 1024 * 1024;

/// An answer, as it is kept.
#[derive(Serialize, Deserialize)]
struct Answer {
    headers: Vec<(String, String)>,
    body: String,
}

/// Does a request with an `Idempotency-Key` once.
pub(super) async fn once(Extract(state): Extract<State>, request: Request, next: Next) -> Response {
    let Some(key) = request.headers().get(&HEADER).cloned() else {
        return next.run(request).await;
    };
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    match run(&state, key.as_bytes(), request, next).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    }
}

async fn run(state: &State, key: &[u8], request: Request, next: Next) -> Result<Response, Refusal> {
    if key.is_empty() || key.len() > MAX_KEY || !key.iter().all(|byte| (0x20..0x7f).contains(byte))
    {
        let detail = format!("`Idempotency-Key` has 1 to {MAX_KEY} plain letters");
        return Err(Problem::bad_request(detail).into());
    }
    let (parts, body) = request.into_parts();
    let caller = parts.extensions.get::<Caller>();
    let caller = caller.and_then(|caller| Some((caller.who.tenant, caller.key_id?)));
    let (tenant, key_id) =
        caller.ok_or_else(|| Refusal::Failed("a route without a guard".to_owned()))?;
    let body = to_bytes(body, MAX_BODY).await.map_err(|_| {
        Refusal::from(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "the body cannot be read"))
    })?;
    let asked = format!("{} {}\n", parts.method, parts.uri);
    let noted = Noted {
        key_id,
        digest: hex(digest(&SHA256, key).as_ref()),
        request: hex(digest(&SHA256, &[asked.as_bytes(), &body].concat()).as_ref()),
    };
    let store = state.store.of_tenant(tenant);
    if let Some(earlier) = begin(&store, &noted).await? {
        return replay(&earlier, &noted, key);
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    end(&store, &noted, key, response).await
}

async fn begin(store: &Store, noted: &Noted) -> Result<Option<Earlier>, Error> {
    let mut tx = store.db().begin().await.map_err(Failure::from).map_err(cannot_write)?;
    let earlier = tx.begin_request(noted, clock::now()).await.map_err(cannot_write)?;
    commit(tx).await?;
    Ok(earlier)
}

fn replay(earlier: &Earlier, noted: &Noted, key: &[u8]) -> Result<Response, Refusal> {
    if earlier.request != noted.request {
        let problem = Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "this Idempotency-Key was used for another request",
        );
        return Err(problem.hint("each request has a key of its own").into());
    }
    let Some((status, sealed)) = &earlier.answer else {
        let problem = Problem::new(
            StatusCode::CONFLICT,
            "the first request with this Idempotency-Key was not answered yet",
        );
        let hint = "ask again in a moment; if it stays so, the server ended in between: look \
                    whether it was done, and use a new key";
        return Err(problem.hint(hint).into());
    };
    let opened = sealer(key).open(&noted.digest, sealed);
    let opened = opened.map_err(|error| Refusal::Failed(format!("a kept answer: {error}")))?;
    let answer: Answer = serde_json::from_str(opened.expose())
        .map_err(|error| Refusal::Failed(format!("a kept answer: {error}")))?;
    let body = STANDARD.decode(answer.body).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(*status).unwrap_or_default();
    for (name, value) in answer.headers {
        let header = HeaderName::try_from(name).ok().zip(HeaderValue::try_from(value).ok());
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

/// Keeps the answer; one that says that we failed is not kept, so that it may be tried again.
async fn end(
    store: &Store,
    noted: &Noted,
    key: &[u8],
    response: Response,
) -> Result<Response, Refusal> {
    let is_kept = !response.status().is_server_error();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_ANSWER)
        .await
        .map_err(|error| Refusal::Failed(format!("an answer is too long to be kept: {error}")))?;
    let answer = match is_kept {
        true => Some((parts.status.as_u16(), seal(key, &noted.digest, &parts, &body)?)),
        false => None,
    };
    let mut tx = store.db().begin().await.map_err(Failure::from).map_err(cannot_write)?;
    tx.end_request(noted, answer).await.map_err(cannot_write)?;
    commit(tx).await?;
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn seal(
    key: &[u8],
    id: &str,
    parts: &axum::http::response::Parts,
    body: &Bytes,
) -> Result<String, Refusal> {
    let kept = [header::CONTENT_TYPE, header::ETAG, header::LOCATION];
    let headers = kept.iter().filter_map(|name| {
        Some((name.to_string(), parts.headers.get(name)?.to_str().ok()?.to_owned()))
    });
    let answer = Answer { headers: headers.collect(), body: STANDARD.encode(body) };
    let text = serde_json::to_string(&answer)
        .map_err(|error| Refusal::Failed(format!("an answer cannot be kept: {error}")))?;
    let sealed = sealer(key).seal(id, &Secret::new(text));
    sealed.map_err(|error| Refusal::Failed(format!("an answer cannot be kept: {error}")))
}

/// The sealer of one Idempotency-Key.
fn sealer(key: &[u8]) -> Sealer {
    let purpose = hmac::Key::new(hmac::HMAC_SHA256, b"keytender idempotent answer v1");
    let mut bytes = [0_u8; 32];
    bytes.copy_from_slice(hmac::sign(&purpose, key).as_ref());
    Sealer::new(MasterKey::new(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
