//! `/v1/notices` and what stands around them: who was told what, and whether anybody is.

use axum::Json;
use axum::http::StatusCode;
use keytender_core::id::NoticeId;
use keytender_core::time::Time;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::inventory::Inventory;
use crate::app::notify::{self, Asked, Change, Hours, of_api, of_customer};
use crate::app::turn::Turn;
use crate::app::view::{
    ApiNoticesView, CustomerNoticesView, DeliveredView, NoticeList, NoticeSettingsView, NoticeView,
    PreviewView,
};
use crate::http::etag::{IfMatch, Tagged};
use crate::http::extract::{Body, Path, Query};
use crate::http::page;
use crate::http::problem::{Problem, Refusal};
use crate::store::notices::NoticeState;

/// Which notices, and which page of them.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WhichNotices {
    /// Only those whose delivery stands so.
    #[param(inline)]
    state: Option<NoticeState>,
    /// Only those by this channel: its id or name.
    channel: Option<String>,
    /// Only those in the name of this API of yours: its id or name.
    api: Option<String>,
    /// Only those of keys of this customer of your API: its id or name.
    account: Option<String>,
    /// How many notices the page has at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// The cursor from which the page goes on: `next` of the page before.
    after: Option<String>,
}

/// What is to change of the settings; what is absent stays, what is null is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NoticeSettingsChange {
    /// Whether notices go out. They can only once somebody has seen the preview.
    started: Option<bool>,
    /// The mail address that hears of keys without an owner.
    #[serde(default, with = "crate::app::view::presence")]
    #[schema(value_type = Option<String>, max_length = 254)]
    contact: Option<Option<String>>,
}

/// What is to change of how an API's customers are told; what is absent stays, what is null is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ApiNoticesChange {
    /// Whether notices go out. They can only once somebody has seen the preview.
    started: Option<bool>,
    /// The mail address that mail comes from; the mail server's own if it is null.
    #[serde(default, with = "crate::app::view::presence")]
    #[schema(value_type = Option<String>, max_length = 254, example = "keys@acme.example")]
    from: Option<Option<String>>,
    /// The mail address that answers go to.
    #[serde(default, with = "crate::app::view::presence")]
    #[schema(value_type = Option<String>, max_length = 254, example = "help@acme.example")]
    reply_to: Option<Option<String>>,
    /// The page on which customers see to their keys: a URL with https.
    #[serde(default, with = "crate::app::view::presence")]
    #[schema(value_type = Option<String>, max_length = 2048, example = "https://acme.example/keys")]
    keys_page: Option<Option<String>>,
}

/// How to tell what is to be told.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NoticeRun {
    /// Whether not to wait for working hours, nor for tomorrow after today's digest.
    #[serde(default)]
    now: bool,
}

/// To whom a test goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NoticeTest {
    /// The mail address.
    #[schema(max_length = 254, example = "you@example.com")]
    address: String,
}

/// List notices
///
/// The newest first. A user of the role `owner` sees those to their own address.
#[utoipa::path(get, path = "/v1/notices", tag = "notices", params(WhichNotices),
    responses((status = 200, body = NoticeList, description = "A page of notices"),
              (status = 404, body = Problem, description = "There is no such channel, API or customer",
               content_type = "application/problem+json")),
    security(("token" = ["notices:read"])))]
pub(in crate::http) async fn list(
    inventory: Inventory,
    Query(which): Query<WhichNotices>,
) -> Result<Tagged<NoticeList>, Refusal> {
    let limit = page::limit(which.limit)?;
    let after: Option<(Time, String)> = which.after.as_deref().map(page::place).transpose()?;
    let after = match after {
        Some((at, id)) => Some((at, id.parse::<NoticeId>().map_err(|_| page::bad_cursor())?)),
        None => None,
    };
    let place = |one: &NoticeView| (one.created_at, one.id.clone());
    let asked = Asked {
        state: which.state,
        channel: which.channel.as_deref(),
        api: which.api.as_deref(),
        account: which.account.as_deref(),
    };
    let read = async |limit| notify::list(&inventory, asked, limit, after).await;
    let (notices, next) = page::keyset(limit, place, read).await?;
    Ok(Tagged(NoticeList { notices, next }))
}

