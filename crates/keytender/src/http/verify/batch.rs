//! `/v1/key-verifications`: up to a thousand keys at once, for programs that have no gateway.

use std::net::IpAddr;

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use keytender_verify::{Accepted, Reason, Request as Asked, Verdict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::near_end;
use super::forward::word;
use crate::http::extract::Body;
use crate::http::problem::{Problem, Refusal};
use crate::http::state::State;

/// Where it is.
pub(super) const PATH: &str = "/v1/key-verifications";
/// The most keys in one request.
const MAX_KEYS: usize = 1_000;

/// Keys to verify.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct VerificationsBody {
    /// The name of your API: keys of others are unknown.
    #[schema(example = "acme")]
    api: String,
    /// The keys, and what each is shown for.
    #[schema(min_items = 1, max_items = 1000)]
    verifications: Vec<VerificationBody>,
}

/// A key to verify.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct VerificationBody {
    /// What was shown.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, write_only, max_length = 1000)]
    key: Secret,
    /// What the key must be allowed to do: all of these.
    #[serde(default)]
    #[schema(max_items = 64)]
    scopes: Vec<String>,
    /// Where the request comes from.
    #[schema(value_type = Option<String>, example = "203.0.113.9")]
    address: Option<IpAddr>,
    /// The region in which it is served.
    #[schema(max_length = 64)]
    region: Option<String>,
    /// The service that serves it.
    #[schema(max_length = 64)]
    service: Option<String>,
    /// What kind of program asks, such as `curl`.
    #[schema(max_length = 64)]
    agent: Option<String>,
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

/// Whether keys are good, in the order in which they were asked about.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct VerificationList {
    /// One for each key.
    verifications: Vec<VerificationView>,
}

/// Whether a key is good.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(in crate::http) struct VerificationView {
    /// Whether it is.
    valid: bool,
    /// Why it is not.
    #[schema(example = "expired")]
    reason: Option<&'static str>,
    /// The key.
    key: Option<String>,
    /// The customer's account.
    account: Option<String>,
    /// The app.
    app: Option<String>,
    /// `live` or `test`.
    environment: Option<&'static str>,
    /// What it may do.
    scopes: Vec<String>,
    /// When it ends.
    ends_at: Option<Time>,
    /// Whether that is within 30 days.
    ends_soon: bool,
    /// The key that takes its place.
    replaced_by: Option<String>,
    /// What is left of the app's limit.
    limit: Option<LimitView>,
    /// In how many seconds it is good again, if it was used too often.
    retry_after_seconds: Option<u64>,
    /// Whether the verifier has not heard from the database for longer than its lease.
    stale: bool,
}

/// What is left of a limit.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct LimitView {
    /// So many uses in a window.
    limit: u32,
    /// The length of the window, in seconds.
    window_seconds: u32,
    /// So many uses are possible at once.
    remaining: u64,
    /// Seconds until as many as ever are possible.
    reset_seconds: u64,
}

impl From<&keytender_verify::verdict::Left> for LimitView {
    fn from(left: &keytender_verify::verdict::Left) -> Self {
        let (limit, window_seconds) = (left.limit, left.window_seconds);
        Self { limit, window_seconds, remaining: left.remaining, reset_seconds: left.reset_seconds }
    }
}

impl VerificationView {
    fn of(verdict: Verdict, now: Time) -> Self {
        match verdict {
            Verdict::Accepted(accepted) => Self::good(&accepted, now),
            Verdict::Refused(reason) => Self::bad(&reason),
        }
    }

    fn good(accepted: &Accepted, now: Time) -> Self {
        Self {
            valid: true,
            reason: None,
            key: Some(accepted.key.to_string()),
            account: Some(accepted.account.to_string()),
            app: Some(accepted.app.to_string()),
            environment: Some(accepted.environment.as_str()),
            scopes: accepted.scopes().iter().map(|scope| scope.to_string()).collect(),
            ends_at: accepted.ends_at,
            ends_soon: near_end(accepted, now).is_some(),
            replaced_by: accepted.replaced_by().map(|id| id.to_string()),
            limit: accepted.left.as_ref().map(LimitView::from),
            retry_after_seconds: None,
            stale: accepted.is_stale,
        }
    }

    fn bad(reason: &Reason) -> Self {
        let (limit, retry_after_seconds) = match reason {
            Reason::RateLimited { retry_after_seconds, left } => {
                (Some(LimitView::from(left)), Some(*retry_after_seconds))
            }
            Reason::QuotaExceeded { retry_after_seconds } => (None, Some(*retry_after_seconds)),
            _ => (None, None),
        };
        Self { reason: Some(reason.as_str()), limit, retry_after_seconds, ..Self::default() }
    }
}

/// Verify keys
///
/// Each that is good counts as a use. For each the answer says whether it is good, and why not.
#[utoipa::path(post, path = "/v1/key-verifications", tag = "verification",
    request_body = VerificationsBody,
    responses((status = 200, body = VerificationList, description = "Whether each is good")),
    security(("token" = ["keys:verify"])))]
pub(in crate::http) async fn verify(
    Extract(state): Extract<State>,
    Body(asked): Body<VerificationsBody>,
) -> Result<Json<VerificationList>, Refusal> {
    let Some(brand) = state.node.brand(&asked.api) else {
        let problem =
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "`api` names none of your APIs");
        return Err(problem.into());
    };
    if asked.verifications.is_empty() || asked.verifications.len() > MAX_KEYS {
        let why = format!("`verifications` are from 1 to {MAX_KEYS}");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why).into());
    }
    let now = state.node.now();
    let mut verifications = Vec::with_capacity(asked.verifications.len());
    for one in &asked.verifications {
        let scopes: Vec<&str> = one.scopes.iter().map(String::as_str).collect();
        let request = Asked {
            brand: Some(brand),
            scopes: &scopes,
            address: one.address,
            region: word(one.region.as_deref()),
            service: word(one.service.as_deref()),
            agent: word(one.agent.as_deref()),
            ..Asked::default()
        };
        let verdict = super::verify(&state, one.key.expose(), &request, now).await;
        verifications.push(VerificationView::of(verdict, now.time));
    }
    Ok(Json(VerificationList { verifications }))
}
