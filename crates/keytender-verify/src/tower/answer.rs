//! What is answered, and what is added to answers.

use http::header::{
    CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use serde_json::json;

use crate::verdict::{Accepted, Left, Reason};

const EXPIRES: HeaderName = HeaderName::from_static("keytender-key-expires");
const REPLACED_BY: HeaderName = HeaderName::from_static("keytender-key-replaced-by");
const STALE: HeaderName = HeaderName::from_static("keytender-stale");
/// The two of draft-ietf-httpapi-ratelimit-headers-10.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// The refusal of a request; without a reason if it showed no token. `types` is where the types of problems are
/// explained.
pub(super) fn refusal<B: From<String>>(reason: Option<Reason>, types: &str) -> Response<B> {
    let (status, kind, title) = problem(reason);
    let kind = format!("{types}{kind}");
    let body = json!({ "type": kind, "title": title, "status": status.as_u16() }).to_string();
    let mut answer = Response::new(B::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    match reason {
        _ if status == StatusCode::UNAUTHORIZED => {
            // RFC 6750 section 3.1: an error is named only where a token was shown.
            let challenge =
                if reason.is_some() { r#"Bearer error="invalid_token""# } else { "Bearer" };
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        Some(Reason::RateLimited { retry_after_seconds, left }) => {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds));
            put_left(headers, &left);
        }
        Some(Reason::QuotaExceeded { retry_after_seconds }) => {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_seconds));
        }
        _ => {}
    }
    answer
}

/// What the holder of a good key is told beside the answer.
pub(super) fn put_hints(headers: &mut HeaderMap, accepted: &Accepted, is_near_end: bool) {
    if let Some(left) = &accepted.left {
        put_left(headers, left);
    }
    if let Some(end) = accepted.ends_at.filter(|_| is_near_end) {
        put(headers, EXPIRES, &end.to_string());
    }
    if let Some(key) = accepted.replaced_by() {
        put(headers, REPLACED_BY, &key.to_string());
    }
    if accepted.is_stale {
        headers.insert(STALE, HeaderValue::from_static("?1"));
    }
}

fn put_left(headers: &mut HeaderMap, left: &Left) {
    let policy = format!("\"app\";q={};w={}", left.limit, left.window_seconds);
    put(headers, RATE_LIMIT_POLICY, &policy);
    put(headers, RATE_LIMIT, &format!("\"app\";r={};t={}", left.remaining, left.reset_seconds));
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // All of these are ASCII.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Strangers are told one thing, whatever the reason; holders are told what they can do something about.
const fn problem(reason: Option<Reason>) -> (StatusCode, &'static str, &'static str) {
    let unauthorized = StatusCode::UNAUTHORIZED;
    match reason {
        None | Some(Reason::Malformed | Reason::Unknown) => {
            (unauthorized, "unauthorized", "A valid API key is needed.")
        }
        Some(Reason::Revoked) => (unauthorized, "revoked", "This API key was revoked."),
        Some(Reason::Expired) => (unauthorized, "expired", "This API key has expired."),
        Some(Reason::Superseded) => {
            (unauthorized, "superseded", "Another API key took the place of this one.")
        }
        Some(Reason::Suspended) => {
            (StatusCode::FORBIDDEN, "suspended", "This API key is suspended.")
        }
        Some(Reason::AppSuspended) => {
            (StatusCode::FORBIDDEN, "app_suspended", "The app of this API key is suspended.")
        }
        Some(Reason::AccountSuspended) => (
            StatusCode::FORBIDDEN,
            "account_suspended",
            "The account of this API key is suspended.",
        ),
        Some(Reason::IpNotAllowed) => (
            StatusCode::FORBIDDEN,
            "ip_not_allowed",
            "This API key may not be used from this address.",
        ),
        Some(Reason::ScopeMissing) => {
            (StatusCode::FORBIDDEN, "scope_missing", "This API key may not be used for this.")
        }
        Some(Reason::RateLimited { .. }) => {
            (StatusCode::TOO_MANY_REQUESTS, "rate_limited", "This app asks too often.")
        }
        Some(Reason::QuotaExceeded { .. }) => {
            (StatusCode::TOO_MANY_REQUESTS, "quota_exceeded", "The quota of this app is used up.")
        }
        Some(Reason::Unavailable) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "API keys cannot be verified at the moment.",
        ),
    }
}