/// Read a notice
///
/// With what it says.
#[utoipa::path(get, path = "/v1/notices/{notice}", tag = "notices",
    params(("notice" = String, Path, description = "The id")),
    responses((status = 200, body = NoticeView, description = "The notice")),
    security(("token" = ["notices:read"])))]
pub(in crate::http) async fn get(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Tagged<NoticeView>, Refusal> {
    Ok(Tagged(notify::view(&inventory, id(&word)?).await?))
}

fn id(word: &str) -> Result<NoticeId, Refusal> {
    word.parse().map_err(|_| Problem::not_found("there is no notice of this id").into())
}

/// Send a notice again
///
/// One that was given up, or an event that a webhook took, waits again from its first attempt on; the next run
/// delivers it, with the same id.
#[utoipa::path(post, path = "/v1/notices/{notice}/deliveries", tag = "notices",
    params(("notice" = String, Path, description = "The id")),
    responses((status = 202, body = NoticeView, description = "It waits")),
    security(("token" = ["notices:write"])))]
pub(in crate::http) async fn send_again(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<(StatusCode, Json<NoticeView>), Refusal> {
    Ok((StatusCode::ACCEPTED, Json(notify::send_again(&inventory, id(&word)?).await?)))
}

/// Read whether notices go out
#[utoipa::path(get, path = "/v1/notice-settings", tag = "notices",
    responses((status = 200, body = NoticeSettingsView, description = "The settings")),
    security(("token" = ["notices:read"])))]
pub(in crate::http) async fn settings(
    inventory: Inventory,
) -> Result<Tagged<NoticeSettingsView>, Refusal> {
    Ok(Tagged(notify::settings(&inventory).await?))
}

/// Let notices go out, or no more
///
/// And say who hears of keys without an owner. They can be started once somebody has seen the preview,
/// and there is a channel; the backlog goes as one digest an owner.
#[utoipa::path(patch, path = "/v1/notice-settings", tag = "notices",
    request_body = NoticeSettingsChange,
    params(("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 200, body = NoticeSettingsView, description = "The settings as they are now")),
    security(("token" = ["notices:write"])))]
pub(in crate::http) async fn set(
    inventory: Inventory,
    version: IfMatch,
    Body(change): Body<NoticeSettingsChange>,
) -> Result<Tagged<NoticeSettingsView>, Refusal> {
    let change = Change { started: change.started, contact: change.contact };
    Ok(Tagged(notify::change(&inventory, &change, |now| version.check(now)).await?))
}

/// Read whether an API's customers are told
#[utoipa::path(get, path = "/v1/apis/{api}/notice-settings", tag = "notices",
    params(("api" = String, Path, description = "The id or the name")),
    responses((status = 200, body = ApiNoticesView, description = "The settings")),
    security(("token" = ["apis:read", "notices:read"])))]
pub(in crate::http) async fn api_settings(
    inventory: Inventory,
    Path(api): Path<String>,
) -> Result<Tagged<ApiNoticesView>, Refusal> {
    Ok(Tagged(of_api::settings(&inventory, &api).await?))
}

/// Let an API's customers be told of their keys, or no more
///
/// And say in whose name. They can be started once somebody has seen the preview, and there is a mail server or a
/// webhook.
#[utoipa::path(patch, path = "/v1/apis/{api}/notice-settings", tag = "notices",
    request_body = ApiNoticesChange,
    params(("api" = String, Path, description = "The id or the name"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 200, body = ApiNoticesView, description = "The settings as they are now")),
    security(("token" = ["notices:write"])))]
pub(in crate::http) async fn set_api(
    inventory: Inventory,
    Path(api): Path<String>,
    version: IfMatch,
    Body(change): Body<ApiNoticesChange>,
) -> Result<Tagged<ApiNoticesView>, Refusal> {
    let ApiNoticesChange { started, from, reply_to, keys_page } = change;
    let change = of_api::Change { started, from, reply_to, keys_page };
    Ok(Tagged(of_api::change(&inventory, &api, &change, |now| version.check(now)).await?))
}

/// What is to change of how a customer is told; what is absent stays, what is null is taken away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct CustomerNoticesChange {
    /// The mail address that is written to.
    #[serde(default, with = "crate::app::view::presence")]
    #[schema(value_type = Option<String>, max_length = 254, example = "dev@globex.example")]
    contact: Option<Option<String>>,
}

