//! The door for keys that somebody found: `POST /v1/exposures` for anybody, `…/partner` for a partner that signs.
//!
//! It stands apart from everything else, so that a flood before it holds up nothing: it has limits of its own, which
//! are looked at before a body is read; whoever is over them waits for the answer; bodies are read by few at once and
//! understood beside the threads that answer; and what is told is worked on by one task after the answer, with rests.
//! Anybody gets the same answer whatever they tell.

mod anybody;
mod limits;
mod partner;
mod work;

use std::net::IpAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::limits::Limits;
use self::work::Queue;
use super::problem::Problem;
use super::state::State;
use super::{address, auth};
use crate::app::leaks::Teller;
use crate::connect::scanning::Partner;

pub(super) use self::work::work;

/// The answer to whoever is not heard; an answer is large.
type Refused = Box<Response>;

/// How long a body may take.
const READING: Duration = Duration::from_secs(15);

/// What belongs to the door.
#[derive(Debug)]
pub(super) struct Door {
    anybody: Limits,
    partners: Limits,
    queue: Queue,
    partner: Option<Partner>,
}

impl Door {
    /// A door for anybody, and for `partner`.
    pub(super) fn new(partner: Option<Partner>) -> Self {
        Self {
            anybody: Limits::of_anybody(),
            partners: Limits::of_partners(),
            queue: Queue::new(),
            partner,
        }
    }

    /// Forgets who has not asked for long.
    pub(super) fn forget(&self) {
        self.anybody.forget();
        self.partners.forget();
    }
}

/// The operations, for the document.
pub(super) fn documented() -> OpenApiRouter<State> {
    OpenApiRouter::new().routes(routes!(anybody::report)).routes(routes!(partner::report))
}

/// The door.
pub(super) fn router() -> Router<State> {
    documented().into()
}

/// Who asks, unless they do so too often.
async fn admit(
    limits: &Limits,
    state: &State,
    request: Request,
) -> Result<(Option<IpAddr>, Request), Refused> {
    let (parts, body) = request.into_parts();
    let from = address::of(&parts, &state.proxies);
    limits.admit(from).await?;
    Ok((from, Request::from_parts(parts, body)))
}

/// The body of a request, of at most `most` bytes; `hint` says how to send less.
async fn read(
    limits: &Limits,
    request: Request,
    most: usize,
    hint: &str,
) -> Result<(Request, Bytes), Refused> {
    let (parts, body) = request.into_parts();
    let announced = parts.headers.get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let too_large =
        || refuse(StatusCode::PAYLOAD_TOO_LARGE, format!("a body has at most {most} bytes"), hint);
    if announced.is_some_and(|bytes| bytes > most) {
        return Err(too_large());
    }
    let Some(_reader) = limits.reader() else { return Err(busy()) };
    let read = async {
        let (mut bytes, mut pieces) = (Vec::new(), body.into_data_stream());
        while let Some(piece) = pieces.next().await {
            bytes.extend_from_slice(&piece.map_err(|_| unreadable())?);
            if bytes.len() > most {
                return Err(too_large());
            }
        }
        Ok(Bytes::from(bytes))
    };
    let slow = Problem::new(StatusCode::REQUEST_TIMEOUT, "the body took too long");
    let bytes =
        timeout(READING, read).await.unwrap_or_else(|_| Err(Box::new(slow.into_response())))?;
    Ok((Request::from_parts(parts, Body::empty()), bytes))
}

fn unreadable() -> Refused {
    Box::new(Problem::bad_request("the body cannot be read").into_response())
}

/// The answer while there is too much to do.
fn busy() -> Refused {
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "there is too much to do");
    Box::new(([(header::RETRY_AFTER, "10")], problem).into_response())
}

fn refuse(status: StatusCode, why: String, hint: &str) -> Refused {
    Box::new(Problem::new(status, why).hint(hint).into_response())
}

/// Understands a body as JSON that is said to be so, beside the threads that answer.
async fn understand<T: DeserializeOwned + Send + 'static>(
    state: State,
    request: Request,
    bytes: Bytes,
) -> Result<T, Refused> {
    let request = request.map(|_| Body::from(bytes));
    let handle = tokio::runtime::Handle::current();
    let understood = tokio::task::spawn_blocking(move || {
        handle.block_on(super::extract::Body::<T>::from_request(request, &state))
    });
    match understood.await {
        Ok(Ok(body)) => Ok(body.0),
        Ok(Err(refusal)) => Err(Box::new(refusal.into_response())),
        Err(_) => Err(busy()),
    }
}

/// Whoever tells, in the log of acts.
fn teller(name: &str, from: Option<IpAddr>) -> Teller {
    Teller { name: name.to_owned(), origin: format!("reported from {}", auth::place(from)) }
}
