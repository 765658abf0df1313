//! `/v1/apis`: our own APIs and their customers, whose keys we issue.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use keytender_core::time::Span;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::acts::{Reason, Why};
use super::owners::{Made, Paging, made};
use crate::app::apis::{self, ApiChange, NewApi};
use crate::app::customers::{self, NewCustomer};
use crate::app::inventory::Inventory;
use crate::app::leaks::rules;
use crate::app::portal;
use crate::app::view::{
    ApiList, ApiView, CustomerList, CustomerView, PortalChange, PortalLinkRequest, PortalLinkView,
};
use crate::http::etag::{IfMatch, Tagged};
use crate::http::extract::{Body, Path, Query};
use crate::http::page;
use crate::http::problem::Refusal;
use crate::store::apis::{ApiSettings, OnLeak, OwnApps};

/// An API to add.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewApiBody {
    /// The name: small letters, digits and -
    #[schema(
        min_length = 2,
        max_length = 40,
        pattern = "^[a-z][a-z0-9-]{1,39}$",
        example = "acme"
    )]
    name: String,
    /// What its keys begin with; the letters of the name if it is absent.
    #[schema(min_length = 2, max_length = 10, pattern = "^[a-z0-9]{2,10}$", example = "acme")]
    brand: Option<String>,
    /// What people call it.
    #[schema(max_length = 500)]
    title: Option<String>,
    /// How long a key works of which nobody says how long; for ever if it is absent.
    key_life: Option<Span>,
    /// How long both keys of a rotation work of which nobody says how long.
    overlap: Option<Span>,
    /// How the key page of its customers looks, and where it may be.
    portal: Option<PortalChange>,
    /// What is done about a key that was found where a secret must not be; it is suspended if nothing is said.
    on_leak: Option<OnLeak>,
    /// By which name secret scanners know its keys, such as GitHub's, which asks its partners for one.
    #[schema(max_length = 100, pattern = "^[a-z0-9_]{1,100}$", example = "acme_api_key")]
    scanning_type: Option<String>,
    /// Which apps its customers may add themselves; none if nothing is said.
    own_apps: Option<OwnApps>,
}

/// What is to change of an API; what is absent stays, what is null is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ApiChangeBody {
    /// What people call it.
    #[serde(default, with = "crate::app::view::presence")]
    #[schema(value_type = Option<String>, max_length = 500)]
    title: Option<Option<String>>,
    /// How long a key works of which nobody says how long.
    #[serde(default, with = "crate::app::view::presence")]
    #[schema(value_type = Option<Span>)]
    key_life: Option<Option<Span>>,
    /// How long both keys of a rotation work of which nobody says how long.
    #[serde(default, with = "crate::app::view::presence")]
    #[schema(value_type = Option<Span>)]
    overlap: Option<Option<Span>>,
    /// How the key page of its customers looks, and where it may be.
    portal: Option<PortalChange>,
    /// What is done about a key that was found where a secret must not be.
    #[serde(default, with = "crate::app::view::presence")]
    #[schema(value_type = Option<OnLeak>)]
    on_leak: Option<Option<OnLeak>>,
    /// By which name secret scanners know its keys, such as GitHub's, which asks its partners for one.
    #[serde(default, with = "crate::app::view::presence")]
    #[schema(value_type = Option<String>, max_length = 100, pattern = "^[a-z0-9_]{1,100}$")]
    scanning_type: Option<Option<String>>,
    /// Which apps its customers may add themselves: all of it, in place of what was said.
    #[serde(default, with = "crate::app::view::presence")]
    #[schema(value_type = Option<OwnApps>)]
    own_apps: Option<Option<OwnApps>>,
}

/// A customer to add.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewCustomerBody {
    /// What it is called: letters, digits, and - _ . @
    #[schema(min_length = 1, max_length = 100, example = "globex")]
    name: String,
    /// Your own id of it.
    #[schema(max_length = 500)]
    external_id: Option<String>,
    /// Its mail address.
    #[schema(max_length = 254, example = "dev@globex.example")]
    contact: Option<String>,
}

