//! Tokens of the API, in JSON.

use keytender_core::access::{Scope, Side};
use keytender_core::key::{LastUse, State};
use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::keys::HeldKey;
use crate::store::tokens::Token;
use crate::store::users::User;

/// With what a program uses the API. It is a key of the inventory too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// The id of the key; `/v1/keys` tells more of it.
    #[schema(example = "key_0dj2c8xk3v9q4")]
    pub key: String,
    /// What stands in the token in clear.
    #[schema(example = "7Hk2mQ9xTz4B")]
    pub id: String,
    /// What it is for.
    pub label: Option<String>,
    /// Whose it is.
    pub user: String,
    /// What it may do, of what its user may.
    pub scopes: Vec<Scope>,
    /// To keys of which side it is limited.
    pub side: Option<Side>,
    /// To which customer's account it is limited, if it is that customer's own.
    #[serde(default)]
    #[schema(example = "acme/globex")]
    pub account: Option<String>,
    /// Whether it works.
    pub state: State,
    /// When it was made.
    pub created_at: Option<Time>,
    /// When it ends.
    pub expires_at: Option<Time>,
    /// When it was last used, to a minute; absent if never.
    pub last_used_at: Option<Time>,
}

impl TokenView {
    /// The view of a token, its user and its key; `account` is what that is called to which it is limited.
    pub fn of(token: &Token, user: &User, held: &HeldKey, account: Option<String>) -> Self {
        let key = &held.record.key;
        Self {
            key: held.record.id.to_string(),
            id: token.token_id.clone(),
            label: key.label.as_deref().map(str::to_owned),
            user: user.name.clone(),
            scopes: token.scopes.iter().collect(),
            side: token.side,
            account,
            state: key.state,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: match &key.last_used {
                LastUse::Used(used) => Some(used.at),
                LastUse::Never { .. } | LastUse::Unknown { .. } => None,
            },
        }
    }
}

/// A page of tokens.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// The tokens.
    pub tokens: Vec<TokenView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A new token. Its text is shown this once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewTokenView {
    /// The id of its key.
    pub key: String,
    /// What a program shows, in `Authorization: Bearer …`.
    #[schema(example = "keytender_live_…")]
    pub token: String,
}
