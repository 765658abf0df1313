//! What is done to keys of our own APIs: rotated, revoked.

use axum::http::StatusCode;
use keytender_core::time::{Span, Time};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::acts::{Reason, Why};
use super::apps::{NewKey, new_key};
use crate::app::inventory::Inventory;
use crate::app::issued::{self, Activation, NewRotation};
use crate::app::view::{NewKeyView, RevocationView, RotationView};
use crate::http::etag::Tagged;
use crate::http::extract::{Body, Path, Query};
use crate::http::problem::Refusal;

/// How a key is rotated.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RotationBody {
    /// How long both keys work, from the activation of the new one; as its API says if it is absent.
    overlap: Option<Span>,
    /// What activates the new key.
    #[serde(default)]
    activation: Activation,
    /// When the new key ends; as its API says if nothing is said, never if it is null.
    #[serde(default, with = "crate::app::view::presence", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Time>)]
    expires_at: Option<Option<Time>>,
    /// Why, for the log.
    #[schema(max_length = 500)]
    because: Option<String>,
}

/// How a key is ended.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RevocationBody {
    /// Whether somebody else may know it.
    #[serde(default)]
    compromised: bool,
    /// Why.
    #[schema(max_length = 500)]
    because: Option<String>,
}

/// Rotate a key
///
/// Makes a successor with the same rights; its secret is in this answer and nowhere else. Both work during
/// the overlap, which begins with the first use of the new one, or at once. A second rotation cancels one
/// that was not activated.
#[utoipa::path(post, path = "/v1/keys/{key}/rotations", tag = "apis", request_body = RotationBody,
    params(("key" = String, Path, description = "Keytender's id, the public id in the key, or a label")),
    responses((status = 201, body = NewKeyView, description = "The new key",
               headers(("Location" = String, description = "Where it is")))),
    security(("token" = ["keys:issue"])))]
pub(in crate::http) async fn rotate(
    inventory: Inventory,
    Path(word): Path<String>,
    Body(asked): Body<RotationBody>,
) -> Result<NewKey, Refusal> {
    let new = NewRotation {
        overlap: asked.overlap,
        activation: asked.activation,
        expires_at: asked.expires_at,
        why: asked.because,
    };
    Ok(new_key(&issued::rotate(&inventory, &word, new).await?))
}

/// Read a key's rotation
///
/// The two keys, and how far it has come: whichever of the two is named.
#[utoipa::path(get, path = "/v1/keys/{key}/rotations", tag = "apis",
    params(("key" = String, Path, description = "Keytender's id, the public id in the key, or a label")),
    responses((status = 200, body = RotationView, description = "The rotation")),
    security(("token" = ["keys:read"])))]
pub(in crate::http) async fn rotation(
    inventory: Inventory,
    Path(word): Path<String>,
) -> Result<Tagged<RotationView>, Refusal> {
    let found = issued::rotation(&inventory, &word).await?;
    Ok(Tagged(RotationView::of(&found.before, &found.after, inventory.now)))
}

/// Cancel a key's rotation
///
/// The key before works on as it did, the one after ends.
#[utoipa::path(delete, path = "/v1/keys/{key}/rotations", tag = "apis",
    params(("key" = String, Path, description = "Keytender's id, the public id in the key, or a label"), Why),
    responses((status = 204, description = "It is cancelled")),
    security(("token" = ["keys:issue"])))]
pub(in crate::http) async fn cancel(
    inventory: Inventory,
    Path(word): Path<String>,
    Query(why): Query<Why>,
) -> Result<StatusCode, Refusal> {
    issued::cancel(&inventory, &word, why.because.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Finish a key's rotation
///
/// Ends the overlap now: only the key after works from here on.
#[utoipa::path(post, path = "/v1/keys/{key}/rotations/completion", tag = "apis", request_body = Reason,
    params(("key" = String, Path, description = "Keytender's id, the public id in the key, or a label")),
    responses((status = 200, body = RotationView, description = "The rotation as it is now")),
    security(("token" = ["keys:issue"])))]
pub(in crate::http) async fn finish(
    inventory: Inventory,
    Path(word): Path<String>,
    Body(reason): Body<Reason>,
) -> Result<Tagged<RotationView>, Refusal> {
    issued::finish(&inventory, &word, reason.because.as_deref()).await?;
    rotation(inventory, Path(word)).await
}

/// Revoke a key
///
/// It ends for good. One that has ended already stays as it is.
#[utoipa::path(post, path = "/v1/keys/{key}/revocation", tag = "apis", request_body = RevocationBody,
    params(("key" = String, Path, description = "Keytender's id, the public id in the key, or a label")),
    responses((status = 200, body = RevocationView, description = "What became of it")),
    security(("token" = ["keys:issue"])))]
pub(in crate::http) async fn revoke(
    inventory: Inventory,
    Path(word): Path<String>,
    Body(asked): Body<RevocationBody>,
) -> Result<axum::Json<RevocationView>, Refusal> {
    let because = asked.because.as_deref();
    let done = issued::revoke(&inventory, &word, asked.compromised, because).await?;
    Ok(axum::Json(RevocationView {
        key: done.key_id.to_string(),
        enforced_at: None,
        not_proven: Vec::new(),
    }))
}
