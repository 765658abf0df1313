//! What stands around every request: its number, its line in the log, its figures, and headers that
//! keep a browser from doing more than it should.

use axum::extract::{MatchedPath, Request, State as Extract};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use metrics::{counter, histogram};

use super::auth::Named;
use super::problem::{Cause, Problem};
use super::state::State;
use crate::clock;

/// Under which name the number of a request is told.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
/// What stands for a path that no route has: the path itself may hold anything.
const NO_ROUTE: &str = "none";
/// Nothing is loaded, run or framed; pages that show something say so themselves.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);
/// A year, for whoever came by TLS.
const STRICT: HeaderValue = HeaderValue::from_static("max-age=31536000; includeSubDomains");

/// Numbers a request, logs it, counts it, and completes its headers.
pub(super) async fn observe(
    Extract(state): Extract<State>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let id = crate::store::random().map(|bits| format!("req_{bits:016x}")).unwrap_or_default();
    let begun = clock::now();
    let method = request.method().clone();
    let route = path.map_or_else(|| NO_ROUTE.to_owned(), |path| path.as_str().to_owned());
    let mut response = next.run(request).await;
    let cause = response.extensions_mut().remove::<Cause>();
    let user = response.extensions_mut().remove::<Named>();
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
        response = Problem::internal(&id).into_response();
    }
    let status = response.status().as_u16();
    let micros = clock::now().since(begun).as_micros();
    let milliseconds = micros / 1_000;
    let user = user.as_ref().map_or("-", |named| named.0.as_str());
    match cause {
        Some(Cause(cause)) => {
            tracing::error!(request = %id, %method, %route, status, milliseconds, user, %cause, "failed");
        }
        None => {
            tracing::info!(request = %id, %method, %route, status, milliseconds, user, "answered")
        }
    }
    let labels = [("method", method.to_string()), ("route", route), ("status", status.to_string())];
    counter!("keytender_http_requests_total", &labels).increment(1);
    let [method, route, _] = labels;
    #[expect(clippy::cast_precision_loss, reason = "a request takes less than 2^52 microseconds")]
    let seconds = micros as f64 / 1e6;
    histogram!("keytender_http_request_seconds", &[method, route]).record(seconds);
    complete(response, &id, state.is_https)
}

/// Of an answer whose own policy says whose pages may hold it in a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct MayBeFramed;

fn complete(mut response: Response, id: &str, is_https: bool) -> Response {
    let is_framed = response.extensions().get::<MayBeFramed>().is_some();
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(POLICY);
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !is_framed {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    if is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, STRICT);
    }
    response
}
