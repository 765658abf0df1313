//! What is said of a key that was verified.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use keytender_core::time::{Span, Time};
use keytender_verify::verdict::Left;
use keytender_verify::{Accepted, Reason};

use crate::http::problem::{KeyProblem, Problem};

const ACCOUNT: HeaderName = HeaderName::from_static("keytender-account");
const APP: HeaderName = HeaderName::from_static("keytender-app");
const KEY: HeaderName = HeaderName::from_static("keytender-key");
const ENVIRONMENT: HeaderName = HeaderName::from_static("keytender-environment");
const SCOPES: HeaderName = HeaderName::from_static("keytender-scopes");
const EXPIRES: HeaderName = HeaderName::from_static("keytender-key-expires");
const REPLACED_BY: HeaderName = HeaderName::from_static("keytender-key-replaced-by");
/// Says that the verifier has not heard from the database for longer than its lease.
const STALE: HeaderName = HeaderName::from_static("keytender-stale");
/// The headers of the IETF's draft on rate limits.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STATE: HeaderName = HeaderName::from_static("ratelimit");
/// A key that ends within this is near its end: its user is told with each answer.
const NEAR: Span = Span::days(30);
/// The challenge of whoever shows no good key (RFC 6750, section 3).
const CHALLENGE: &str = "Bearer realm=\"api\"";
const BAD_CHALLENGE: &str = "Bearer realm=\"api\", error=\"invalid_token\"";

/// When it is worth to ask again about a key that could not be looked at: a verifier renews its lease, or is done with a
/// hash, within a second.
const SOON_SECONDS: u64 = 1;

/// So many headers has most every answer, and those that the server adds.
const HEADERS: usize = 8;

/// The answer about a good key.
pub(super) fn accepted(accepted: &Accepted, now: Time) -> Response {
    let mut response = StatusCode::OK.into_response();
    let headers = response.headers_mut();
    headers.reserve(HEADERS);
    put(headers, ACCOUNT, accepted.account.to_string());
    put(headers, APP, accepted.app.to_string());
    put(headers, KEY, accepted.key.to_string());
    headers.insert(ENVIRONMENT, HeaderValue::from_static(accepted.environment.as_str()));
    let scopes = accepted.scopes();
    if !scopes.is_empty() {
        put(headers, SCOPES, scopes.join(" "));
    }
    if let Some(end) = near_end(accepted, now) {
        put(headers, EXPIRES, end.to_string());
    }
    if let Some(next) = accepted.replaced_by() {
        put(headers, REPLACED_BY, next.to_string());
    }
    if accepted.is_stale {
        headers.insert(STALE, HeaderValue::from_static("true"));
    }
    if let Some(left) = &accepted.left {
        limits(headers, left);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// When a key ends, if that is near.
pub(super) fn near_end(accepted: &Accepted, now: Time) -> Option<Time> {
    accepted.ends_at.filter(|end| end.since(now) <= NEAR)
}

fn put(headers: &mut HeaderMap, name: HeaderName, text: String) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
    }
}

fn limits(headers: &mut HeaderMap, left: &Left) {
    let policy = format!("\"app\";q={};w={}", left.limit, left.window_seconds);
    let state = format!("\"app\";r={};t={}", left.remaining, left.reset_seconds);
    put(headers, POLICY, policy);
    put(headers, STATE, state);
}

/// The answer about a key that is not good. `has_shown`: something was shown at all.
pub(super) fn refused(
    reason: Reason,
    has_shown: bool,
    limit_status: Option<StatusCode>,
) -> Response {
    let problem = KeyProblem::of(&reason);
    let status = match reason {
        Reason::RateLimited { .. } | Reason::QuotaExceeded { .. } => {
            limit_status.unwrap_or(problem.status)
        }
        _ => problem.status,
    };
    let mut response = (status, Json(&Problem::of_key(&problem))).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if problem.status == StatusCode::UNAUTHORIZED {
        let challenge = if has_shown { BAD_CHALLENGE } else { CHALLENGE };
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    match reason {
        Reason::RateLimited { retry_after_seconds, left } => {
            put(headers, header::RETRY_AFTER, retry_after_seconds.to_string());
            limits(headers, &left);
        }
        Reason::QuotaExceeded { retry_after_seconds } => {
            put(headers, header::RETRY_AFTER, retry_after_seconds.to_string());
        }
        Reason::Unavailable => put(headers, header::RETRY_AFTER, SOON_SECONDS.to_string()),
        _ => {}
    }
    response
}
