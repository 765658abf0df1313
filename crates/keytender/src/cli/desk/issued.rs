//! Keys of our own APIs: made, rotated, ended.

use keytender_core::secret::Secret;
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Desk;
use super::apis::put;
use crate::app::issued::{self, Created, NewIssued, NewRotation};
use crate::app::view::{NewKeyView, RotationView};
use crate::client::part;
use crate::error::Error;

fn place(key: &str) -> String {
    format!("/v1/keys/{}", part(key))
}

fn rotations(key: &str) -> String {
    format!("{}/rotations", place(key))
}

/// A new key's id and its text.
type Made = (String, Secret);

fn here(created: Created) -> Made {
    (created.key_id.to_string(), created.text)
}

fn there(made: NewKeyView) -> Made {
    (made.key, Secret::new(made.secret))
}

impl Desk<'_> {
    /// Makes a key for an app; its id and its text.
    pub(in crate::cli) async fn create_key(
        &self,
        app: &str,
        new: NewIssued,
    ) -> Result<Made, Error> {
        match self {
            Self::Here(inventory) => issued::create(inventory, app, new).await.map(here),
            Self::There(server) => {
                let mut body = Map::new();
                put(&mut body, "label", Some(json!(new.label)));
                put(&mut body, "environment", Some(json!(new.environment.as_str())));
                put(&mut body, "scopes", Some(json!(new.scopes)));
                put(&mut body, "networks", Some(json!(new.networks)));
                put(&mut body, "expires_at", new.expires_at.map(|end| json!(end)));
                let place = format!("/v1/apps/{}/keys", part(app));
                server.ask(Method::POST, &place, &body).await.map(there)
            }
        }
    }

    /// Ends a key for good.
    pub(in crate::cli) async fn revoke_key(
        &self,
        key: &str,
        is_compromised: bool,
        why: Option<&str>,
    ) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => {
                issued::revoke(inventory, key, is_compromised, why).await.map(drop)
            }
            Self::There(server) => {
                let body = json!({"compromised": is_compromised, "because": why});
                let place = format!("{}/revocation", place(key));
                server.ask::<Value>(Method::POST, &place, &body).await.map(drop)
            }
        }
    }

    /// Makes a key's successor; its id and its text.
    pub(in crate::cli) async fn rotate_key(
        &self,
        key: &str,
        new: NewRotation,
    ) -> Result<Made, Error> {
        match self {
            Self::Here(inventory) => issued::rotate(inventory, key, new).await.map(here),
            Self::There(server) => {
                let mut body = Map::new();
                put(&mut body, "overlap", new.overlap.map(|overlap| json!(overlap)));
                put(&mut body, "activation", Some(json!(new.activation)));
                put(&mut body, "expires_at", new.expires_at.map(|end| json!(end)));
                put(&mut body, "because", new.why.map(|why| json!(why)));
                server.ask(Method::POST, &rotations(key), &body).await.map(there)
            }
        }
    }

    /// How the rotation of a key stands.
    pub(in crate::cli) async fn rotation(&self, key: &str) -> Result<RotationView, Error> {
        match self {
            Self::Here(inventory) => issued::rotation_view(inventory, key).await,
            Self::There(server) => server.get(&rotations(key), &()).await,
        }
    }

    /// Takes the rotation of a key back.
    pub(in crate::cli) async fn cancel_rotation(
        &self,
        key: &str,
        why: Option<&str>,
    ) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => issued::cancel(inventory, key, why).await,
            Self::There(server) => {
                server.tell(Method::DELETE, &rotations(key), &[("because", why)]).await
            }
        }
    }

    /// Ends the overlap of a key's rotation now.
    pub(in crate::cli) async fn finish_rotation(
        &self,
        key: &str,
        why: Option<&str>,
    ) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => issued::finish(inventory, key, why).await,
            Self::There(server) => {
                let place = format!("{}/completion", rotations(key));
                server.order(Method::POST, &place, &json!({"because": why})).await
            }
        }
    }
}
