//! `/v1/apis/{api}/feed`: how a verifier within somebody's API learns of its keys and tells what was used.
//!
//! The forms are those of the crate `keytender-verify`. No key is in them: they are told by their digests, and those that
//! others issued by digests under a pepper of their API alone, which a snapshot holds.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use keytender_verify::feed::{Application, Batch, Changes, Grant, Receipt, Snapshot, VERSION};
use serde::Deserialize;

use crate::app::inventory::Inventory;
use crate::app::node::feed;
use crate::http::extract::{Body, Path, Query};
use crate::http::page;
use crate::http::problem::{Problem, Refusal};
use crate::http::state::State;

/// Which page of a snapshot.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WhichPage {
    /// `next` of the page before.
    page: Option<String>,
}

/// From which change on.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WhichChanges {
    /// The last change that is known.
    #[param(minimum = 0)]
    after: u64,
}

/// Read all keys of an API, as a verifier needs them
///
/// Page by page; whatever changes meanwhile comes again as a change.
#[utoipa::path(get, path = "/v1/apis/{api}/feed/snapshot", tag = "verification",
    params(("api" = String, Path, description = "The id or the name"), WhichPage),
    responses((status = 200, body = Object, description = "A page of the snapshot")),
    security(("token" = ["keys:verify"])))]
pub(in crate::http) async fn snapshot(
    Extract(state): Extract<State>,
    inventory: Inventory,
    Path(api): Path<String>,
    Query(which): Query<WhichPage>,
) -> Result<Json<Snapshot>, Refusal> {
    let place = which.page.as_deref().map(page::place::<feed::Place>).transpose()?;
    let (mut snapshot, next) = feed::snapshot(&state.node, &inventory, &api, place).await?;
    snapshot.next = next.map(|place| page::cursor(&place)).transpose()?;
    Ok(Json(snapshot))
}

/// Read what has changed of an API's keys
///
/// Nothing up to `through` is left out. Changes are remembered for a week: whoever was away for longer takes a
/// snapshot.
#[utoipa::path(get, path = "/v1/apis/{api}/feed/changes", tag = "verification",
    params(("api" = String, Path, description = "The id or the name"), WhichChanges),
    responses((status = 200, body = Object, description = "Changes"),
              (status = 410, body = Problem, description = "They are forgotten: take a snapshot",
               content_type = "application/problem+json")),
    security(("token" = ["keys:verify"])))]
pub(in crate::http) async fn changes(
    Extract(state): Extract<State>,
    inventory: Inventory,
    Path(api): Path<String>,
    Query(which): Query<WhichChanges>,
) -> Result<Json<Changes>, Refusal> {
    let found = feed::changes(&state.node, &inventory, &api, which.after).await?;
    found.map(Json).ok_or_else(|| {
        Problem::new(StatusCode::GONE, "changes after this number are forgotten")
            .hint("take a snapshot")
            .into()
    })
}

/// Say how far a verifier has come
///
/// The answer is a lease: so long the verifier may believe what it knows. Whoever revokes a key sees in the leases
/// which verifiers refuse it.
#[utoipa::path(post, path = "/v1/apis/{api}/feed/leases", tag = "verification", request_body = Object,
    params(("api" = String, Path, description = "The id or the name")),
    responses((status = 200, body = Object, description = "The lease")),
    security(("token" = ["keys:verify"])))]
pub(in crate::http) async fn lease(
    inventory: Inventory,
    Path(api): Path<String>,
    Body(asked): Body<Application>,
) -> Result<Json<Grant>, Refusal> {
    check_version(asked.version)?;
    Ok(Json(feed::lease(&inventory, &api, &asked).await?))
}

/// Which verifier.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WhichNode {
    /// The name by which it asked for its lease.
    node: String,
}

/// End the lease of a verifier
///
/// It verifies no more, and whoever revokes a key does not wait for it.
#[utoipa::path(delete, path = "/v1/apis/{api}/feed/leases", tag = "verification",
    params(("api" = String, Path, description = "The id or the name"), WhichNode),
    responses((status = 204, description = "It has ended, or there was none")),
    security(("token" = ["keys:verify"])))]
pub(in crate::http) async fn leave(
    inventory: Inventory,
    Path(api): Path<String>,
    Query(which): Query<WhichNode>,
) -> Result<StatusCode, Refusal> {
    feed::leave(&inventory, &api, &which.node).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Tell how keys were used
///
/// Counts only grow, so that the same batch may be told again. Keys of other APIs are left out.
#[utoipa::path(post, path = "/v1/apis/{api}/feed/usage", tag = "verification", request_body = Object,
    params(("api" = String, Path, description = "The id or the name")),
    responses((status = 200, body = Object, description = "It is kept")),
    security(("token" = ["keys:verify"])))]
pub(in crate::http) async fn usage(
    Extract(state): Extract<State>,
    inventory: Inventory,
    Path(api): Path<String>,
    Body(batch): Body<Batch>,
) -> Result<Json<Receipt>, Refusal> {
    check_version(batch.version)?;
    let receipt = feed::usage(&inventory, &api, batch).await?;
    state.node.wake();
    Ok(Json(receipt))
}

fn check_version(version: u32) -> Result<(), Refusal> {
    match version {
        VERSION => Ok(()),
        other => {
            let why = format!("this server speaks version {VERSION} of the feed, not {other}");
            Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why).into())
        }
    }
}
