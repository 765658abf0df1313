//! `/v1/imports`: keys from files.

use axum::Json;
use zeroize::Zeroizing;

use crate::app::import::{self, Import};
use crate::app::inventory::Inventory;
use crate::app::view::{ImportRequest, ImportView};
use crate::http::extract::Body;
use crate::http::problem::Refusal;

/// What a file is called of which nothing is said.
const UNNAMED: &str = "the content";

/// Import keys
///
/// From an AWS credential report, a CSV list (`provider,name,created[,expires,last_used,owner]`), or a
/// FIDO CXF export of a password manager. The same content twice adds nothing the second time. Secrets
/// in it are not read, unless they are to be kept.
#[utoipa::path(post, path = "/v1/imports", tag = "keys", request_body = ImportRequest,
    responses((status = 200, body = ImportView, description = "What came in")),
    security(("token" = ["keys:write"])))]
pub(in crate::http) async fn import(
    inventory: Inventory,
    Body(asked): Body<ImportRequest>,
) -> Result<Json<ImportView>, Refusal> {
    let content = Zeroizing::new(asked.content);
    let import = Import {
        name: asked.name.as_deref().unwrap_or(UNNAMED),
        account: asked.account.as_deref(),
        observed_at: asked.as_of,
        keeps_secrets: asked.keep_secrets,
    };
    Ok(Json(import::run(&inventory, content.as_bytes(), import).await?))
}
