//! `/v1/me`: who asks.

use axum::Json;
use axum::extract::Extension;
use keytender_core::access::{Role, Scope, Side};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::auth::Caller;

/// Who shows a token, and what may be done with it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub(in crate::http) struct Me {
    /// The user's name; of a customer's own token, what its account is called.
    user: String,
    /// What the user may do; null for a customer's own token.
    role: Option<Role>,
    /// What may be done with this token: what is both in its scopes and in the role.
    scopes: Vec<Scope>,
    /// To keys of which side the token is limited.
    side: Option<Side>,
    /// The id of the customer's account, of a token that is its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "acc_0dj2c8xk3v9q4")]
    account: Option<String>,
    /// The id of the token's key.
    key: String,
}

/// Say who I am
#[utoipa::path(get, path = "/v1/me", tag = "users",
    responses((status = 200, body = Me, description = "Who shows the token")),
    security(("token" = []), ("customer_token" = [])))]
pub(in crate::http) async fn get(Extension(caller): Extension<Caller>) -> Json<Me> {
    let who = caller.who;
    let key = caller.key_id.map(|id| id.to_string()).unwrap_or_default();
    let scopes = who.grant.effective();
    Json(Me {
        user: who.user,
        role: Some(who.grant.role).filter(|_| !who.sight.is_customer()),
        scopes: scopes.iter().collect(),
        side: who.grant.side,
        account: who.sight.account.map(|id| id.to_string()),
        key,
    })
}
