//! `/v1/owner-suggestions`: whom names and tags suggest for keys without an owner.

use axum::Json;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::owners::Paging;
use crate::app::inventory::Inventory;
use crate::app::view::{Assigned, SuggestionList};
use crate::app::{evaluate, owners};
use crate::http::etag::Tagged;
use crate::http::extract::{Body, Query};
use crate::http::page;
use crate::http::problem::Refusal;

/// Nothing more is to be said.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Everything {}

/// List suggestions for owners
///
/// For keys without an owner, from tags (`owner`, `team`, `contact` …) and names of principals that are
/// mail addresses.
#[utoipa::path(get, path = "/v1/owner-suggestions", tag = "owners", params(Paging),
    responses((status = 200, body = SuggestionList, description = "A page of suggestions")),
    security(("token" = ["owners:read", "keys:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(paging): Query<Paging>,
) -> Result<Tagged<SuggestionList>, Refusal> {
    evaluate::run(&inventory.store, inventory.now).await?;
    let all = owners::suggestions(&inventory).await?;
    let (suggestions, next) = page::slice(all, paging.limit, paging.after.as_deref(), |one| {
        format!("{}\n{}", one.address, one.by)
    })?;
    Ok(Tagged(SuggestionList { suggestions, next }))
}

/// Accept all suggestions
///
/// Adds the owners that are not there yet, and gives the keys to them.
#[utoipa::path(post, path = "/v1/owner-suggestions", tag = "owners", request_body = Everything,
    responses((status = 200, body = Assigned, description = "How many keys got an owner")),
    security(("token" = ["owners:write", "keys:write"])))]
pub(in crate::http) async fn accept(
    inventory: Inventory,
    Body(Everything {}): Body<Everything>,
) -> Result<Json<Assigned>, Refusal> {
    evaluate::run(&inventory.store, inventory.now).await?;
    let assigned = owners::accept(&inventory).await?;
    evaluate::run(&inventory.store, inventory.now).await?;
    Ok(Json(Assigned { assigned }))
}
