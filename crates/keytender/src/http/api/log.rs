//! `/v1/acts`: the log of who did what, when, from where and why.

use keytender_core::time::Time;
use serde::Deserialize;

use crate::app::inventory::Inventory;
use crate::app::log;
use crate::app::view::{ActList, VerifiedView};
use crate::http::etag::Tagged;
use crate::http::extract::Query;
use crate::http::page;
use crate::http::problem::Refusal;
use crate::store::acts;

/// Which acts, and which page of them.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Which {
    /// Only what was done to the key that this word means, or to what has this id.
    target: Option<String>,
    /// Only what was done by somebody of this name.
    actor: Option<String>,
    /// Only what begins so, such as `key.` or `user.add`.
    verb: Option<String>,
    /// Only what was done at this moment or later.
    since: Option<Time>,
    /// How many acts the page has at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The cursor from which the page goes on: `next` of the page before.
    after: Option<String>,
}

/// Read the log of acts
///
/// The newest first.
#[utoipa::path(get, path = "/v1/acts", tag = "log", params(Which),
    responses((status = 200, body = ActList, description = "A page of the log")),
    security(("token" = ["log:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(which): Query<Which>,
) -> Result<Tagged<ActList>, Refusal> {
    let limit = page::limit(which.limit)?;
    let after = which.after.as_deref().map(page::place).transpose()?;
    let wanted = acts::Which {
        target_id: which.target,
        actor: which.actor,
        verb: which.verb,
        since: which.since,
    };
    let (acts, next) = log::list(&inventory, wanted, limit, after).await?;
    let next = next.map(|place| page::cursor(&place)).transpose()?;
    Ok(Tagged(ActList { acts, next }))
}

/// Prove that the log is whole
///
/// Every act is held against the chain, and the chain against the checkpoints outside of the database.
#[utoipa::path(post, path = "/v1/log-verifications", tag = "log",
    responses((status = 200, body = VerifiedView, description = "What was found")),
    security(("token" = ["log:read"])))]
pub(in crate::http) async fn verify(inventory: Inventory) -> Result<Tagged<VerifiedView>, Refusal> {
    log::seal(&inventory).await?;
    Ok(Tagged(log::verify(&inventory).await?))
}
