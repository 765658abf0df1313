//! Whether the server lives and can work, and its figures.

use axum::extract::State as Extract;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use super::state::State;

/// How the server stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`.
    status: &'static str,
    /// The version of the program.
    version: &'static str,
}

const GOOD: Health = Health { status: "ok", version: env!("CARGO_PKG_VERSION") };

/// Say that the server lives
#[utoipa::path(get, path = "/healthz", tag = "server",
    responses((status = 200, body = Health, description = "It lives")), security(()))]
pub(super) async fn live() -> Response {
    axum::Json(GOOD).into_response()
}

/// Say that the server can work
///
/// Its database answers. A load balancer asks this before it sends requests.
#[utoipa::path(get, path = "/readyz", tag = "server",
    responses((status = 200, body = Health, description = "It can work"),
              (status = 503, body = Problem, description = "It cannot",
               content_type = "application/problem+json")),
    security(()))]
pub(super) async fn ready(Extract(state): Extract<State>) -> Response {
    match state.store.find_setting("ready").await {
        Ok(_) => axum::Json(GOOD).into_response(),
        Err(failure) => {
            tracing::warn!(cause = %failure, "not ready");
            let problem =
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer");
            ([(header::RETRY_AFTER, "5")], problem).into_response()
        }
    }
}

/// Read the figures of this process, as Prometheus takes them
#[utoipa::path(get, path = "/metrics", tag = "server", 
    responses((status = 200, body = String, description = "The figures",
               content_type = "text/plain")),
    security(("token" = ["metrics:read"])))]
pub(super) async fn metrics(Extract(state): Extract<State>) -> Response {
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], state.metrics.render()).into_response()
}
