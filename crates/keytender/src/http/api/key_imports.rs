//! `/v1/apis/{api}/imports`: keys that others issued, brought into an API of ours.

use axum::Json;
use axum::http::StatusCode;
use keytender_core::imported::{BadRule, Hashing};
use keytender_core::secret::Secret;
use zeroize::Zeroizing;

use super::acts::Reason;
use crate::app::inventory::Inventory;
use crate::app::issued::{self, KeyImport};
use crate::app::peppers;
use crate::app::view::{KeyImportRequest, KeyImportView, PepperView, RecognisersView};
use crate::error::Error;
use crate::http::etag::Tagged;
use crate::http::extract::{Body, Path};
use crate::http::problem::{Problem, Refusal};

/// Import keys that others issued
///
/// They work on as they are. A key itself is not kept, only its HMAC; of a hash that others kept, the same after its first
/// use. Nothing is imported if something is wrong, unless that is to be left out; `dry_run` says all that is. The same
/// content twice adds nothing the second time.
#[utoipa::path(post, path = "/v1/apis/{api}/imports", tag = "apis", request_body = KeyImportRequest,
    params(("api" = String, Path, description = "The id or the name")),
    responses((status = 200, body = KeyImportView, description = "What came in, or would")),
    security(("token" = ["keys:issue"])))]
pub(in crate::http) async fn import(
    inventory: Inventory,
    Path(api): Path<String>,
    Body(asked): Body<KeyImportRequest>,
) -> Result<Json<KeyImportView>, Refusal> {
    let content = Zeroizing::new(asked.content);
    let import = KeyImport {
        account: asked.account,
        app: asked.app,
        hashing: asked.hash.as_deref().map(hashing).transpose()?,
        part: parsed(asked.hashed.as_deref())?.unwrap_or_default(),
        locator: parsed(asked.locator.as_deref())?,
        hmac_secret: asked.hmac_secret.map(Secret::new),
        is_dry: asked.dry_run,
        skips_bad: asked.skip_bad,
    };
    let view = issued::import(&inventory, &api, content.as_bytes(), &import).await?;
    if view.imported || asked.dry_run {
        return Ok(Json(view));
    }
    let first = view.faults.first();
    let first =
        first.map(|one| format!(": line {}, column {}: {}", one.line, one.column, one.what));
    let rows = if view.bad == 1 { "row is" } else { "rows are" };
    let why =
        format!("{} {rows} wrong, so nothing was imported{}", view.bad, first.unwrap_or_default());
    let hint = "`dry_run` tells all of it; `skip_bad` leaves it out";
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, why).hint(hint).into())
}

/// Read how keys are recognised that others issued
///
/// Each rule, and how many keys wait for their first use under it.
#[utoipa::path(get, path = "/v1/apis/{api}/imports", tag = "apis",
    params(("api" = String, Path, description = "The id or the name")),
    responses((status = 200, body = RecognisersView, description = "The rules")),
    security(("token" = ["apis:read"])))]
pub(in crate::http) async fn recognisers(
    inventory: Inventory,
    Path(api): Path<String>,
) -> Result<Tagged<RecognisersView>, Refusal> {
    Ok(Tagged(issued::recognisers(&inventory, &api).await?))
}

/// Make a new pepper
///
/// Under which keys that others issued are kept from their next use on, those of every API. The ones before are still
/// tried.
#[utoipa::path(post, path = "/v1/peppers", tag = "apis", request_body = Reason,
    responses((status = 201, body = PepperView, description = "The new one; it never leaves the servers")),
    security(("token" = ["apis:write"])))]
pub(in crate::http) async fn renew(
    inventory: Inventory,
    Body(asked): Body<Reason>,
) -> Result<(StatusCode, Json<PepperView>), Refusal> {
    let version = peppers::renew(&inventory, asked.because.as_deref()).await?;
    Ok((StatusCode::CREATED, Json(PepperView { version })))
}

fn hashing(word: &str) -> Result<Hashing, Error> {
    Hashing::parse(word).ok_or_else(|| bad(BadRule::Hashing))
}

fn parsed<T: std::str::FromStr<Err = BadRule>>(text: Option<&str>) -> Result<Option<T>, Error> {
    text.map(str::parse).transpose().map_err(bad)
}

fn bad(bad: BadRule) -> Error {
    Error::new(bad.to_string())
}
