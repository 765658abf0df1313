//! Acts on keys at their providers: planned, suspended, resumed, deleted.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::acts::{self, Act, Asked};
use crate::app::inventory::Inventory;
use crate::app::keys;
use crate::app::view::{KeyView, PlanRequest, PlanView};
use crate::http::etag::Tagged;
use crate::http::extract::{Body, Path, Query};
use crate::http::problem::{Problem, Refusal};

/// Why something is done.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Reason {
    /// Why, for the log.
    #[schema(max_length = 500)]
    pub(super) because: Option<String>,
}

/// Why something is undone.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Why {
    /// Why, for the log.
    #[param(max_length = 500)]
    pub(super) because: Option<String>,
}

/// How a key is deleted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Deletion {
    /// Whether it may be deleted before its hold of 30 days is over; needs a reason.
    really: Option<bool>,
    /// Why, for the log.
    #[param(max_length = 500)]
    because: Option<String>,
}

/// Ask what an act would do
///
/// The provider is asked how the key stands now. Nothing is changed.
#[utoipa::path(post, path = "/v1/keys/{key}/plans", tag = "keys", request_body = PlanRequest,
    params(("key" = String, Path, description = "Keytender's id, the provider's id, or a label")),
    responses((status = 200, body = PlanView, description = "What would happen"),
              (status = 502, body = Problem, description = "The provider did not do it",
               content_type = "application/problem+json")),
    security(("token" = ["keys:act"]), ("customer_token" = ["keys:act"])))]
pub(in crate::http) async fn plan(
    inventory: Inventory,
    Path(word): Path<String>,
    Body(asked): Body<PlanRequest>,
) -> Result<axum::Json<PlanView>, Refusal> {
    let asked = Asked { act: asked.act, why: asked.because, really: asked.really };
    Ok(axum::Json(acts::preview(&inventory, &word, &asked).await?))
}

/// Disable a key
///
/// It stops working at its provider; this can be undone. A key that does not work stays as it is. The
/// log says so before and after.
#[utoipa::path(put, path = "/v1/keys/{key}/suspension", tag = "keys", request_body = Reason,
    params(("key" = String, Path, description = "Keytender's id, the provider's id, or a label")),
    responses((status = 200, body = KeyView, description = "The key as it is now"),
              (status = 502, body = Problem, description = "The provider did not do it",
               content_type = "application/problem+json")),
    security(("token" = ["keys:act"]), ("customer_token" = ["keys:act"])))]
pub(in crate::http) async fn suspend(
    inventory: Inventory,
    Path(word): Path<String>,
    Body(reason): Body<Reason>,
) -> Result<Tagged<KeyView>, Refusal> {
    let asked = Asked { act: Act::Disable, why: reason.because, really: false };
    let id = acts::run(&inventory, &word, &asked).await?;
    Ok(Tagged(keys::view(&inventory, &id.to_string()).await?))
}

/// Enable a key
///
/// A disabled key works again.
#[utoipa::path(delete, path = "/v1/keys/{key}/suspension", tag = "keys",
    params(("key" = String, Path, description = "Keytender's id, the provider's id, or a label"), Why),
    responses((status = 200, body = KeyView, description = "The key as it is now"),
              (status = 502, body = Problem, description = "The provider did not do it",
               content_type = "application/problem+json")),
    security(("token" = ["keys:act"]), ("customer_token" = ["keys:act"])))]
pub(in crate::http) async fn resume(
    inventory: Inventory,
    Path(word): Path<String>,
    Query(why): Query<Why>,
) -> Result<Tagged<KeyView>, Refusal> {
    let asked = Asked { act: Act::Enable, why: why.because, really: false };
    let id = acts::run(&inventory, &word, &asked).await?;
    Ok(Tagged(keys::view(&inventory, &id.to_string()).await?))
}

/// Delete a key
///
/// At its provider, for good. A key is deleted only after it was seen disabled for 30 days, whoever
/// disabled it.
#[utoipa::path(delete, path = "/v1/keys/{key}", tag = "keys",
    params(("key" = String, Path, description = "Keytender's id, the provider's id, or a label"), Deletion),
    responses((status = 204, description = "It is gone"),
              (status = 502, body = Problem, description = "The provider did not do it",
               content_type = "application/problem+json")),
    security(("token" = ["keys:act"])))]
pub(in crate::http) async fn delete(
    inventory: Inventory,
    Path(word): Path<String>,
    Query(deletion): Query<Deletion>,
) -> Result<StatusCode, Refusal> {
    let really = deletion.really.unwrap_or_default();
    let asked = Asked { act: Act::Delete, why: deletion.because, really };
    acts::run(&inventory, &word, &asked).await?;
    Ok(StatusCode::NO_CONTENT)
}
