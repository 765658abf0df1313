//! Refusals for programs, as RFC 9457 has them.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use keytender_verify::Reason;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Kind};

/// Their media type.
const MEDIA_TYPE: &str = "application/problem+json";
/// Where each type is explained; its name stands behind.
const TYPES: &str = "/problems/";

/// Every type: its status, its name in the URL, its title, and what it means.
pub(super) const ALL: [Type; 19] = [
    Type(
        400,
        "bad-request",
        "The request is not understood",
        "A parameter, a header or the syntax of the body is wrong. `detail` says which, and why.",
    ),
    Type(
        401,
        "unauthorized",
        "No good token",
        "Send `Authorization: Bearer TOKEN`. A token that is unknown, suspended, ended or revoked is answered in the same way.",
    ),
    Type(
        403,
        "forbidden",
        "Not with this token",
        "The token's scopes, or its user's role, do not include what the operation needs. `detail` names it.",
    ),
    Type(
        404,
        "not-found",
        "There is no such thing",
        "Nothing of this id is there, or not for this token.",
    ),
    Type(
        405,
        "method-not-allowed",
        "Not with this method",
        "The path is there, but not with this method; `Allow` names those that are.",
    ),
    Type(
        407,
        "gateway-unauthorized",
        "The gateway shows no good token",
        "A gateway that asks about keys sends its own token, with the scope `keys:verify`, in `Keytender-Token`.",
    ),
    Type(
        408,
        "timeout",
        "It took too long",
        "The request did not arrive, or was not answered, in time. A request that creates is safe to send again with the same Idempotency-Key.",
    ),
    Type(
        409,
        "conflict",
        "Something stands in the way",
        "There is one already, or another request with this Idempotency-Key is under way.",
    ),
    Type(
        410,
        "forgotten",
        "It is forgotten",
        "Changes of keys are remembered for a week. Whoever was away for longer takes a snapshot.",
    ),
    Type(
        412,
        "stale",
        "It has changed since",
        "`If-Match` names another version than the present one. Read the thing again and decide anew.",
    ),
    Type(413, "too-large", "The body is too large", "`detail` says how large it may be."),
    Type(
        415,
        "unsupported-media-type",
        "Not in this form",
        "Send `Content-Type: application/json`.",
    ),
    Type(
        422,
        "refused",
        "It cannot be done so",
        "What was asked for is understood and refused. `detail` says why, `hint` what to do instead.",
    ),
    Type(
        428,
        "precondition-required",
        "Say which version you mean",
        "Send `If-Match` with the ETag of what you read.",
    ),
    Type(
        429,
        "too-many-requests",
        "Too many requests",
        "Wait as long as `Retry-After` says. `RateLimit` tells how many are left.",
    ),
    Type(
        500,
        "internal",
        "It failed here",
        "The fault is not the request's. `request_id` is in this server's log with the causes.",
    ),
    Type(
        501,
        "not-implemented",
        "This server does not do that",
        "The operation is known but was left out when this server was built.",
    ),
    Type(
        502,
        "provider",
        "The provider did not do it",
        "A provider, or another service that was asked, refused or did not answer. `detail` says which.",
    ),
    Type(
        503,
        "unavailable",
        "Not now",
        "The server is busy, starting or ending. Wait as long as `Retry-After` says.",
    ),
];

/// Why a key of an API is not good: what gateways, and so its holder, are told. All but the first are told only
/// to whoever holds a key that was right once.
pub(super) const KEYS: [Type; 12] = [
    Type(401, "key-unknown", "No good key", "No key was shown, or nobody was given this one."),
    Type(401, "key-revoked", "The key was revoked", "It has ended for good. Make a new one."),
    Type(401, "key-expired", "The key has expired", "It has ended at its time. Make a new one."),
    Type(
        401,
        "key-superseded",
        "Another key has taken its place",
        "It was rotated, and the overlap is over. Use the new key.",
    ),
    Type(401, "key-suspended", "The key is suspended", "It does not work for now."),
    Type(403, "app-suspended", "The app is suspended", "None of its keys works for now."),
    Type(403, "account-suspended", "The account is suspended", "None of its keys works for now."),
    Type(
        403,
        "ip-not-allowed",
        "Not from there",
        "The key may only be used from certain networks, and the request came from elsewhere.",
    ),
    Type(403, "scope-missing", "Not with this key", "The key may not do what was asked for."),
    Type(429, "rate-limited", "Too many requests", "Wait as long as `Retry-After` says."),
    Type(
        429,
        "quota-exceeded",
        "The quota is used up",
        "It begins again after as many seconds as `Retry-After` says.",
    ),
    Type(
        503,
        "keys-unavailable",
        "Keys cannot be verified now",
        "The verifier has not heard from its database for too long, or too many keys that others issued are being tried for the first time. Wait as long as `Retry-After` says.",
    ),
];

