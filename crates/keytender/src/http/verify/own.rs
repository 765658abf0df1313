//! `/v1/keys/self`: what a key is, for whoever holds it. It is no use, and a key that waits for its first use
//! stays so: whoever rotates keys can look at a new one before it is delivered.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use keytender_core::time::Time;
use keytender_verify::{Reason, Request as Asked, Verdict};
use serde::Serialize;
use utoipa::ToSchema;

use super::{answer, forward};
use crate::http::address;
use crate::http::state::State;

/// Where it is.
pub(super) const PATH: &str = "/v1/keys/self";
/// Where a use of it is made.
pub(super) const USES: &str = "/v1/keys/self/uses";

/// Which service such a use is told of: this server's own.
const SERVICE: &str = "keytender";

/// What a key says of itself.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct OwnView {
    /// The key.
    #[schema(example = "key_0dj2c8xk3v9q4")]
    key: String,
    /// What stands in it in clear.
    #[schema(example = "7Hk2mQ9xTz4B")]
    id: String,
    /// The customer's account.
    account: String,
    /// The app.
    app: String,
    /// `live` or `test`.
    environment: &'static str,
    /// What it may do.
    scopes: Vec<String>,
    /// When it ends.
    ends_at: Option<Time>,
    /// The key that takes its place.
    replaced_by: Option<String>,
}

/// Read the key that asks
///
/// Sent with a key of an API in `Authorization`, as `Bearer` or `Api-Key`, or in `X-Api-Key`. It is no use of the key, and a key that
/// waits for its first use stays so.
#[utoipa::path(get, path = "/v1/keys/self", tag = "verification",
    responses((status = 200, body = OwnView, description = "The key"),
              (status = 401, body = crate::http::problem::Problem, description = "No good key",
               content_type = "application/problem+json")))]
pub(in crate::http) async fn get(Extract(state): Extract<State>, parts: Parts) -> Response {
    told(&state, &parts, true).await
}

/// Use the key that asks
///
/// Sent as to `/v1/keys/self`. It counts as a use of the key, with its limits, and a key that waits for its first use works from
/// then on: whoever holds a key sees that a use is told.
#[utoipa::path(post, path = "/v1/keys/self/uses", tag = "verification",
    responses((status = 200, body = OwnView, description = "The key, used"),
              (status = 401, body = crate::http::problem::Problem, description = "No good key",
               content_type = "application/problem+json")))]
pub(in crate::http) async fn r#use(Extract(state): Extract<State>, parts: Parts) -> Response {
    told(&state, &parts, false).await
}

async fn told(state: &State, parts: &Parts, is_dry: bool) -> Response {
    let Some(key) = forward::key(&parts.headers) else {
        return answer::refused(Reason::Malformed, false, None);
    };
    let now = state.node.now();
    let address = address::of(parts, &state.proxies);
    let agent = forward::agent(&parts.headers);
    let asked = Asked { is_dry, address, agent, service: Some(SERVICE), ..Asked::default() };
    match super::verify(state, key, &asked, now).await {
        Verdict::Refused(reason) => answer::refused(reason, true, None),
        Verdict::Accepted(good) => Json(OwnView {
            key: good.key.to_string(),
            id: good.id.to_string(),
            account: good.account.to_string(),
            app: good.app.to_string(),
            environment: good.environment.as_str(),
            scopes: good.scopes().iter().map(|scope| scope.to_string()).collect(),
            ends_at: good.ends_at,
            replaced_by: good.replaced_by().map(|id| id.to_string()),
        })
        .into_response(),
    }
}
