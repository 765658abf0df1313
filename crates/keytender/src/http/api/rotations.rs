//! `/v1/rotations`: held keys that are replaced by others.

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, HeaderName};
use serde::Deserialize;

use crate::app::inventory::Inventory;
use crate::app::rotate;
use crate::app::view::{
    HeldRotationList, HeldRotationView, NewRotationRequest, NewSecretView, OutlineView, SayRequest,
    TrialView,
};
use crate::http::etag::Tagged;
use crate::http::extract::{Body, Path, Query};
use crate::http::page;
use crate::http::problem::{Problem, Refusal};

/// Which rotations.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WhichRotations {
    /// Of this key, as the old one or the new one: Keytender's id, the provider's id, or a label.
    key: Option<String>,
    /// Whether only those that are under way, or only those that have ended.
    live: Option<bool>,
    /// Whether only those that wait for a person.
    waiting: Option<bool>,
    /// How many there are at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// List rotations
///
/// Of held keys, the newest first: where each stands, what happens next and when, and what it waits for.
#[utoipa::path(get, path = "/v1/rotations", tag = "rotations", params(WhichRotations),
    responses((status = 200, body = HeldRotationList, description = "Rotations"),
              (status = 404, body = Problem, description = "There is no such key",
               content_type = "application/problem+json")),
    security(("token" = ["keys:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(which): Query<WhichRotations>,
) -> Result<Tagged<HeldRotationList>, Refusal> {
    let limit = page::limit(which.limit)?;
    let waiting = which.waiting.unwrap_or_default();
    let key = which.key.as_deref();
    let rotations = rotate::list(&inventory, key, which.live, waiting, limit).await?;
    Ok(Tagged(HeldRotationList { rotations }))
}

/// Show a rotation
///
/// With all that happened in it.
#[utoipa::path(get, path = "/v1/rotations/{rotation}", tag = "rotations",
    params(("rotation" = String, Path, description = "Its id, or a key that has one")),
    responses((status = 200, body = HeldRotationView, description = "The rotation")),
    security(("token" = ["keys:read"])))]
pub(in crate::http) async fn get(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Tagged<HeldRotationView>, Refusal> {
    Ok(Tagged(rotate::view(&inventory, &word).await?))
}

/// Plan a rotation
///
/// Each step, when it comes at the earliest, and how it is undone. Nothing is changed, and the provider is not asked.
#[utoipa::path(post, path = "/v1/rotation-plans", tag = "rotations", request_body = NewRotationRequest,
    responses((status = 200, body = OutlineView, description = "What would be done"),
              (status = 404, body = Problem, description = "There is no such key",
               content_type = "application/problem+json")),
    security(("token" = ["keys:act"])))]
pub(in crate::http) async fn plan(
    inventory: Inventory,
    Body(asked): Body<NewRotationRequest>,
) -> Result<Json<OutlineView>, Refusal> {
    Ok(Json(rotate::preview(&inventory, &asked).await?))
}

/// Rotate a held key
///
/// A second key is made, tried, brought where the first is used, and the first goes once nobody uses it. The server
/// does the steps; each is written down before it is done.
#[utoipa::path(post, path = "/v1/rotations", tag = "rotations", request_body = NewRotationRequest,
    responses((status = 201, body = HeldRotationView, description = "The rotation, as it begins"),
              (status = 404, body = Problem, description = "There is no such key",
               content_type = "application/problem+json"),
              (status = 409, body = Problem, description = "One of the same principal is under way",
               content_type = "application/problem+json")),
    security(("token" = ["keys:act"])))]
pub(in crate::http) async fn start(
    inventory: Inventory,
    Body(asked): Body<NewRotationRequest>,
) -> Result<(StatusCode, Json<HeldRotationView>), Refusal> {
    Ok((StatusCode::CREATED, Json(rotate::start(&inventory, &asked).await?)))
}

/// Say something to a rotation
///
/// Approve a step that waits for it, resume what was blocked, bring the old key back, give up what has changed
/// nothing, or vouch for a destination.
#[utoipa::path(post, path = "/v1/rotations/{rotation}/words", tag = "rotations", request_body = SayRequest,
    params(("rotation" = String, Path, description = "Its id, or a key that has one")),
    responses((status = 200, body = HeldRotationView, description = "The rotation as it is now"),
              (status = 409, body = Problem, description = "It does not hear that now",
               content_type = "application/problem+json")),
    security(("token" = ["keys:act"])))]
pub(in crate::http) async fn say(
    inventory: Inventory,
    Path(word): Path<String>,
    Body(said): Body<SayRequest>,
) -> Result<Json<HeldRotationView>, Refusal> {
    let say = said.say()?;
    Ok(Json(rotate::say(&inventory, &word, &say, said.because.as_deref()).await?))
}

/// Show what the policy rotates by itself
///
/// Which keys it would begin with, and why some cannot be rotated. For a week after its rules were first in the policy
/// nothing is begun.
#[utoipa::path(get, path = "/v1/rotation-trial", tag = "rotations",
    responses((status = 200, body = TrialView, description = "What would be done")),
    security(("token" = ["keys:read"])))]
pub(in crate::http) async fn trial(inventory: Inventory) -> Result<Json<TrialView>, Refusal> {
    Ok(Json(rotate::automatic::trial(&inventory).await?))
}

/// Show the new key of a rotation
///
/// For whoever puts it where it is used by hand; that it was shown stands in the log. It is kept, sealed, until the
/// rotation has ended.
#[utoipa::path(post, path = "/v1/rotations/{rotation}/secret", tag = "rotations",
    params(("rotation" = String, Path, description = "Its id, or a key that has one")),
    responses((status = 200, body = NewSecretView, description = "The new key"),
              (status = 409, body = Problem, description = "Nobody fills a destination of it by hand, or there is none",
               content_type = "application/problem+json")),
    security(("token" = ["destinations:write"])))]
pub(in crate::http) async fn reveal(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<([(HeaderName, &'static str); 1], Json<NewSecretView>), Refusal> {
    let shown = rotate::reveal(&inventory, &word).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(shown)))
}