/// List your APIs
#[utoipa::path(get, path = "/v1/apis", tag = "apis", params(Paging),
    responses((status = 200, body = ApiList, description = "A page of APIs, by name")),
    security(("token" = ["apis:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(paging): Query<Paging>,
) -> Result<Tagged<ApiList>, Refusal> {
    let all = apis::list(&inventory).await?;
    let (apis, next) =
        page::slice(all, paging.limit, paging.after.as_deref(), |one| one.name.clone())?;
    Ok(Tagged(ApiList { apis, next }))
}

/// Add an API of yours
///
/// Its customers, their apps and keys come next.
#[utoipa::path(post, path = "/v1/apis", tag = "apis", request_body = NewApiBody,
    responses((status = 201, body = ApiView, description = "The API",
               headers(("Location" = String, description = "Where it is")))),
    security(("token" = ["apis:write"])))]
pub(in crate::http) async fn add(
    inventory: Inventory,
    Body(new): Body<NewApiBody>,
) -> Result<Made<ApiView>, Refusal> {
    let change = ApiChange {
        title: Some(new.title),
        key_life: Some(new.key_life),
        overlap: Some(new.overlap),
        on_leak: Some(new.on_leak),
        portal: new.portal.unwrap_or_default(),
        scanning_type: Some(new.scanning_type),
        own_apps: Some(new.own_apps),
    };
    let settings = change.apply(ApiSettings::default())?;
    let new = NewApi { name: new.name, brand: new.brand, settings };
    let api = apis::add(&inventory, new).await?;
    Ok(made(format!("/v1/apis/{}", api.id), ApiView::of(&api)))
}

/// Read an API
#[utoipa::path(get, path = "/v1/apis/{api}", tag = "apis",
    params(("api" = String, Path, description = "The id or the name")),
    responses((status = 200, body = ApiView, description = "The API")),
    security(("token" = ["apis:read"])))]
pub(in crate::http) async fn get(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Tagged<ApiView>, Refusal> {
    Ok(Tagged(ApiView::of(&apis::get(&inventory, &word).await?)))
}

/// Change an API
///
/// How its keys are issued from now on; those that are there stay as they are.
#[utoipa::path(patch, path = "/v1/apis/{api}", tag = "apis", request_body = ApiChangeBody,
    params(("api" = String, Path, description = "The id or the name"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 200, body = ApiView, description = "The API as it is now")),
    security(("token" = ["apis:write"])))]
pub(in crate::http) async fn set(
    inventory: Inventory,
    Path(word): Path<String>,
    version: IfMatch,
    Body(change): Body<ApiChangeBody>,
) -> Result<Tagged<ApiView>, Refusal> {
    let change = ApiChange {
        title: change.title,
        key_life: change.key_life,
        overlap: change.overlap,
        on_leak: change.on_leak,
        portal: change.portal.unwrap_or_default(),
        scanning_type: change.scanning_type,
        own_apps: change.own_apps,
    };
    let set = apis::set(&inventory, &word, |now, settings| {
        version.check(now)?;
        change.apply(settings)
    });
    Ok(Tagged(set.await?))
}

/// For which scanner.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WhichRules {
    /// The recipe if nothing is said.
    #[param(inline)]
    format: Option<rules::Format>,
}

/// Get rules for secret scanners
///
/// By which they find keys of an API: the pattern and the checksum, or a rule in a scanner's own format.
#[utoipa::path(get, path = "/v1/apis/{api}/leak-rules", tag = "apis",
    params(("api" = String, Path, description = "The id or the name"), WhichRules),
    responses((status = 200, description = "The rules", content(
        (serde_json::Value = "application/json"), (String = "application/toml"),
        (String = "application/yaml"), (String = "text/x-python")))),
    security(("token" = ["apis:read"])))]
pub(in crate::http) async fn leak_rules(
    inventory: Inventory,
    Path(word): Path<String>,
    Query(which): Query<WhichRules>,
) -> Result<Response, Refusal> {
    let format = which.format.unwrap_or_default();
    let api = ApiView::of(&apis::get(&inventory, &word).await?);
    let text = rules::write(&api, format)?;
    Ok(([(header::CONTENT_TYPE, format.media_type())], text).into_response())
}

/// Remove an API
///
/// One that has no customers.
#[utoipa::path(delete, path = "/v1/apis/{api}", tag = "apis",
    params(("api" = String, Path, description = "The id or the name"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 204, description = "It is gone")),
    security(("token" = ["apis:write"])))]
