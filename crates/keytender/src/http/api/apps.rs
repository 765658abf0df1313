//! `/v1/apps`: who the keys of our APIs act for, and the keys that are made for them.

use std::collections::BTreeMap;

use axum::http::{HeaderName, StatusCode, header};
use keytender_core::id::AppId;
use keytender_core::time::Time;
use keytender_core::token::Environment;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::acts::Why;
use super::owners::{Made, made};
use crate::app::apps::{self, AppChange, NewApp};
use crate::app::inventory::Inventory;
use crate::app::issued::{self, NewIssued};
use crate::app::view::{AppList, AppView, NewKeyView};
use crate::http::etag::{IfMatch, Tagged};
use crate::http::extract::{Body, Path, Query};
use crate::http::page;
use crate::http::problem::Refusal;
use crate::store::apps::{Limits, Quota, Rate};

/// An app to add.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewAppBody {
    /// What it is called, a line of text.
    #[schema(min_length = 1, max_length = 200, example = "web-shop")]
    name: String,
    /// What its keys may do at most, in your own words; whatever each key says if it is absent.
    #[serde(default)]
    #[schema(max_items = 64, example = json!(["orders:read"]))]
    scopes: Vec<String>,
    /// How fast its keys may ask together.
    rate: Option<Rate>,
    /// How much its keys may ask together in a day or a month, which begin at midnight UTC.
    quota: Option<Quota>,
    /// What is said of it, by name: the tags of its keys.
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// What is to change of an app; what is absent stays, what is null is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct AppChangeBody {
    /// What its keys may do at most.
    #[schema(max_items = 64)]
    scopes: Option<Vec<String>>,
    /// How fast its keys may ask together.
    #[serde(default, with = "crate::app::view::presence")]
    #[schema(value_type = Option<Rate>)]
    rate: Option<Option<Rate>>,
    /// How much its keys may ask together in a day or a month.
    #[serde(default, with = "crate::app::view::presence")]
    #[schema(value_type = Option<Quota>)]
    quota: Option<Option<Quota>>,
    /// What is said of it, by name; all of it, in place of what was said.
    labels: Option<BTreeMap<String, String>>,
    /// Whether none of its keys works.
    suspended: Option<bool>,
    /// Why, for the log.
    #[schema(max_length = 500)]
    because: Option<String>,
}

/// A key to make.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewIssuedBody {
    /// What it is for, a line of text.
    #[schema(min_length = 1, max_length = 200, example = "checkout")]
    label: String,
    /// `live`, or `test` for trying; `live` if nothing is said.
    #[serde(default)]
    environment: Option<KeyEnvironment>,
    /// What it may do, of what its app may; all of it if nothing is said.
    #[serde(default)]
    #[schema(max_items = 64, example = json!(["orders:read"]))]
    scopes: Vec<String>,
    /// From where it may be used, in CIDR notation; from everywhere if nothing is said.
    #[serde(default)]
    #[schema(max_items = 64, example = json!(["203.0.113.0/24"]))]
    networks: Vec<String>,
    /// When it ends; as its API says if nothing is said, never if it is null.
    #[serde(default, with = "crate::app::view::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Time>)]
    expires_at: Option<Option<Time>>,
}

/// For real, or for trying.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::http) enum KeyEnvironment {
    /// For real.
    Live,
    /// For trying.
    Test,
}

/// List an API's apps
#[utoipa::path(get, path = "/v1/apis/{api}/apps", tag = "apis",
    params(("api" = String, Path, description = "The id or the name"), WhichApps),
    responses((status = 200, body = AppList, description = "A page of apps")),
    security(("token" = ["apps:read"]), ("customer_token" = ["apps:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Path(api): Path<String>,
    Query(which): Query<WhichApps>,
) -> Result<Tagged<AppList>, Refusal> {
    let limit = page::limit(which.limit)?;
    let after: Option<String> = which.after.as_deref().map(page::place).transpose()?;
    let after = match after {
        Some(id) => Some(id.parse::<AppId>().map_err(|_| page::bad_cursor())?),
        None => None,
    };
    let account = which.account.as_deref();
    let read = async |limit| apps::list(&inventory, &api, account, after, limit).await;
    let (apps, next) = page::keyset(limit, |one: &AppView| one.id.clone(), read).await?;
    Ok(Tagged(AppList { apps, next }))
}

/// Which apps, and which page of them.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WhichApps {
    /// Only this customer's, by id or name.
    account: Option<String>,
    /// How many things the page has at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The cursor from which the page goes on: `next` of the page before.
    after: Option<String>,
}

/// Add an app to a customer
///
/// A customer's own token adds one to its account, where its API lets it: with the scopes and limits that the API gives
/// such apps, so that `rate`, `quota` and `labels` are not for it.
#[utoipa::path(post, path = "/v1/accounts/{account}/apps", tag = "apis", request_body = NewAppBody,
    params(("account" = String, Path, description = "The id or the name")),
    responses((status = 201, body = AppView, description = "The app",
               headers(("Location" = String, description = "Where it is")))),
    security(("token" = ["apps:write"]), ("customer_token" = ["apps:write"])))]
