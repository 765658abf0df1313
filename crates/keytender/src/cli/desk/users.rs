//! Users and their tokens.

use keytender_core::access::{Role, Scope};
use keytender_core::secret::Secret;
use reqwest::Method;
use serde_json::{Value, json};

use super::Desk;
use crate::app::links;
use crate::app::tokens::{self, NewToken};
use crate::app::users::{self, UserFacts};
use crate::app::view::{NewLinkView, NewTokenView, TokenList, TokenView, UserList, UserView};
use crate::client::part;
use crate::error::Error;

/// What is to change of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct UserChange {
    pub(in crate::cli) role: Option<Role>,
    pub(in crate::cli) address: Option<Option<String>>,
    pub(in crate::cli) owner: Option<Option<String>>,
    pub(in crate::cli) suspended: Option<bool>,
}

fn place(user: &str) -> String {
    format!("/v1/users/{}", part(user))
}

impl Desk<'_> {
    /// Every user, by name.
    pub(in crate::cli) async fn list_users(&self) -> Result<Vec<UserView>, Error> {
        match self {
            Self::Here(inventory) => users::list(inventory).await,
            Self::There(server) => {
                server.all("/v1/users", &[], |page: UserList| (page.users, page.next)).await
            }
        }
    }

    /// Adds a user.
    pub(in crate::cli) async fn add_user(
        &self,
        name: &str,
        facts: &UserFacts,
    ) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => users::add(inventory, name, facts).await.map(drop),
            Self::There(server) => {
                let new = json!({"name": name, "role": facts.role, "address": facts.address,
                                 "owner": facts.owner});
                server.ask::<Value>(Method::POST, "/v1/users", &new).await.map(drop)
            }
        }
    }

    /// Changes a user.
    pub(in crate::cli) async fn set_user(
        &self,
        name: &str,
        change: UserChange,
    ) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => users::set(inventory, name, |now| {
                Ok(UserFacts {
                    role: change.role.unwrap_or(now.role),
                    address: change.address.unwrap_or_else(|| now.address.clone()),
                    owner: change.owner.unwrap_or_else(|| now.owner.clone()),
                    is_suspended: change.suspended.unwrap_or(now.suspended_at.is_some()),
                })
            })
            .await
            .map(drop),
            Self::There(server) => {
                let mut body = serde_json::Map::new();
                let mut put = |name: &str, value: Option<Value>| {
                    body.extend(value.map(|value| (name.to_owned(), value)));
                };
                put("role", change.role.map(|role| json!(role)));
                put("address", change.address.map(|address| json!(address)));
                put("owner", change.owner.map(|owner| json!(owner)));
                put("suspended", change.suspended.map(|suspended| json!(suspended)));
                server.ask::<Value>(Method::PATCH, &place(name), &body).await.map(drop)
            }
        }
    }

    /// Removes a user; their tokens end.
    pub(in crate::cli) async fn remove_user(&self, name: &str) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => users::remove(inventory, name, |_| Ok(())).await,
            Self::There(server) => server.tell(Method::DELETE, &place(name), &()).await,
        }
    }

    /// Makes a link by which a user signs in, once.
    pub(in crate::cli) async fn link_user(&self, name: &str) -> Result<NewLinkView, Error> {
        match self {
            Self::Here(inventory) => links::make_whole(inventory, name).await,
            Self::There(server) => {
                let place = format!("{}/links", place(name));
                server.ask(Method::POST, &place, &json!({})).await
            }
        }
    }

    /// Every token that is not gone; of one user if a name is given.
    pub(in crate::cli) async fn list_tokens(
        &self,
        user: Option<&str>,
    ) -> Result<Vec<TokenView>, Error> {
        match self {
            Self::Here(inventory) => {
                let mut all = tokens::views(inventory, user).await?;
                all.sort_by(|one, other| one.key.cmp(&other.key));
                Ok(all)
            }
            Self::There(server) => {
                let query: Vec<_> = user.map(|user| ("user", user)).into_iter().collect();
                let things = |page: TokenList| (page.tokens, page.next);
                server.all("/v1/tokens", &query, things).await
            }
        }
    }

    /// Makes a token; its key and its text.
    pub(in crate::cli) async fn create_token(
        &self,
        user: &str,
        new: NewToken,
    ) -> Result<(String, Secret), Error> {
        match self {
            Self::Here(inventory) => {
                let created = tokens::create(inventory, user, new).await?;
                Ok((created.key_id.to_string(), created.text))
            }
            Self::There(server) => {
                let scopes: Vec<&str> = new.scopes.iter().map(Scope::as_str).collect();
                let mut asked = json!({"label": new.label, "scopes": scopes, "side": new.side,
                                       "expires_at": new.expires_at});
                if let (Some(account), Some(asked)) = (new.account, asked.as_object_mut()) {
                    asked.insert("account".to_owned(), account.into());
                }
                let place = format!("{}/tokens", place(user));
                let made: NewTokenView = server.ask(Method::POST, &place, &asked).await?;
                Ok((made.key, Secret::new(made.token)))
            }
        }
    }
}
