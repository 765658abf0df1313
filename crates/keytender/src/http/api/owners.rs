//! `/v1/owners`: who answers for which keys.

use axum::http::{HeaderName, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::inventory::Inventory;
use crate::app::view::{ClaimView, OwnerList, OwnerView};
use crate::app::{evaluate, owners};
use crate::http::etag::{IfMatch, Tagged};
use crate::http::extract::{Body, Path, Query};
use crate::http::page;
use crate::http::problem::Refusal;

/// Which page.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Paging {
    /// How many things the page has at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub(super) limit: Option<u32>,
    /// The cursor from which the page goes on: `next` of the page before.
    pub(super) after: Option<String>,
}

/// An owner to add.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewOwner {
    /// The name, a line of text.
    #[schema(min_length = 1, max_length = 200, example = "platform")]
    pub(in crate::http) name: String,
    /// The mail address.
    #[schema(example = "platform@example.com")]
    address: String,
    /// The time zone in whose working hours notices go out, by its IANA name; `UTC` if none is given.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
}

/// What is to change of an owner; what is absent stays.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct OwnerChange {
    /// Another mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// Another time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
}

/// A thing that was made, and where it is.
pub(in crate::http) type Made<T> = (StatusCode, [(HeaderName, String); 1], Tagged<T>);

/// The answer to a request that made `thing`, which is at `path`.
pub(in crate::http) fn made<T>(path: String, thing: T) -> Made<T> {
    (StatusCode::CREATED, [(header::LOCATION, path)], Tagged(thing))
}

/// List owners
///
/// By name, with what each answers for. A user of the role `owner` sees themselves.
#[utoipa::path(get, path = "/v1/owners", tag = "owners", params(Paging),
    responses((status = 200, body = OwnerList, description = "A page of owners")),
    security(("token" = ["owners:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(paging): Query<Paging>,
) -> Result<Tagged<OwnerList>, Refusal> {
    evaluate::run(&inventory.store, inventory.now).await?;
    let all = owners::list(&inventory).await?;
    let (owners, next) =
        page::slice(all, paging.limit, paging.after.as_deref(), |one| one.name.clone())?;
    Ok(Tagged(OwnerList { owners, next }))
}

/// Add an owner
#[utoipa::path(post, path = "/v1/owners", tag = "owners", request_body = NewOwner,
    responses((status = 201, body = OwnerView, description = "The owner",
               headers(("Location" = String, description = "Where it is")))),
    security(("token" = ["owners:write"])))]
pub(in crate::http) async fn add(
    inventory: Inventory,
    Body(new): Body<NewOwner>,
) -> Result<Made<OwnerView>, Refusal> {
    let zone = new.time_zone.as_deref().unwrap_or(owners::DEFAULT_TIME_ZONE);
    let owner = owners::add(&inventory, &new.name, &new.address, zone).await?;
    let id = owner.id.to_string();
    Ok(made(format!("/v1/owners/{id}"), owners::view(&inventory, &id).await?))
}

/// Read an owner
#[utoipa::path(get, path = "/v1/owners/{owner}", tag = "owners",
    params(("owner" = String, Path, description = "The id, the name or the address")),
    responses((status = 200, body = OwnerView, description = "The owner")),
    security(("token" = ["owners:read"])))]
pub(in crate::http) async fn get(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Tagged<OwnerView>, Refusal> {
    evaluate::run(&inventory.store, inventory.now).await?;
    Ok(Tagged(owners::view(&inventory, &word).await?))
}

/// Change an owner
#[utoipa::path(patch, path = "/v1/owners/{owner}", tag = "owners", request_body = OwnerChange,
    params(("owner" = String, Path, description = "The id, the name or the address"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 200, body = OwnerView, description = "The owner as it is now")),
    security(("token" = ["owners:write"])))]
pub(in crate::http) async fn set(
    inventory: Inventory,
    Path(word): Path<String>,
    version: IfMatch,
    Body(change): Body<OwnerChange>,
) -> Result<Tagged<OwnerView>, Refusal> {
    let (address, zone) = (change.address.as_deref(), change.time_zone.as_deref());
    owners::set(&inventory, &word, address, zone, |now| version.check(now)).await?;
    Ok(Tagged(owners::view(&inventory, &word).await?))
}

/// Remove an owner
///
/// Their keys have no owner then, unless another's claim holds.
#[utoipa::path(delete, path = "/v1/owners/{owner}", tag = "owners",
    params(("owner" = String, Path, description = "The id, the name or the address"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 204, description = "It is gone")),
    security(("token" = ["owners:write"])))]
pub(in crate::http) async fn remove(
    inventory: Inventory,
    Path(word): Path<String>,
    version: IfMatch,
) -> Result<StatusCode, Refusal> {
    owners::remove(&inventory, &word, |now| version.check(now)).await?;
    evaluate::run(&inventory.store, inventory.now).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Claim keys for an owner
///
/// Of several claims the narrowest wins: tag, principal, account, provider. What was said of one key
/// by hand stands above all. A claim that is there already stays.
#[utoipa::path(post, path = "/v1/owners/{owner}/claims", tag = "owners", request_body = ClaimView,
    params(("owner" = String, Path, description = "The id, the name or the address")),
    responses((status = 201, body = OwnerView, description = "The owner as it is now")),
    security(("token" = ["owners:write"])))]
pub(in crate::http) async fn claim(
    inventory: Inventory,
    Path(word): Path<String>,
    Body(claim): Body<ClaimView>,
) -> Result<(StatusCode, Tagged<OwnerView>), Refusal> {
    owners::claim(&inventory, &word, &claim, false).await?;
    evaluate::run(&inventory.store, inventory.now).await?;
    Ok((StatusCode::CREATED, Tagged(owners::view(&inventory, &word).await?)))
}

/// Take a claim back
#[utoipa::path(delete, path = "/v1/owners/{owner}/claims", tag = "owners",
    params(("owner" = String, Path, description = "The id, the name or the address"), ClaimView),
    responses((status = 204, description = "It is gone")),
    security(("token" = ["owners:write"])))]
pub(in crate::http) async fn disclaim(
    inventory: Inventory,
    Path(word): Path<String>,
    Query(claim): Query<ClaimView>,
) -> Result<StatusCode, Refusal> {
    owners::claim(&inventory, &word, &claim, true).await?;
    evaluate::run(&inventory.store, inventory.now).await?;
    Ok(StatusCode::NO_CONTENT)
}
