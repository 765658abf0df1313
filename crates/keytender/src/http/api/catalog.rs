//! `/v1/catalog`: the APIs that are used, beside the keys that are held there.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::owners::Paging;
use crate::app::catalog::{self, Export};
use crate::app::inventory::Inventory;
use crate::app::view::{
    CatalogCheckRequest, CatalogCheckView, CatalogDetailView, CatalogDiscoveryRequest,
    CatalogImportRequest, CatalogImportView, CatalogIndexList, CatalogList,
};
use crate::http::etag::Tagged;
use crate::http::extract::{Body, Path, Query};
use crate::http::page;
use crate::http::problem::Refusal;

/// Which of them, and which page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WhichEntries {
    /// Whether keys are held there: `false` names those of which none is recorded.
    has_keys: Option<bool>,
    /// How many things the page has at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The cursor from which the page goes on: `next` of the page before.
    after: Option<String>,
}

/// What is said of the index that is made.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WhichIndex {
    /// What it is called.
    name: Option<String>,
    /// Where it will be.
    url: Option<String>,
    /// Who keeps it.
    maintainer: Option<String>,
}

/// List who runs the APIs that are used
///
/// As imported indexes (APIs.json) tell of them, each with how its keys are managed and how many are held there.
#[utoipa::path(get, path = "/v1/catalog", tag = "catalog", params(WhichEntries),
    responses((status = 200, body = CatalogList, description = "A page of them, and what follows of all")),
    security(("token" = ["accounts:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(which): Query<WhichEntries>,
) -> Result<Tagged<CatalogList>, Refusal> {
    let (mut all, summary) = catalog::list(&inventory).await?;
    all.retain(|entry| which.has_keys.is_none_or(|wanted| wanted == (entry.keys > 0)));
    let (entries, next) =
        page::slice(all, which.limit, which.after.as_deref(), |entry| entry.id.clone())?;
    Ok(Tagged(CatalogList { summary, entries, next }))
}

/// Read who runs some of the APIs that are used
#[utoipa::path(get, path = "/v1/catalog/{entry}", tag = "catalog",
    params(("entry" = String, Path, description = "The id, the domain or the name")),
    responses((status = 200, body = CatalogDetailView, description = "It, its APIs, and the accounts at it")),
    security(("token" = ["accounts:read"])))]
pub(in crate::http) async fn get(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Tagged<CatalogDetailView>, Refusal> {
    Ok(Tagged(catalog::get(&inventory, &word).await?))
}

/// Look at the addresses of whoever runs some of the APIs that are used
///
/// Where their calls go and their pages are, by https and without a credential, for what they publish of their keys:
/// a descriptor (AKM), an APIs.json, how a first key is got, a catalog (RFC 9727), metadata of OAuth. What is there, or
/// why nothing is, is kept and stands in what is read of it.
#[utoipa::path(post, path = "/v1/catalog/{entry}/discoveries", tag = "catalog",
    params(("entry" = String, Path, description = "The id, the domain or the name")),
    request_body = CatalogDiscoveryRequest,
    responses((status = 200, body = CatalogDetailView, description = "It, with what was seen")),
    security(("token" = ["accounts:write"])))]
pub(in crate::http) async fn discover(
    inventory: Inventory,
    Path(word): Path<String>,
    Body(asked): Body<CatalogDiscoveryRequest>,
) -> Result<Json<CatalogDetailView>, Refusal> {
    Ok(Json(Box::pin(catalog::discover(&inventory, &word, &asked)).await?))
}

/// List the indexes that were imported
///
/// By id, each with what was odd in it.
#[utoipa::path(get, path = "/v1/catalog-indexes", tag = "catalog", params(Paging),
    responses((status = 200, body = CatalogIndexList, description = "A page of indexes")),
    security(("token" = ["accounts:read"])))]
pub(in crate::http) async fn indexes(
    inventory: Inventory,
    Query(paging): Query<Paging>,
) -> Result<Tagged<CatalogIndexList>, Refusal> {
    let all = catalog::indexes(&inventory).await?;
    let (indexes, next) =
        page::slice(all, paging.limit, paging.after.as_deref(), |index| index.id.clone())?;
    Ok(Tagged(CatalogIndexList { indexes, next }))
}

/// Forget an index and its APIs
#[utoipa::path(delete, path = "/v1/catalog-indexes/{index}", tag = "catalog",
    params(("index" = String, Path, description = "The id, the source or the name")),
    responses((status = 204, description = "It is forgotten")),
    security(("token" = ["accounts:write"])))]
pub(in crate::http) async fn remove(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<StatusCode, Refusal> {
    catalog::remove(&inventory, &word).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Import an index
///
/// In APIs.json of version 0.14 to 0.23, in JSON or YAML, with the indexes that it includes. What is odd in it is told
/// and not refused. The same source again takes the place of what it brought before.
#[utoipa::path(post, path = "/v1/catalog-imports", tag = "catalog", request_body = CatalogImportRequest,
    responses((status = 200, body = CatalogImportView, description = "What came in, and what was odd")),
    security(("token" = ["accounts:write"])))]
pub(in crate::http) async fn import(
    inventory: Inventory,
    Body(asked): Body<CatalogImportRequest>,
) -> Result<Json<CatalogImportView>, Refusal> {
    Ok(Json(catalog::import(&inventory, &asked).await?))
}

/// Write the APIs that are used as an index
///
/// Of APIs.json 0.23, as a consumer of them: which APIs, and where their keys are managed. Nothing of keys, accounts
/// or owners is in it.
#[utoipa::path(get, path = "/v1/catalog-index", tag = "catalog", params(WhichIndex),
    responses((status = 200, description = "The index", content_type = "application/json", body = Object),
              (status = 422, description = "The index can be at no such address",
               body = crate::http::problem::Problem, content_type = "application/problem+json")),
    security(("token" = ["accounts:read"])))]
pub(in crate::http) async fn export(
    inventory: Inventory,
    Query(which): Query<WhichIndex>,
) -> Result<Response, Refusal> {
    let given = Export {
        name: which.name.as_deref(),
        url: which.url.as_deref(),
        maintainer: which.maintainer.as_deref(),
    };
    let text = catalog::export(&inventory, given).await?;
    let kind = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// Check an index
///
/// Against the rules of APIs.json 0.23: each fault with its place and what to do about it.
#[utoipa::path(post, path = "/v1/catalog-checks", tag = "catalog", request_body = CatalogCheckRequest,
    responses((status = 200, body = CatalogCheckView, description = "What the rules say of it")),
    security(("token" = ["accounts:read"])))]
pub(in crate::http) async fn check(
    _: Inventory,
    Body(asked): Body<CatalogCheckRequest>,
) -> Result<Json<CatalogCheckView>, Refusal> {
    Ok(Json(catalog::check(&asked.document)?))
}
