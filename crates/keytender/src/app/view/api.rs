//! Our own APIs, their customers and apps, in JSON.

use std::collections::BTreeMap;

use keytender_core::time::{Span, Time};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::PortalView;
use crate::store::accounts::Account;
use crate::store::apis::{Api, OnLeak, OwnApps};
use crate::store::apps::{App, Quota, Rate};

/// An API of ours, whose keys we issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiView {
    /// The id.
    #[schema(example = "api_0dj2c8xk3v9q4")]
    pub id: String,
    /// The name: the provider of its keys in every list of keys.
    #[schema(example = "acme")]
    pub name: String,
    /// What people call it.
    pub title: Option<String>,
    /// What each of its keys begins with.
    #[schema(example = "acme")]
    pub brand: String,
    /// How long a key works of which nobody says how long; null: for ever.
    pub key_life: Option<Span>,
    /// How long both keys of a rotation work of which nobody says how long.
    pub overlap: Span,
    /// How the key page of its customers looks, and where it may be.
    #[serde(default)]
    pub portal: PortalView,
    /// What is done about a key that was found where a secret must not be.
    #[serde(default)]
    pub on_leak: OnLeak,
    /// By which name secret scanners know its keys; null: nobody has said.
    #[serde(default)]
    #[schema(example = "acme_api_key")]
    pub scanning_type: Option<String>,
    /// Which apps its customers may add themselves; null: none.
    #[serde(default)]
    pub own_apps: Option<OwnApps>,
    /// Since when it is known.
    pub created_at: Time,
}

impl ApiView {
    /// The view of an API.
    pub fn of(api: &Api) -> Self {
        Self {
            id: api.id.to_string(),
            name: api.name.clone(),
            title: api.settings.title.clone(),
            brand: api.brand.clone(),
            key_life: api.settings.key_life,
            overlap: api.settings.overlap.unwrap_or(crate::app::issued::DEFAULT_OVERLAP),
            portal: PortalView::of(&api.settings.portal),
            on_leak: api.settings.on_leak.unwrap_or_default(),
            scanning_type: api.settings.scanning_type.clone(),
            own_apps: api.settings.own_apps.clone(),
            created_at: api.created_at,
        }
    }
}

/// A page of APIs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ApiList {
    /// The APIs, by name.
    pub apis: Vec<ApiView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A customer of an API: an account whose keys we issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CustomerView {
    /// The id of the account.
    #[schema(example = "acc_0dj2c8xk3v9q4")]
    pub id: String,
    /// Of which API.
    #[schema(example = "acme")]
    pub api: String,
    /// What the account is called in every list: the API's name, a slash and the customer's.
    #[schema(example = "acme/globex")]
    pub name: String,
    /// The API's own id of it.
    pub external_id: Option<String>,
    /// Its mail address.
    pub contact: Option<String>,
    /// Since when none of its keys works.
    pub suspended_at: Option<Time>,
    /// Since when it is known.
    pub created_at: Time,
}

impl CustomerView {
    /// The view of a customer of the API of this name.
    pub fn of(account: &Account, api: &str) -> Self {
        Self {
            id: account.id.to_string(),
            api: api.to_owned(),
            name: account.name.clone(),
            external_id: account.external_id.clone(),
            contact: account.contact.clone(),
            suspended_at: account.suspended_at,
            created_at: account.created_at,
        }
    }
}

/// A page of customers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CustomerList {
    /// The customers, by name.
    pub accounts: Vec<CustomerView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// What a customer builds, or a person or service of theirs: who its keys act for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppView {
    /// The id.
    #[schema(example = "app_0dj2c8xk3v9q4")]
    pub id: String,
    /// What it is called: the principal of its keys.
    #[schema(example = "web-shop")]
    pub name: String,
    /// The id of the customer's account.
    pub account: String,
    /// What that account is called.
    #[schema(example = "acme/globex")]
    pub account_name: String,
    /// What its keys may do at most; empty: whatever each key says.
    pub scopes: Vec<String>,
    /// How fast its keys may ask together.
    pub rate: Option<Rate>,
    /// How much its keys may ask together in a day or a month.
    pub quota: Option<Quota>,
    /// What is said of it, by name: the tags of its keys.
    pub labels: BTreeMap<String, String>,
    /// Since when none of its keys works.
    pub suspended_at: Option<Time>,
    /// Since when it is known.
    pub created_at: Time,
}

impl AppView {
    /// The view of an app of the account of this name.
    pub fn of(app: &App, account: &str) -> Self {
        Self {
            id: app.id.to_string(),
            name: app.name.clone(),
            account: app.account_id.to_string(),
            account_name: account.to_owned(),
            scopes: app.scopes.clone(),
            rate: app.limits.rate,
            quota: app.limits.quota,
            labels: app.labels.clone(),
            suspended_at: app.suspended_at,
            created_at: app.created_at,
        }
    }
}

/// A page of apps.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AppList {
    /// The apps.
    pub apps: Vec<AppView>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
