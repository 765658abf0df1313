//! `/v1/destinations`: where the secrets of held keys are used.

use axum::Json;
use axum::http::StatusCode;
use serde::Deserialize;

use crate::app::inventory::Inventory;
use crate::app::rotate::places;
use crate::app::view::{DestinationList, DestinationView, NewDestinationRequest};
use crate::http::etag::Tagged;
use crate::http::extract::{Body, Path, Query};
use crate::http::problem::{Problem, Refusal};

/// Which destinations.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WhichDestinations {
    /// Of this key: Keytender's id, the provider's id, or a label.
    key: Option<String>,
}

/// List destinations
///
/// Where the secrets of held keys are used, and how to get there; never what stands there.
#[utoipa::path(get, path = "/v1/destinations", tag = "rotations", params(WhichDestinations),
    responses((status = 200, body = DestinationList, description = "Destinations, by key and name"),
              (status = 404, body = Problem, description = "There is no such key",
               content_type = "application/problem+json")),
    security(("token" = ["keys:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(which): Query<WhichDestinations>,
) -> Result<Tagged<DestinationList>, Refusal> {
    let destinations = places::list(&inventory, which.key.as_deref()).await?;
    Ok(Tagged(DestinationList { destinations }))
}

/// Add a destination to a key
///
/// A rotation of the key writes the new secret there. What runs programs on the server is added on the server alone.
#[utoipa::path(post, path = "/v1/keys/{key}/destinations", tag = "rotations",
    request_body = NewDestinationRequest,
    params(("key" = String, Path, description = "Keytender's id, the provider's id, or a label")),
    responses((status = 201, body = DestinationView, description = "It was added"),
              (status = 409, body = Problem, description = "The key has one of this name",
               content_type = "application/problem+json")),
    security(("token" = ["destinations:write"])))]
pub(in crate::http) async fn add(
    inventory: Inventory,
    Path(key): Path<String>,
    Body(new): Body<NewDestinationRequest>,
) -> Result<(StatusCode, Json<DestinationView>), Refusal> {
    let added = places::add(&inventory, &key, &new, false).await?;
    Ok((StatusCode::CREATED, Json(added)))
}

/// Take a destination from a key
///
/// What stands there stays. A rotation that is under way goes on with those that it began with.
#[utoipa::path(delete, path = "/v1/keys/{key}/destinations/{destination}", tag = "rotations",
    params(("key" = String, Path, description = "Keytender's id, the provider's id, or a label"),
           ("destination" = String, Path, description = "Its name, or its id")),
    responses((status = 204, description = "It was taken away")),
    security(("token" = ["destinations:write"])))]
pub(in crate::http) async fn remove(
    inventory: Inventory,
    Path((key, destination)): Path<(String, String)>,
) -> Result<StatusCode, Refusal> {
    places::remove(&inventory, &key, &destination).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Try destinations
///
/// Proves that each could be written, without changing it.
#[utoipa::path(post, path = "/v1/destination-checks", tag = "rotations", params(WhichDestinations),
    responses((status = 200, body = DestinationList, description = "How each stands"),
              (status = 404, body = Problem, description = "There is no such key",
               content_type = "application/problem+json")),
    security(("token" = ["keys:act"])))]
pub(in crate::http) async fn check(
    inventory: Inventory,
    Query(which): Query<WhichDestinations>,
) -> Result<Json<DestinationList>, Refusal> {
    let destinations = places::check(&inventory, which.key.as_deref()).await?;
    Ok(Json(DestinationList { destinations }))
}
