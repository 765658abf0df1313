//! `/v1/tokens`: with what programs use this API. A token is a key: it is suspended, resumed and
//! deleted at `/v1/keys`.

use axum::http::StatusCode;
use keytender_core::access::{Scope, Scopes, Side};
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::keys::no_such;
use crate::app::customers;
use crate::app::inventory::Inventory;
use crate::app::tokens::{self, DEFAULT_LIFE, NewToken};
use crate::app::view::{NewTokenView, TokenList};
use crate::error::Error;
use crate::http::etag::Tagged;
use crate::http::extract::{Body, Path, Query};
use crate::http::page;
use crate::http::problem::Refusal;

/// Which tokens, and which page of them.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Which {
    /// Only this user's, by name.
    user: Option<String>,
    /// How many tokens the page has at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The cursor from which the page goes on: `next` of the page before.
    after: Option<String>,
}

/// A token to make.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct TokenRequest {
    /// What it is for, a line of text.
    #[schema(min_length = 1, max_length = 200, example = "nightly report")]
    label: String,
    /// What it may do, of what its user may; all of it if nothing is said.
    #[schema(example = json!(["keys:read"]))]
    scopes: Option<Vec<Scope>>,
    /// To keys of which side it is limited.
    side: Option<Side>,
    /// To which customer's account it is limited, by name or id: it is then that customer's own, and does what a
    /// customer may.
    #[schema(example = "acme/globex")]
    account: Option<String>,
    /// When it ends; in 90 days if nothing is said, never if it is null.
    #[serde(default, with = "crate::app::view::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Time>)]
    expires_at: Option<Option<Time>>,
}

/// List tokens
///
/// Those that are not gone, with when each was last used. No secret is shown.
#[utoipa::path(get, path = "/v1/tokens", tag = "tokens", params(Which),
    responses((status = 200, body = TokenList, description = "A page of tokens")),
    security(("token" = ["users:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(which): Query<Which>,
) -> Result<Tagged<TokenList>, Refusal> {
    let all = tokens::views(&inventory, which.user.as_deref()).await?;
    let (tokens, next) =
        page::slice(all, which.limit, which.after.as_deref(), |one| one.key.clone())?;
    Ok(Tagged(TokenList { tokens, next }))
}

/// Make a token for a user
///
/// Its text is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/users/{user}/tokens", tag = "tokens", request_body = TokenRequest,
    params(("user" = String, Path, description = "The id or the name of the user")),
    responses((status = 201, body = NewTokenView, description = "The token")),
    security(("token" = ["users:write"])))]
pub(in crate::http) async fn create(
    inventory: Inventory,
    Path(user): Path<String>,
    Body(asked): Body<TokenRequest>,
) -> Result<(StatusCode, axum::Json<NewTokenView>), Refusal> {
    if let Some(account) = &asked.account {
        customers::view(&inventory, account).await.map_err(no_such)?;
    }
    make(&inventory, &user, asked).await.map_err(Refusal::from)
}

/// What a customer's own token is made of.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct CustomerTokenRequest {
    /// What it is for, a line of text.
    #[schema(min_length = 1, max_length = 200, example = "deployment of Globex")]
    label: String,
    /// What it may do, of what a customer may; all of it if nothing is said.
    #[schema(example = json!(["keys:read"]))]
    scopes: Option<Vec<Scope>>,
    /// When it ends; in 90 days if nothing is said, never if it is null.
    #[serde(default, with = "crate::app::view::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Time>)]
    expires_at: Option<Option<Time>>,
}

/// Make a token for a customer
///
/// It is that customer's own: it sees and manages this account alone, by the operations that say so. Its text is in
/// this answer and nowhere else. It ends with the user whose token asks for it.
#[utoipa::path(post, path = "/v1/accounts/{account}/tokens", tag = "tokens",
    request_body = CustomerTokenRequest,
    params(("account" = String, Path, description = "The id or the name of the customer's account")),
    responses((status = 201, body = NewTokenView, description = "The token")),
    security(("token" = ["accounts:admit"])))]
pub(in crate::http) async fn create_for_customer(
    inventory: Inventory,
    Path(account): Path<String>,
    Body(asked): Body<CustomerTokenRequest>,
) -> Result<(StatusCode, axum::Json<NewTokenView>), Refusal> {
    let CustomerTokenRequest { label, scopes, expires_at } = asked;
    let asked = TokenRequest { label, scopes, side: None, account: Some(account), expires_at };
    make(&inventory, &inventory.actor.name, asked).await.map_err(Refusal::from)
}

async fn make(
    inventory: &Inventory,
    user: &str,
    asked: TokenRequest,
) -> Result<(StatusCode, axum::Json<NewTokenView>), Error> {
    let scopes = asked.scopes.map_or(Scopes::ALL, |scopes| scopes.into_iter().collect());
    let expires_at = asked.expires_at.unwrap_or(Some(inventory.now.plus(DEFAULT_LIFE)));
    let TokenRequest { label, side, account, .. } = asked;
    let new = NewToken { label, scopes, side, account, expires_at };
    let created = tokens::create(inventory, user, new).await?;
    let view =
        NewTokenView { key: created.key_id.to_string(), token: created.text.expose().to_owned() };
    Ok((StatusCode::CREATED, axum::Json(view)))
}
