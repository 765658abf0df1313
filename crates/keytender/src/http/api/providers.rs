//! `/v1/providers`: whose keys can be managed, and how.

use super::owners::Paging;
use crate::app::inventory::Inventory;
use crate::app::providers;
use crate::app::view::{ProviderList, ProviderView};
use crate::http::etag::Tagged;
use crate::http::extract::{Path, Query};
use crate::http::page;
use crate::http::problem::Refusal;

/// List providers
///
/// By name, with what can be done with each kind of key, and what an account must say.
#[utoipa::path(get, path = "/v1/providers", tag = "accounts", params(Paging),
    responses((status = 200, body = ProviderList, description = "A page of providers")),
    security(("token" = ["accounts:read"])))]
pub(in crate::http) async fn list(
    _inventory: Inventory,
    Query(paging): Query<Paging>,
) -> Result<Tagged<ProviderList>, Refusal> {
    let (providers, next) =
        page::slice(providers::list()?, paging.limit, paging.after.as_deref(), |one| {
            one.id.clone()
        })?;
    Ok(Tagged(ProviderList { providers, next }))
}

/// Read a provider
#[utoipa::path(get, path = "/v1/providers/{provider}", tag = "accounts",
    params(("provider" = String, Path, description = "Its name, such as `gitlab`")),
    responses((status = 200, body = ProviderView, description = "The provider")),
    security(("token" = ["accounts:read"])))]
pub(in crate::http) async fn get(
    _inventory: Inventory,
    Path(provider): Path<String>,
) -> Result<Tagged<ProviderView>, Refusal> {
    Ok(Tagged(providers::get(&provider)?))
}
