//! `/v1/exposures`: keys that somebody else may know.

use axum::Json;
use serde::Deserialize;

use super::keys::place;
use crate::app::exposures;
use crate::app::inventory::Inventory;
use crate::app::view::{ExposureList, KeySort};
use crate::http::extract::Query;
use crate::http::page;
use crate::http::problem::Refusal;

/// Which page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WhichExposures {
    /// How many keys the page has at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The cursor from which the page goes on: `next` of the page before.
    after: Option<String>,
}

/// List exposed keys
///
/// When that became known, by whom and why, and whether they are still used. Those that still work come first.
/// `PATCH /v1/keys/{key}` with `exposed` says it of a key, or takes it back; of a key that you issue
/// `POST /v1/keys/{key}/revocation` with `compromised` does, and ends it.
#[utoipa::path(get, path = "/v1/exposures", tag = "keys", params(WhichExposures),
    responses((status = 200, body = ExposureList, description = "A page of exposed keys")),
    security(("token" = ["keys:read"]), ("customer_token" = ["keys:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(which): Query<WhichExposures>,
) -> Result<Json<ExposureList>, Refusal> {
    let limit = page::limit(which.limit)?;
    let sort = KeySort::default();
    let after = which.after.as_deref().map(|cursor| place(cursor, sort)).transpose()?;
    let found = exposures::list(&inventory, limit, after).await?;
    let next = found.next.map(|place| page::cursor(&(sort, place))).transpose()?;
    Ok(Json(ExposureList { total: found.total, exposures: found.exposures, next }))
}
