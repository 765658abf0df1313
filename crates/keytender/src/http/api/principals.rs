//! `/v1/principals`: who keys act for.

use serde::Deserialize;

use super::keys::bad_filter;
use crate::app::inventory::Inventory;
use crate::app::principals::{self, Place};
use crate::app::view::{PrincipalList, PrincipalView};
use crate::http::etag::Tagged;
use crate::http::extract::{Path, Query};
use crate::http::page;
use crate::http::problem::Refusal;

/// Which principals, and which page of them.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Which {
    /// Only those in this account, by its name here.
    account: Option<String>,
    /// Only those with this in their name.
    text: Option<String>,
    /// How many principals the page has at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The cursor from which the page goes on: `next` of the page before.
    after: Option<String>,
}

/// List principals
///
/// Users, root and apps, with what is known of their passwords and keys; those of an account together,
/// by name. A user of the role `owner` sees those of the keys that they answer for.
#[utoipa::path(get, path = "/v1/principals", tag = "principals", params(Which),
    responses((status = 200, body = PrincipalList, description = "A page of principals")),
    security(("token" = ["keys:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(which): Query<Which>,
) -> Result<Tagged<PrincipalList>, Refusal> {
    let limit = page::limit(which.limit)?;
    let after: Option<Place> = which.after.as_deref().map(page::place).transpose()?;
    let (account, text) = (which.account.as_deref(), which.text.as_deref());
    let found = principals::list(&inventory, account, text, limit, after.as_ref()).await;
    let (principals, next) = found.map_err(bad_filter)?;
    let next = next.map(|place| page::cursor(&place)).transpose()?;
    Ok(Tagged(PrincipalList { principals, next }))
}

/// Read a principal
#[utoipa::path(get, path = "/v1/principals/{principal}", tag = "principals",
    params(("principal" = String, Path, description = "The id")),
    responses((status = 200, body = PrincipalView, description = "The principal")),
    security(("token" = ["keys:read"])))]
pub(in crate::http) async fn get(
    inventory: Inventory,
    Path(id): Path<String>,
) -> Result<Tagged<PrincipalView>, Refusal> {
    Ok(Tagged(principals::view(&inventory, &id).await?))
}