pub(in crate::http) async fn remove(
    inventory: Inventory,
    Path(word): Path<String>,
    version: IfMatch,
) -> Result<StatusCode, Refusal> {
    apis::remove(&inventory, &word, |now| version.check(now)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List an API's customers
///
/// A customer's own token sees that customer alone.
#[utoipa::path(get, path = "/v1/apis/{api}/accounts", tag = "apis",
    params(("api" = String, Path, description = "The id or the name"), Paging),
    responses((status = 200, body = CustomerList, description = "A page of customers, by name")),
    security(("token" = ["accounts:read"]), ("customer_token" = ["accounts:read"])))]
pub(in crate::http) async fn customers(
    inventory: Inventory,
    Path(api): Path<String>,
    Query(paging): Query<Paging>,
) -> Result<Tagged<CustomerList>, Refusal> {
    let limit = page::limit(paging.limit)?;
    let after: Option<String> = paging.after.as_deref().map(page::place).transpose()?;
    let read = async |limit| customers::list(&inventory, &api, after.as_deref(), limit).await;
    let (accounts, next) = page::keyset(limit, |one: &CustomerView| one.name.clone(), read).await?;
    Ok(Tagged(CustomerList { accounts, next }))
}

/// Add a customer to an API
///
/// It is an account of the inventory. Its apps and keys come next.
#[utoipa::path(post, path = "/v1/apis/{api}/accounts", tag = "apis", request_body = NewCustomerBody,
    params(("api" = String, Path, description = "The id or the name")),
    responses((status = 201, body = CustomerView, description = "The customer",
               headers(("Location" = String, description = "Where it is")))),
    security(("token" = ["accounts:write"])))]
pub(in crate::http) async fn add_customer(
    inventory: Inventory,
    Path(api): Path<String>,
    Body(new): Body<NewCustomerBody>,
) -> Result<Made<CustomerView>, Refusal> {
    let new = NewCustomer { name: new.name, external_id: new.external_id, contact: new.contact };
    let customer = customers::add(&inventory, &api, new).await?;
    Ok(made(format!("/v1/accounts/{}", customer.id), customer))
}

/// Suspend a customer
///
/// None of its keys works until it is resumed.
#[utoipa::path(put, path = "/v1/accounts/{account}/suspension", tag = "apis", request_body = Reason,
    params(("account" = String, Path, description = "The id or the name")),
    responses((status = 200, body = CustomerView, description = "The customer as it is now")),
    security(("token" = ["accounts:write"])))]
pub(in crate::http) async fn suspend(
    inventory: Inventory,
    Path(word): Path<String>,
    Body(reason): Body<Reason>,
) -> Result<Tagged<CustomerView>, Refusal> {
    let because = reason.because.as_deref();
    Ok(Tagged(customers::suspend(&inventory, &word, true, because).await?))
}

/// Resume a customer
///
/// Its keys work again, but for those that are suspended or ended themselves.
#[utoipa::path(delete, path = "/v1/accounts/{account}/suspension", tag = "apis",
    params(("account" = String, Path, description = "The id or the name"), Why),
    responses((status = 200, body = CustomerView, description = "The customer as it is now")),
    security(("token" = ["accounts:write"])))]
pub(in crate::http) async fn resume(
    inventory: Inventory,
    Path(word): Path<String>,
    Query(why): Query<Why>,
) -> Result<Tagged<CustomerView>, Refusal> {
    Ok(Tagged(customers::suspend(&inventory, &word, false, why.because.as_deref()).await?))
}

/// Make a link to the key page of a customer
///
/// It opens the page once, within five minutes, for whoever the browser is that follows it: send the browser of your
/// customer's user there, and nobody else. The page stays open for an hour at most. `return_url` must be at a host that
/// the API lists.
#[utoipa::path(post, path = "/v1/accounts/{account}/portal-links", tag = "apis",
    request_body = PortalLinkRequest,
    params(("account" = String, Path, description = "The id or the name of the customer's account")),
    responses((status = 201, body = PortalLinkView, description = "The link")),
    security(("token" = ["accounts:admit"])))]
pub(in crate::http) async fn link_portal(
    inventory: Inventory,
    Path(word): Path<String>,
    Body(asked): Body<PortalLinkRequest>,
) -> Result<(StatusCode, axum::Json<PortalLinkView>), Refusal> {
    Ok((StatusCode::CREATED, axum::Json(portal::link(&inventory, &word, asked).await?)))
}
