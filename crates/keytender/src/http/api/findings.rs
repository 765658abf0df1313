//! `/v1/findings`: rules that keys break or broke.

use keytender_core::time::Time;
use serde::Deserialize;

use super::keys::bad_filter;
use crate::app::findings::{self, Asked, Place};
use crate::app::inventory::Inventory;
use crate::app::view::FindingList;
use crate::http::etag::Tagged;
use crate::http::extract::Query;
use crate::http::page;
use crate::http::problem::Refusal;

/// Which findings, and which page of them.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Which {
    /// Only those of this key, by Keytender's id, the provider's id, or a label.
    key: Option<String>,
    /// Only those of this rule.
    rule: Option<String>,
    /// If true, only those that hold; if false, only those that are over.
    open: Option<bool>,
    /// Only those found at this moment or after it.
    since: Option<Time>,
    /// How many findings the page has at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The cursor from which the page goes on: `next` of the page before.
    after: Option<String>,
}

/// List findings
///
/// The newest first. What a key breaks now, in words and with figures, stands in the key itself.
#[utoipa::path(get, path = "/v1/findings", tag = "findings", params(Which),
    responses((status = 200, body = FindingList, description = "A page of findings")),
    security(("token" = ["findings:read"]), ("customer_token" = ["findings:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(which): Query<Which>,
) -> Result<Tagged<FindingList>, Refusal> {
    let limit = page::limit(which.limit)?;
    let after: Option<Place> = which.after.as_deref().map(page::place).transpose()?;
    let Which { key, rule, open, since, .. } = which;
    let asked = Asked { key, rule, is_open: open, since };
    let found = findings::list(&inventory, asked, limit, after.as_ref()).await;
    let (findings, next) = found.map_err(bad_filter)?;
    let next = next.map(|place| page::cursor(&place)).transpose()?;
    Ok(Tagged(FindingList { findings, next }))
}
