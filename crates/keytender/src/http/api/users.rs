//! `/v1/users`: who may use this API.

use axum::http::StatusCode;
use keytender_core::access::Role;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::owners::{Made, Paging, made};
use crate::app::inventory::Inventory;
use crate::app::links;
use crate::app::users::{self, UserFacts};
use crate::app::view::{NewLinkView, UserList, UserView};
use crate::http::etag::{IfMatch, Tagged};
use crate::http::extract::{Body, Path, Query};
use crate::http::page;
use crate::http::problem::Refusal;

/// A user to add.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewUser {
    /// The name: letters, digits, and - _ . @ +
    #[schema(min_length = 1, max_length = 100, example = "ci")]
    name: String,
    /// What they may do.
    role: Role,
    /// The mail address to which notices about their tokens go.
    address: Option<String>,
    /// Whose keys they see, if their role is `owner`: the owner's name or id.
    owner: Option<String>,
}

/// What is to change of a user; what is absent stays, what is null is taken away.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct UserChange {
    /// What they may do from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// Another mail address.
    #[serde(default, with = "crate::app::view::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    address: Option<Option<String>>,
    /// Whose keys they see.
    #[serde(default, with = "crate::app::view::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    owner: Option<Option<String>>,
    /// Whether none of their tokens works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suspended: Option<bool>,
}

/// List users
#[utoipa::path(get, path = "/v1/users", tag = "users", params(Paging),
    responses((status = 200, body = UserList, description = "A page of users")),
    security(("token" = ["users:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(paging): Query<Paging>,
) -> Result<Tagged<UserList>, Refusal> {
    let all = users::list(&inventory).await?;
    let (users, next) =
        page::slice(all, paging.limit, paging.after.as_deref(), |one| one.name.clone())?;
    Ok(Tagged(UserList { users, next }))
}

/// Add a user
#[utoipa::path(post, path = "/v1/users", tag = "users", request_body = NewUser,
    responses((status = 201, body = UserView, description = "The user")),
    security(("token" = ["users:write"])))]
pub(in crate::http) async fn add(
    inventory: Inventory,
    Body(new): Body<NewUser>,
) -> Result<Made<UserView>, Refusal> {
    let facts =
        UserFacts { role: new.role, address: new.address, owner: new.owner, is_suspended: false };
    let user = users::add(&inventory, &new.name, &facts).await?;
    let view = users::view(&inventory, &user.name).await?;
    Ok(made(format!("/v1/users/{}", view.id), view))
}

/// Read a user
#[utoipa::path(get, path = "/v1/users/{user}", tag = "users",
    params(("user" = String, Path, description = "The id or the name")),
    responses((status = 200, body = UserView, description = "The user")),
    security(("token" = ["users:read"])))]
pub(in crate::http) async fn get(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Tagged<UserView>, Refusal> {
    Ok(Tagged(users::view(&inventory, &word).await?))
}

/// Change a user
///
/// The last administrator stays one.
#[utoipa::path(patch, path = "/v1/users/{user}", tag = "users", request_body = UserChange,
    params(("user" = String, Path, description = "The id or the name"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 200, body = UserView, description = "The user as they are now")),
    security(("token" = ["users:write"])))]
pub(in crate::http) async fn set(
    inventory: Inventory,
    Path(word): Path<String>,
    version: IfMatch,
    Body(change): Body<UserChange>,
) -> Result<Tagged<UserView>, Refusal> {
    users::set(&inventory, &word, |now| {
        version.check(now)?;
        Ok(UserFacts {
            role: change.role.unwrap_or(now.role),
            address: change.address.unwrap_or_else(|| now.address.clone()),
            owner: change.owner.unwrap_or_else(|| now.owner.clone()),
            is_suspended: change.suspended.unwrap_or(now.suspended_at.is_some()),
        })
    })
    .await?;
    Ok(Tagged(users::view(&inventory, &word).await?))
}

/// Remove a user
///
/// Their tokens end at once. The last administrator cannot be removed.
#[utoipa::path(delete, path = "/v1/users/{user}", tag = "users",
    params(("user" = String, Path, description = "The id or the name"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 204, description = "They are gone")),
    security(("token" = ["users:write"])))]
pub(in crate::http) async fn remove(
    inventory: Inventory,
    Path(word): Path<String>,
    version: IfMatch,
) -> Result<StatusCode, Refusal> {
    users::remove(&inventory, &word, |now| version.check(now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a link by which a user signs in
///
/// It works once, within a day, and is in this answer and nowhere else. Whoever lost their password comes
/// back by it; whoever has none sets one.
#[utoipa::path(post, path = "/v1/users/{user}/links", tag = "users",
    params(("user" = String, Path, description = "The id or the name")),
    responses((status = 201, body = NewLinkView, description = "The link")),
    security(("token" = ["users:write"])))]
pub(in crate::http) async fn link(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<(StatusCode, axum::Json<NewLinkView>), Refusal> {
    Ok((StatusCode::CREATED, axum::Json(links::make_whole(&inventory, &word).await?)))
}
