//! `/v1/keys`: keys, held and issued.

use axum::Json;

use super::owners::{Made, made};
use crate::app::inventory::Inventory;
use crate::app::keys;
use crate::app::view::{KeyChange, KeyList, KeyQuery, KeySort, KeyView, NewKeyRequest, Timeline};
use crate::error::{Error, Kind};
use crate::http::etag::{IfMatch, Tagged};
use crate::http::extract::{Body, Path, Query};
use crate::http::page;
use crate::http::problem::{Problem, Refusal};
use crate::store::keys::Term;

/// Further on than this one goes by a cursor: what stands before is read each time.
const MAX_OFFSET: u64 = 1_000_000;

/// Refuses a filter that names something that is not there: that is a mistake in the query.
pub(super) fn bad_filter(error: Error) -> Refusal {
    match error.of_kind() {
        Kind::Internal => error.into(),
        _ => {
            let problem = Problem::bad_request(error.explanation());
            match error.advice() {
                Some(hint) => problem.hint(hint).into(),
                None => problem.into(),
            }
        }
    }
}

/// List keys
///
/// What is due first, unless another order is asked for; `total` counts all pages. Destroyed keys are
/// shown only if their state is asked for. A user of the role `owner` sees the keys that they answer
/// for.
#[utoipa::path(get, path = "/v1/keys", tag = "keys", params(KeyQuery),
    responses((status = 200, body = KeyList, description = "A page of keys")),
    security(("token" = ["keys:read"]), ("customer_token" = ["keys:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(query): Query<KeyQuery>,
) -> Result<Json<KeyList>, Refusal> {
    let limit = page::limit(query.limit)?;
    check_offset(&query)?;
    let sort = query.sort.unwrap_or_default();
    let after = match &query.after {
        Some(cursor) => Some(place(cursor, sort)?),
        None => None,
    };
    let found = keys::list(&inventory, &query, limit, after).await.map_err(bad_filter)?;
    let next = found.next.map(|place| page::cursor(&(sort, place))).transpose()?;
    Ok(Json(KeyList::new(inventory.now, found.total, found.keys, next)))
}

fn check_offset(query: &KeyQuery) -> Result<(), Refusal> {
    match (query.offset, &query.after) {
        (Some(offset), _) if offset > MAX_OFFSET => {
            let problem = Problem::bad_request(format!("`offset` is at most {MAX_OFFSET}"));
            Err(problem.hint("go on from `next` of a page: `after`").into())
        }
        (Some(_), Some(_)) => {
            Err(Problem::bad_request("a page begins by `after` or by `offset`, not by both").into())
        }
        _ => Ok(()),
    }
}

/// The place that a cursor says, if it is one of this order.
pub(in crate::http) fn place(cursor: &str, sort: KeySort) -> Result<Vec<Term>, Refusal> {
    let (sorted, place): (KeySort, Vec<Term>) = page::place(cursor)?;
    match sorted == sort && sort.order().fits(&place) {
        true => Ok(place),
        false => Err(page::bad_cursor()),
    }
}

/// Add a key
///
/// Of a provider that cannot be asked for its keys. No secret is asked for and none is kept.
#[utoipa::path(post, path = "/v1/keys", tag = "keys", request_body = NewKeyRequest,
    responses((status = 201, body = KeyView, description = "The key",
               headers(("Location" = String, description = "Where it is")))),
    security(("token" = ["keys:write"])))]
pub(in crate::http) async fn add(
    inventory: Inventory,
    Body(new): Body<NewKeyRequest>,
) -> Result<Made<KeyView>, Refusal> {
    let id = keys::add_one(&inventory, &new).await.map_err(no_such)?.to_string();
    Ok(made(format!("/v1/keys/{id}"), keys::view(&inventory, &id).await?))
}

/// What a body names that is not there is a mistake in the body: the path is right.
pub(super) fn no_such(error: Error) -> Error {
    match error.of_kind() {
        Kind::NotFound => error.kind(Kind::Refused),
        _ => error,
    }
}

/// Read a key
#[utoipa::path(get, path = "/v1/keys/{key}", tag = "keys",
    params(("key" = String, Path, description = "Keytender's id, the provider's id, or a label")),
    responses((status = 200, body = KeyView, description = "The key")),
    security(("token" = ["keys:read"]), ("customer_token" = ["keys:read"])))]
pub(in crate::http) async fn get(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Tagged<KeyView>, Refusal> {
    Ok(Tagged(keys::view(&inventory, &word).await?))
}

/// Say what is known of a key
///
/// Who answers for it, where it is used, until when it stays as it is. What the provider tells itself is
/// refused.
#[utoipa::path(patch, path = "/v1/keys/{key}", tag = "keys", request_body = KeyChange,
    params(("key" = String, Path, description = "Keytender's id, the provider's id, or a label"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 200, body = KeyView, description = "The key as it is now")),
    security(("token" = ["keys:write"]), ("customer_token" = ["keys:write"])))]
pub(in crate::http) async fn set(
    inventory: Inventory,
    Path(word): Path<String>,
    version: IfMatch,
    Body(change): Body<KeyChange>,
) -> Result<Tagged<KeyView>, Refusal> {
    let set = keys::set(&inventory, &word, &change, |now| version.check(now)).await;
    Ok(Tagged(set?))
}

/// Read a key's story
///
/// What happened to it, when it was used, what it broke, and what was done to it by whom; oldest first.
#[utoipa::path(get, path = "/v1/keys/{key}/timeline", tag = "keys",
    params(("key" = String, Path, description = "Keytender's id, the provider's id, or a label")),
    responses((status = 200, body = Timeline, description = "What happened and what was done")),
    security(("token" = ["keys:read"]), ("customer_token" = ["keys:read"])))]
pub(in crate::http) async fn timeline(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Tagged<Timeline>, Refusal> {
    Ok(Tagged(keys::timeline(&inventory, &word).await?))
}