/// Why a key is not good, with the status of the answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyProblem {
    /// The status.
    pub(super) status: StatusCode,
    name: &'static str,
    title: &'static str,
}

impl KeyProblem {
    /// That of a reason.
    pub(super) fn of(reason: &Reason) -> Self {
        let name = match reason {
            Reason::Malformed | Reason::Unknown => "key-unknown",
            Reason::Unavailable => "keys-unavailable",
            Reason::Revoked => "key-revoked",
            Reason::Expired => "key-expired",
            Reason::Superseded => "key-superseded",
            Reason::Suspended => "key-suspended",
            Reason::AppSuspended => "app-suspended",
            Reason::AccountSuspended => "account-suspended",
            Reason::IpNotAllowed => "ip-not-allowed",
            Reason::ScopeMissing => "scope-missing",
            Reason::RateLimited { .. } => "rate-limited",
            Reason::QuotaExceeded { .. } => "quota-exceeded",
        };
        let found = KEYS.into_iter().find(|one| one.1 == name);
        let Type(status, name, title, _) = found.unwrap_or(Type(503, name, "", ""));
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        Self { status, name, title }
    }
}

/// A type of problem: status, name, title, meaning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Type(
    pub(super) u16,
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) &'static str,
);

/// Why a request was refused (RFC 9457).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Problem {
    /// The kind of problem; a page of this server explains it.
    #[schema(example = "/problems/not-found")]
    r#type: String,
    /// The same for people, in a few words.
    #[schema(example = "There is no such thing")]
    title: String,
    /// The HTTP status.
    #[schema(example = 404)]
    status: u16,
    /// What happened, to which thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// What to do now.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// Under which number the server's log knows the request; of failures of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

/// The causes of a failure of ours: for the log, never for the caller.
#[derive(Clone, Debug)]
pub(super) struct Cause(pub(super) String);

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let Type(_, name, title, _) = kind(status);
        Self {
            r#type: format!("{TYPES}{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: Some(detail.into()).filter(|text| !text.is_empty()),
            hint: None,
            request_id: None,
        }
    }

    /// Why a key of an API is not good.
    pub(super) fn of_key(problem: &KeyProblem) -> Self {
        Self {
            r#type: format!("{TYPES}{}", problem.name),
            title: problem.title.to_owned(),
            status: problem.status.as_u16(),
            detail: None,
            hint: None,
            request_id: None,
        }
    }

    /// What a failure of ours is told as: nothing but its number.
    pub(super) fn internal(request_id: &str) -> Self {
        let mut problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "");
        problem.request_id = Some(request_id.to_owned());
        problem
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// What kind of problem it is, in a few words.
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// What is wrong here.
    pub(super) fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// What to do now.
    pub(super) fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Under which number the server's log knows the request.
    pub(super) fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The status with which it is answered.
    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

fn kind(status: StatusCode) -> Type {
    let found = ALL.into_iter().find(|one| one.0 == status.as_u16());
    found.unwrap_or(Type(500, "internal", "It failed here", ""))
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status(), Json(&self)).into_response();
        // Whoever stands around may tell it in another form.
        response.extensions_mut().insert(self);
        let media_type = HeaderValue::from_static(MEDIA_TYPE);
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        response
    }
}

/// What a handler gives instead of an answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The caller is told.
    Told(Box<Problem>),
    /// Ours: the log is told.
    Failed(String),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Told(Box::new(problem))
    }
}

/// The status of a refusal.
pub(super) const fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Kind::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::Provider => StatusCode::BAD_GATEWAY,
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        if error.of_kind() == Kind::Internal {
            return Self::Failed(error.report());
        }
        let status = status(error.of_kind());
        let problem = Problem::new(status, error.explanation());
        Self::from(match error.advice() {
            Some(hint) => problem.hint(hint),
            None => problem,
        })
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Told(problem) => problem.into_response(),
            // `observe` knows the number, writes the log and fills the body.
            Self::Failed(cause) => {
                let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
                response.extensions_mut().insert(Cause(cause));
                response
            }
        }
    }
}