pub(in crate::http) async fn add(
    inventory: Inventory,
    Path(account): Path<String>,
    Body(new): Body<NewAppBody>,
) -> Result<Made<AppView>, Refusal> {
    let limits = Limits { rate: new.rate, quota: new.quota };
    let new = NewApp { name: new.name, scopes: new.scopes, limits, labels: new.labels };
    let app = apps::add(&inventory, &account, new).await?;
    Ok(made(format!("/v1/apps/{}", app.id), app))
}

/// Read an app
#[utoipa::path(get, path = "/v1/apps/{app}", tag = "apis",
    params(("app" = String, Path, description = "The id")),
    responses((status = 200, body = AppView, description = "The app")),
    security(("token" = ["apps:read"]), ("customer_token" = ["apps:read"])))]
pub(in crate::http) async fn get(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Tagged<AppView>, Refusal> {
    Ok(Tagged(apps::view(&inventory, &word).await?))
}

/// Change an app
///
/// What its keys may do and how much of it; or stop them all, and let them work again. A customer's own token stops its
/// apps, and lets work again what it stopped itself.
#[utoipa::path(patch, path = "/v1/apps/{app}", tag = "apis", request_body = AppChangeBody,
    params(("app" = String, Path, description = "The id"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 200, body = AppView, description = "The app as it is now")),
    security(("token" = ["apps:write"]), ("customer_token" = ["apps:write"])))]
pub(in crate::http) async fn set(
    inventory: Inventory,
    Path(word): Path<String>,
    version: IfMatch,
    Body(change): Body<AppChangeBody>,
) -> Result<Tagged<AppView>, Refusal> {
    let change = AppChange {
        scopes: change.scopes,
        rate: change.rate,
        quota: change.quota,
        labels: change.labels,
        is_suspended: change.suspended,
        why: change.because,
    };
    Ok(Tagged(apps::set(&inventory, &word, change, |now| version.check(now)).await?))
}

/// End an app
///
/// For good, and each of its keys with it. An app of this name cannot be added again.
#[utoipa::path(delete, path = "/v1/apps/{app}", tag = "apis",
    params(("app" = String, Path, description = "The id"), Why,
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 204, description = "It has ended")),
    security(("token" = ["apps:write"]), ("customer_token" = ["apps:write"])))]
pub(in crate::http) async fn remove(
    inventory: Inventory,
    Path(word): Path<String>,
    Query(why): Query<Why>,
    version: IfMatch,
) -> Result<StatusCode, Refusal> {
    let because = why.because.as_deref();
    apps::remove(&inventory, &word, because, |now| version.check(now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a key for an app
///
/// Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/apps/{app}/keys", tag = "apis", request_body = NewIssuedBody,
    params(("app" = String, Path, description = "The id")),
    responses((status = 201, body = NewKeyView, description = "The key",
               headers(("Location" = String, description = "Where it is")))),
    security(("token" = ["keys:issue"]), ("customer_token" = ["keys:issue"])))]
pub(in crate::http) async fn create_key(
    inventory: Inventory,
    Path(app): Path<String>,
    Body(asked): Body<NewIssuedBody>,
) -> Result<NewKey, Refusal> {
    let environment = match asked.environment {
        None | Some(KeyEnvironment::Live) => Environment::Live,
        Some(KeyEnvironment::Test) => Environment::Test,
    };
    let new = NewIssued {
        label: asked.label,
        environment,
        scopes: asked.scopes,
        networks: asked.networks,
        expires_at: asked.expires_at,
    };
    Ok(new_key(&issued::create(&inventory, &app, new).await?))
}

/// A new key, and where it is.
pub(in crate::http) type NewKey = (StatusCode, [(HeaderName, String); 1], axum::Json<NewKeyView>);

/// The answer that shows a new key, once.
pub(super) fn new_key(created: &issued::Created) -> NewKey {
    let key = created.key_id.to_string();
    let place = format!("/v1/keys/{key}");
    let secret = created.text.expose().to_owned();
    (StatusCode::CREATED, [(header::LOCATION, place)], axum::Json(NewKeyView { key, secret }))
}
