//! Apps of our APIs' customers.

use reqwest::Method;
use serde_json::{Map, json};

use super::Desk;
use super::apis::put;
use crate::app::apps::{self, AppChange, NewApp};
use crate::app::view::{AppList, AppView};
use crate::client::part;
use crate::error::Error;

/// How many apps are read at once beside the inventory.
const PAGE: u32 = 1_000;

fn place(app: &str) -> String {
    format!("/v1/apps/{}", part(app))
}

impl Desk<'_> {
    /// Every app of an API, or of one customer of it, in the order of their ids.
    pub(in crate::cli) async fn list_apps(
        &self,
        api: &str,
        account: Option<&str>,
    ) -> Result<Vec<AppView>, Error> {
        let inventory = match self {
            Self::Here(inventory) => inventory,
            Self::There(server) => {
                let query: Vec<_> = account.map(|word| ("account", word)).into_iter().collect();
                let things = |page: AppList| (page.apps, page.next);
                return server.all(&format!("/v1/apis/{}/apps", part(api)), &query, things).await;
            }
        };
        let mut all: Vec<AppView> = Vec::new();
        loop {
            let after = all.last().and_then(|last| last.id.parse().ok());
            let mut more = apps::list(inventory, api, account, after, PAGE).await?;
            if more.is_empty() {
                return Ok(all);
            }
            all.append(&mut more);
        }
    }

    /// One app, by its id.
    pub(in crate::cli) async fn get_app(&self, word: &str) -> Result<AppView, Error> {
        match self {
            Self::Here(inventory) => apps::view(inventory, word).await,
            Self::There(server) => server.get(&place(word), &()).await,
        }
    }

    /// Adds an app to a customer.
    pub(in crate::cli) async fn add_app(
        &self,
        account: &str,
        new: NewApp,
    ) -> Result<AppView, Error> {
        match self {
            Self::Here(inventory) => apps::add(inventory, account, new).await,
            Self::There(server) => {
                let body = json!({"name": new.name, "scopes": new.scopes, "rate": new.limits.rate,
                                  "quota": new.limits.quota, "labels": new.labels});
                let place = format!("/v1/accounts/{}/apps", part(account));
                server.ask(Method::POST, &place, &body).await
            }
        }
    }

    /// Ends an app and its keys.
    pub(in crate::cli) async fn remove_app(
        &self,
        word: &str,
        because: Option<&str>,
    ) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => apps::remove(inventory, word, because, |_| Ok(())).await,
            Self::There(server) => {
                let query: Vec<_> = because.map(|why| ("because", why)).into_iter().collect();
                server.tell(Method::DELETE, &place(word), &query).await
            }
        }
    }

    /// Changes an app.
    pub(in crate::cli) async fn set_app(
        &self,
        word: &str,
        change: AppChange,
    ) -> Result<AppView, Error> {
        match self {
            Self::Here(inventory) => apps::set(inventory, word, change, |_| Ok(())).await,
            Self::There(server) => {
                let mut body = Map::new();
                put(&mut body, "scopes", change.scopes.map(|scopes| json!(scopes)));
                put(&mut body, "rate", change.rate.map(|rate| json!(rate)));
                put(&mut body, "quota", change.quota.map(|quota| json!(quota)));
                put(&mut body, "labels", change.labels.map(|labels| json!(labels)));
                put(&mut body, "suspended", change.is_suspended.map(|is| json!(is)));
                put(&mut body, "because", change.why.map(|why| json!(why)));
                server.ask(Method::PATCH, &place(word), &body).await
            }
        }
    }
}