/// Read when a customer is told of its keys
#[utoipa::path(get, path = "/v1/accounts/{account}/notice-settings", tag = "notices",
    params(("account" = String, Path, description = "The id or the name")),
    responses((status = 200, body = CustomerNoticesView, description = "The settings")),
    security(("token" = ["accounts:read", "notices:read"]), ("customer_token" = ["notices:read"])))]
pub(in crate::http) async fn customer_settings(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Tagged<CustomerNoticesView>, Refusal> {
    Ok(Tagged(of_customer::settings(&inventory, &word).await?))
}

/// Say at which address a customer is told of its keys
#[utoipa::path(patch, path = "/v1/accounts/{account}/notice-settings", tag = "notices",
    request_body = CustomerNoticesChange,
    params(("account" = String, Path, description = "The id or the name"),
           ("If-Match" = Option<String>, Header, description = "The ETag of the version that you mean")),
    responses((status = 200, body = CustomerNoticesView, description = "The settings as they are now")),
    security(("token" = ["notices:write"]), ("customer_token" = ["notices:write"])))]
pub(in crate::http) async fn set_customer(
    inventory: Inventory,
    Path(word): Path<String>,
    version: IfMatch,
    Body(change): Body<CustomerNoticesChange>,
) -> Result<Tagged<CustomerNoticesView>, Refusal> {
    let Some(contact) = change.contact else {
        let now = of_customer::settings(&inventory, &word).await?;
        version.check(&now)?;
        return Ok(Tagged(now));
    };
    let allows = |now: &CustomerNoticesView| version.check(now);
    Ok(Tagged(of_customer::set_contact(&inventory, &word, contact.as_deref(), allows).await?))
}

/// Show what an API's customers would be told
///
/// Nothing is sent; that somebody saw it is remembered, for before that nothing can be started.
#[utoipa::path(post, path = "/v1/apis/{api}/notice-previews", tag = "notices",
    params(("api" = String, Path, description = "The id or the name")),
    responses((status = 200, body = PreviewView, description = "What would go out")),
    security(("token" = ["notices:write"])))]
pub(in crate::http) async fn preview_api(
    inventory: Inventory,
    Path(api): Path<String>,
) -> Result<Json<PreviewView>, Refusal> {
    Ok(Json(of_api::preview(&inventory, &api).await?))
}

/// Show whom notices would tell what
///
/// Nothing is sent; that somebody saw it is remembered, for before that nothing can be started.
#[utoipa::path(post, path = "/v1/notice-previews", tag = "notices",
    responses((status = 200, body = PreviewView, description = "What would go out")),
    security(("token" = ["notices:write"])))]
pub(in crate::http) async fn preview(inventory: Inventory) -> Result<Json<PreviewView>, Refusal> {
    Ok(Json(notify::preview(&inventory).await?))
}

/// Tell what is to be told now
///
/// Puts it into the outbox, and delivers what waits there. Each problem of a key is told once in each
/// stage to each recipient, whoever asks and how often.
#[utoipa::path(post, path = "/v1/notice-runs", tag = "notices", request_body = NoticeRun,
    responses((status = 200, body = DeliveredView, description = "What it came to")),
    security(("token" = ["notices:write"])))]
pub(in crate::http) async fn run(
    inventory: Inventory,
    Body(run): Body<NoticeRun>,
) -> Result<Json<DeliveredView>, Refusal> {
    let hours = if run.now { Hours::Any } else { Hours::Working };
    let delivered = notify::run(&inventory, hours, &Turn::free()).await?;
    Ok(Json(delivered.map(DeliveredView::from).ok_or_else(notify::not_started)?))
}

/// Send a test mail
#[utoipa::path(post, path = "/v1/notice-tests", tag = "notices", request_body = NoticeTest,
    responses((status = 204, description = "The mail server took it"),
              (status = 502, body = Problem, description = "The mail server did not take it",
               content_type = "application/problem+json")),
    security(("token" = ["notices:write"])))]
pub(in crate::http) async fn test(
    inventory: Inventory,
    Body(test): Body<NoticeTest>,
) -> Result<StatusCode, Refusal> {
    notify::test(&inventory, &test.address).await?;
    Ok(StatusCode::NO_CONTENT)
}
